"""A schema's `load`, as one generated function for each item."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial as bind
from typing import Any

from marshmallow import Schema

from ingest.validation.engine.by_options import ByOptions
from ingest.validation.engine.known import check_no_override, check_schema, load_hooks
from ingest.validation.engine.late import (
    CALLS_OVERRIDE,
    COMPILED,
    WHOLE_ITEM,
    Coverage,
    See,
    compile_late,
)
from ingest.validation.engine.load import Load, Partial
from ingest.validation.engine.nested import NestedLoads
from ingest.validation.engine.objects import scope_of, write_object
from ingest.validation.engine.overrides import Overrides
from ingest.validation.engine.source import Source, Uncompiled

_OPTIONS_AT_MOST = 8
"""How many loads are kept for the options that an override passes on."""


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
    see: See | None = None,
) -> CompiledLoad:
    """Compile `schema.load` with the other arguments; None stands for the schema's own option.

    What is changed in the schema's fields later is not seen.

    Args:
        see: is called with what the fields get of each item, after its `pre_load` hooks; never
            where the whole item is left to marshmallow.
    """
    options: dict[str, Any] = {"partial": partial, "unknown": unknown, "many": many}
    given = {name: value for name, value in options.items() if value is not None}
    return _compile_call(schema, given, NestedLoads(_load_nested), see)


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
        check_no_override(schema)
        if schema.many or load_hooks(schema):
            return None
        return _write_load(Load.of(schema, partial), "FALLBACK").compiled()
    except Uncompiled:
        return None


def _load_nested(
    schema: Schema, partial: Partial, unknown: str | None, nested: NestedLoads
) -> tuple[Callable[[Any], Any], str]:
    """The load of a nested schema, called as `Nested` calls it, and its text."""
    compiled = _compile_call(schema, {"unknown": unknown, "partial": partial}, nested)
    return compiled.load, compiled.source


def _compile_call(
    schema: Schema, given: dict[str, Any], nested: NestedLoads, see: See | None = None
) -> CompiledLoad:
    """Compile `schema.load` with just these arguments; `nested` compiles what is nested in it."""
    marshmallow: Callable[..., Any] = bind(schema.load, **given)
    try:
        check_schema(schema)
        overrides = Overrides.of(schema)
        if overrides:
            return _compile_under(schema, overrides, given, nested, see)
        return _compile(Load.of(schema, **given), marshmallow, nested, see)
    except Uncompiled as left:
        coverage = [Coverage(name, WHOLE_ITEM, str(left)) for name in schema.load_fields or [""]]
        return CompiledLoad(marshmallow, "", coverage)


def _compile(
    load: Load, marshmallow: Callable[[Any], Any], nested: NestedLoads, see: See | None
) -> CompiledLoad:
    """Compile a load that no code of the user's stands before."""
    if not load.many and not load_hooks(load.schema):
        with suppress(Uncompiled):
            source = _write_load(load, "marshmallow(item)")
            coverage = [Coverage(name, COMPILED) for name in load.schema.load_fields]
            return CompiledLoad(source.compiled(marshmallow=marshmallow), source.text(), coverage)
    return CompiledLoad(*compile_late(load, nested, see))


def _compile_under(
    schema: Schema,
    overrides: Overrides,
    given: dict[str, Any],
    nested: NestedLoads,
    see: See | None,
) -> CompiledLoad:
    """Compile what the overrides of the user's pass on to, with any options that they pass on."""

    def marshmallow(many: bool | None, partial: Partial, unknown: str | None) -> CompiledLoad:
        options: dict[str, Any] = {"many": many, "partial": partial, "unknown": unknown}
        return CompiledLoad(bind(Schema._do_load, schema, **options), "", ())

    def compile_one(many: bool | None, partial: Partial, unknown: str | None) -> CompiledLoad:
        left = marshmallow(many, partial, unknown)
        with suppress(Uncompiled):
            return _compile(Load.of(schema, partial, unknown, many), left.load, nested, see)
        return left

    loads = ByOptions(compile_one, _OPTIONS_AT_MOST, otherwise=marshmallow)
    shown = _compile(Load.of(schema, **given), bind(Schema._do_load, schema, **given), nested, see)
    load = bind(overrides.around(lambda *options: loads.get(*options).load), **given)
    called = Coverage("", CALLS_OVERRIDE, ", ".join(overrides.names))
    return CompiledLoad(load, shown.source, [*shown.coverage, called])


def _write_load(load: Load, fallback: str) -> Source:
    """A function that calls no user code."""
    scope = scope_of(load)
    source = scope.source
    with source.function("item", fallback), source.guarded():
        write_object(scope, load, "item", "out")
        source.line("return out")
    return source
