"""A schema's `load`, as one generated function for each item."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial as bind
from typing import Any

from marshmallow import Schema

from ingest.validation.engine.known import check_schema, load_hooks
from ingest.validation.engine.late import COMPILED, WHOLE_ITEM, Coverage, compile_late
from ingest.validation.engine.load import Load, Partial
from ingest.validation.engine.objects import scope_of, write_object
from ingest.validation.engine.source import Source, Uncompiled


@dataclass(frozen=True, slots=True)
class CompiledLoad:
    """What loads one item with a schema and options; results and errors equal `schema.load`'s."""

    load: Callable[[Any], Any]
    """From a raw item to the loaded one; raises marshmallow's ValidationError."""
    source: str
    """The text of the generated function; empty where marshmallow does everything."""
    coverage: Sequence[Coverage]
    """How each field is loaded."""


def compile_load(
    schema: Schema,
    partial: Partial = None,
    unknown: str | None = None,
    many: bool | None = None,
    see: Callable[[Any], None] | None = None,
) -> CompiledLoad:
    """Compile `schema.load` with the other arguments; None stands for the schema's own option.

    What is changed in the schema's fields later is not seen.

    Args:
        see: is called with what the fields get of each item, after its `pre_load` hooks; never
            where the whole item is left to marshmallow.
    """
    options: dict[str, Any] = {"partial": partial, "unknown": unknown, "many": many}
    given = {name: value for name, value in options.items() if value is not None}
    marshmallow = bind(schema.load, **given)
    try:
        check_schema(schema)
        if schema.many if many is None else many:
            raise Uncompiled("the schema loads collections")
        return _compile(Load.of(schema, partial, unknown), marshmallow, see)
    except Uncompiled as left:
        names = schema.load_fields or [""]
        return CompiledLoad(
            marshmallow, "", [Coverage(name, WHOLE_ITEM, str(left)) for name in names]
        )


def explain_schema(schema: Schema) -> Sequence[Coverage]:
    """How each field that `schema` loads is loaded by its compiled function."""
    return compile_load(schema).coverage


def compile_exact(schema: Schema, partial: Partial) -> Callable[[Any], Any] | None:
    """The load of one item as a function that never calls marshmallow or user code.

    Returns:
        A function that returns what `schema.load(item, partial=partial)` would, or FALLBACK; None
        where the schema needs more than that.
    """
    try:
        check_schema(schema)
        if schema.many or load_hooks(schema):
            return None
        return _write_load(Load.of(schema, partial), "FALLBACK").compiled()
    except Uncompiled:
        return None


def _compile(
    load: Load, marshmallow: Callable[[Any], Any], see: Callable[[Any], None] | None
) -> CompiledLoad:
    if not load_hooks(load.schema):
        with suppress(Uncompiled):
            source = _write_load(load, "marshmallow(item)")
            coverage = [Coverage(name, COMPILED) for name in load.schema.load_fields]
            return CompiledLoad(source.compiled(marshmallow=marshmallow), source.text(), coverage)
    return CompiledLoad(*compile_late(load, see))


def _write_load(load: Load, fallback: str) -> Source:
    """A function that calls no user code."""
    scope = scope_of(load)
    source = scope.source
    with source.function("item", fallback), source.guarded():
        write_object(scope, load, "item", "out")
        source.line("return out")
    return source
