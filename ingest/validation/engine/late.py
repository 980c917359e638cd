"""Loads that call user code, after everything that can be compiled.

An item that fails in compiled code goes to marshmallow before any user code has run. So such code
is called once an item, in the order of the fields, and what it raises is stored as marshmallow
would have stored it.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial as bind
from types import SimpleNamespace
from typing import Any, NamedTuple

from marshmallow import Schema, ValidationError, missing
from marshmallow.error_store import ErrorStore

from ingest.validation.engine.called import CalledField, write_calls
from ingest.validation.engine.known import load_hooks
from ingest.validation.engine.load import Load, LoadField
from ingest.validation.engine.nested import NestedLoads
from ingest.validation.engine.objects import ObjectWriter, calls_user, scope_of, write_assignment
from ingest.validation.engine.source import FALLBACK, Source, TooLong, Uncompiled
from ingest.validation.engine.validators import describe

TYPED = "typed"
COMPILED = "compiled"
CALLS_FIELD = "calls marshmallow's field"
CALLS_HOOKS = "calls the schema's methods"
CALLS_OVERRIDE = "called by the schema's own"
COMPILED_INSIDE = "calls marshmallow's field around compiled loads"
WHOLE_ITEM = "whole item left to marshmallow"

_PARTS = (
    "_hooks",
    "_invoke_field_validators",
    "_invoke_load_processors",
    "_invoke_schema_validators",
    "handle_error",
    "partial",
)
"""What `Schema._do_load` takes from its schema, beside `_deserialize`."""


See = Callable[[Any], None]
"""Is called with what the fields get of each item, after its `pre_load` hooks."""


class Coverage(NamedTuple):
    """How one field of a schema is loaded."""

    field: str
    """Its name; empty for what is said of the schema."""
    how: str
    """TYPED, COMPILED, CALLS_FIELD, COMPILED_INSIDE, CALLS_HOOKS, CALLS_OVERRIDE or WHOLE_ITEM."""
    reason: str = ""
    """Why it is not compiled, or what is called beside; a path leads to a nested field."""


def compile_late(
    load: Load, nested: NestedLoads, see: See | None = None
) -> tuple[Callable[..., Any], str, list[Coverage]]:
    """Compile the fields of a load, with marshmallow's `_do_load` around them.

    Returns:
        The load of one item, or of a collection where that is what it loads; the text of what
        loads the fields of an item, and how each is loaded.
    """
    scope = scope_of(load)
    source = scope.source
    with source.function("item, errors, index", "FALLBACK"):
        with source.guarded():
            writer = ObjectWriter(scope, load, "item", "out")
            coverage = [_write_field(source, writer, each, nested) for each in writer.fields]
            writer.write_unknown_check()
        with source.block("else:"):
            source.write_deferred()
            writer.write_unknown_copy()
            source.line("return out")
    hooks = load_hooks(load.schema)
    if hooks:
        coverage.append(Coverage("", CALLS_HOOKS, ", ".join(hooks)))
    load_fields = source.compiled(ValidationError=ValidationError, note=_note)
    return _around(load, load_fields, see), source.text(), coverage


def _around(load: Load, load_fields: Callable[..., Any], see: See | None) -> Callable[[Any], Any]:
    """marshmallow's own load of one item or a collection around `load_fields`."""
    schema = load.schema

    def deserialize(
        data: Any, *, error_store: ErrorStore, index: int | None = None, **options: Any
    ) -> Any:
        if see is not None:
            see(data)
        loaded = load_fields(data, error_store, index if schema.opts.index_errors else None)
        if loaded is FALLBACK:
            return schema._deserialize(data, error_store=error_store, index=index, **options)
        return loaded

    def deserialize_each(data: Any, *, many: bool, **options: Any) -> Any:
        if type(data) is not list:
            return schema._deserialize(data, many=many, **options)
        return [deserialize(each, index=index, **options) for index, each in enumerate(data)]

    if not load_hooks(schema):
        return _without_hooks(load, deserialize_each if load.many else deserialize)
    parts: Any = SimpleNamespace(**{name: getattr(schema, name) for name in _PARTS})
    parts._deserialize = deserialize_each if load.many else deserialize
    do_load: Callable[..., Any] = Schema._do_load
    return bind(do_load, parts, many=load.many, partial=load.partial, unknown=load.unknown)


def _without_hooks(load: Load, deserialize: Callable[..., Any]) -> Callable[[Any], Any]:
    """What `Schema._do_load` comes to for a schema that has no hooks."""
    schema, many, partial, unknown = load.schema, load.many, load.partial, load.unknown

    def do_load(data: Any) -> Any:
        store = ErrorStore()  # type: ignore[no-untyped-call]
        loaded = deserialize(data, error_store=store, many=many, partial=partial, unknown=unknown)
        if store.errors:
            error = ValidationError(store.errors, data=data, valid_data=loaded)
            schema.handle_error(error, data, many=many, partial=partial)
            raise error
        return loaded

    return do_load


def _note(errors: ErrorStore, error: ValidationError, key: str, index: int | None) -> Any:
    """Store what a field raised, and return what marshmallow goes on with in its place."""
    errors.store_error(error.messages, key, index=index)  # type: ignore[no-untyped-call]
    return error.valid_data or missing


def _write_field(
    source: Source, writer: ObjectWriter, each: LoadField, nested: NestedLoads
) -> Coverage:
    """Write what is compiled of a field; what calls user code is deferred."""
    var = source.fresh("value")
    try:
        with source.undone_if_uncompiled():
            called = writer.write_field(each, var, assign=False)
    except Uncompiled as left:
        return _write_called_field(source, writer, each, var, nested, left)
    calls = [*called, *each.field.post_load]
    with source.deferred():
        source.line(f"# {each.key!a}: loaded above")
        write_calls(source, each, var, called)
        with source.block(f"if {var} is not MISSING:"):
            write_assignment(source, "out", each, var)
    reason = f"then calls {', '.join(map(describe, calls))}" if calls else ""
    if calls_user(each.default):
        reason = reason or "calls its load_default"
    return Coverage(each.name, COMPILED, reason)


def _write_called_field(
    source: Source,
    writer: ObjectWriter,
    each: LoadField,
    var: str,
    nested: NestedLoads,
    reason: Uncompiled,
) -> Coverage:
    """Write a field whose values marshmallow's or the user's code loads."""
    field, how = each.field, CALLS_FIELD
    if not isinstance(reason, TooLong):
        with suppress(Uncompiled):
            field, how = nested.field(each.field), COMPILED_INSIDE
    called = CalledField(each, field, var)
    called.write_presence(source, writer)
    with source.deferred():
        called.write_load(source)
        with source.block(f"if {var} is not MISSING:"):
            write_assignment(source, "out", each, var)
    return Coverage(each.name, how, str(reason))
