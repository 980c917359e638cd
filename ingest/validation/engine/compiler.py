"""A schema's `load`, as one generated function for each item."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial as bind
from typing import Any

from marshmallow import Schema, ValidationError
from marshmallow.error_store import ErrorStore

from ingest.validation.engine.hooks import failure, with_hooks
from ingest.validation.engine.known import check_schema, load_hooks
from ingest.validation.engine.late import (
    CALLS_HOOKS,
    COMPILED,
    WHOLE_ITEM,
    Coverage,
    note,
    write_object_late,
)
from ingest.validation.engine.load import Load, Partial
from ingest.validation.engine.objects import write_many, write_nested, write_object
from ingest.validation.engine.source import Source, Uncompiled
from ingest.validation.engine.values import Scope


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
) -> CompiledLoad:
    """Compile `schema.load` with the other arguments; None stands for the schema's own option.

    What is changed in the schema's fields later is not seen.
    """
    options: dict[str, Any] = {"partial": partial, "unknown": unknown, "many": many}
    given = {name: value for name, value in options.items() if value is not None}
    marshmallow = bind(schema.load, **given)
    try:
        check_schema(schema)
        compiled = _many if (schema.many if many is None else many) else _one
        return compiled(Load.of(schema, partial, unknown), marshmallow)
    except Uncompiled as left:
        names = schema.load_fields or [""]
        return CompiledLoad(
            marshmallow, "", [Coverage(name, WHOLE_ITEM, str(left)) for name in names]
        )


def explain_schema(schema: Schema, partial: Partial = None) -> Sequence[Coverage]:
    """How each field that `schema` loads is loaded by its compiled function."""
    return compile_load(schema, partial).coverage


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
        source = _early(Load.of(schema, partial), "item", "FALLBACK")
    except Uncompiled:
        return None
    return source.compiled()


def _many(load: Load, marshmallow: Callable[[Any], Any]) -> CompiledLoad:
    if load_hooks(load.schema):
        raise Uncompiled("hooks of a schema with many=True")
    scope = _scope(load)
    source = scope.source
    with source.function("item", "marshmallow(item)"), source.guarded():
        source.line("loaded = item")
        write_many(scope, load, "loaded")
        source.line("return loaded")
    return CompiledLoad(source.compiled(marshmallow=marshmallow), source.text(), _compiled(load))


def _one(load: Load, marshmallow: Callable[[Any], Any]) -> CompiledLoad:
    hooks = load_hooks(load.schema)
    # Of a load with hooks, only the fields are generated, with the ErrorStore of all of it.
    how = ("item, errors", "FALLBACK") if hooks else ("item", "marshmallow(item)")
    try:
        source, coverage = _early(load, *how), _compiled(load)
    except Uncompiled:
        source, coverage = _late(load, *how, reports=not hooks)
    function = source.compiled(
        marshmallow=marshmallow,
        ErrorStore=ErrorStore,
        ValidationError=ValidationError,
        note=note,
        fail=failure(load),
    )
    if hooks:
        function = with_hooks(load, function)
        coverage = [*coverage, Coverage("", CALLS_HOOKS, ", ".join(hooks))]
    return CompiledLoad(function, source.text(), coverage)


def _compiled(load: Load) -> list[Coverage]:
    return [Coverage(name, COMPILED) for name in load.schema.load_fields]


def _early(load: Load, parameters: str, fallback: str) -> Source:
    """A function that calls no user code."""
    scope = _scope(load)
    source = scope.source
    with source.function(parameters, fallback), source.guarded():
        write_object(scope, load, "item", "out")
        source.line("return out")
    return source


def _late(
    load: Load, parameters: str, fallback: str, *, reports: bool
) -> tuple[Source, list[Coverage]]:
    """A function that calls user code after all else; it `reports` errors, or notes them."""
    scope = _scope(load)
    source = scope.source
    with source.function(parameters, fallback):
        with source.guarded():
            coverage = write_object_late(scope, load)
        with source.block("else:"):
            if reports:
                source.line("errors = ErrorStore()")
            source.write_deferred()
            if reports:
                source.line("if errors.errors:")
                source.line("    fail(item, out, errors.errors)")
            source.line("return out")
    return source, coverage


def _scope(load: Load) -> Scope:
    kind = type(load.schema)
    return Scope(
        Source("load", kind.__name__), load.partial, (kind,), write_nested, _load_of_nested
    )


def _load_of_nested(schema: Schema, partial: Any, unknown: str | None) -> Callable[[Any], Any]:
    return compile_load(schema, partial, unknown).load
