"""Loads that call user code, after everything that can be compiled.

An item that fails in compiled code goes to marshmallow before any user code has run. So such code
is called once an item, in the order of the fields, and what it raises is stored as marshmallow
would have stored it.
"""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial as bind
from types import SimpleNamespace
from typing import Any, NamedTuple

from marshmallow import Schema, ValidationError, missing
from marshmallow.error_store import ErrorStore
from marshmallow.validate import And

from ingest.validation.engine.known import load_hooks
from ingest.validation.engine.load import Load, LoadField
from ingest.validation.engine.objects import ObjectWriter, calls_user, scope_of, write_assignment
from ingest.validation.engine.source import FALLBACK, Source, Uncompiled
from ingest.validation.engine.validators import describe

COMPILED = "compiled"
CALLS_FIELD = "calls marshmallow's field"
CALLS_HOOKS = "calls the schema's methods"
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


class Coverage(NamedTuple):
    """How one field of a schema is loaded."""

    field: str
    """Its name; empty for what is said of the schema."""
    how: str
    """COMPILED, CALLS_FIELD, CALLS_HOOKS or WHOLE_ITEM."""
    reason: str = ""
    """Why it is not compiled, or what is called beside; a path leads to a nested field."""


def compile_late(
    load: Load, see: Callable[[Any], None] | None = None
) -> tuple[Callable[..., Any], str, list[Coverage]]:
    """Compile the fields of a load, with marshmallow's `_do_load` around them.

    Args:
        see: is called with what the fields get of each item, after its `pre_load` hooks.

    Returns:
        The load of one item, the text of what loads its fields, and how each is loaded.
    """
    scope = scope_of(load)
    source = scope.source
    with source.function("item, errors", "FALLBACK"):
        with source.guarded():
            writer = ObjectWriter(scope, load, "item", "out")
            coverage = [_write_field(source, writer, each) for each in writer.fields]
            writer.write_unknown_check()
        with source.block("else:"):
            source.write_deferred()
            writer.write_unknown_copy()
            source.line("return out")
    hooks = load_hooks(load.schema)
    if hooks:
        coverage.append(Coverage("", CALLS_HOOKS, ", ".join(hooks)))
    load_fields = source.compiled(ValidationError=ValidationError, note=_note)
    return _with_hooks(load, load_fields, see), source.text(), coverage


def _with_hooks(
    load: Load, load_fields: Callable[..., Any], see: Callable[[Any], None] | None
) -> Callable[[Any], Any]:
    """marshmallow's own load of one item, with its hooks, around `load_fields`."""
    schema = load.schema

    def deserialize(data: Any, *, error_store: ErrorStore, **options: Any) -> Any:
        if see is not None:
            see(data)
        loaded = load_fields(data, error_store)
        if loaded is FALLBACK:
            return schema._deserialize(data, error_store=error_store, **options)
        return loaded

    parts: Any = SimpleNamespace(**{name: getattr(schema, name) for name in _PARTS})
    parts._deserialize = deserialize
    do_load: Callable[..., Any] = Schema._do_load
    return bind(do_load, parts, many=False, partial=load.partial, unknown=load.unknown)


def _note(errors: ErrorStore, error: ValidationError, key: str) -> Any:
    """Store what a field raised, and return what marshmallow goes on with in its place."""
    errors.store_error(error.messages, key, index=None)  # type: ignore[no-untyped-call]
    return error.valid_data or missing


def _write_field(source: Source, writer: ObjectWriter, each: LoadField) -> Coverage:
    """Write what is compiled of a field; what calls user code is deferred."""
    var = source.fresh("value")
    try:
        with source.undone_if_uncompiled():
            called = writer.write_field(each, var, assign=False)
        calls = f"then calls {', '.join(map(describe, called))}" if called else ""
        if calls_user(each.default):
            calls = calls or "calls its load_default"
        coverage = Coverage(each.name, COMPILED, calls)
    except Uncompiled as left:
        called = None
        writer.write_presence(each)
        coverage = Coverage(each.name, CALLS_FIELD, str(left))
    with source.deferred():
        if called is None:
            _write_whole_field(source, each, var)
        else:
            _write_calls(source, each, var, called)
        with source.block(f"if {var} is not MISSING:"):
            write_assignment(source, "out", each, var)
    return coverage


def _write_whole_field(source: Source, each: LoadField, var: str) -> None:
    """The field's own `deserialize`, called as marshmallow calls it."""
    source.line(f"# {each.key!a}: marshmallow")
    source.line(f"{var} = item.get({each.key!a}, MISSING)")
    arguments = f"{var}, {each.key!a}, item"
    if type(each.partial) is list:
        arguments += f", partial=[*{source.bind('names', each.partial)}]"
    elif each.partial is not None:
        arguments += f", partial={each.partial}"
    deserialize = source.bind("deserialize", each.field.deserialize)
    with source.block(f"if {var} is not MISSING:") if each.excused else nullcontext():
        _write_call(source, each, f"{deserialize}({arguments})", var, var)


def _write_calls(source: Source, each: LoadField, var: str, called: list[Any]) -> None:
    """What a field that is loaded already calls: its default, and the user's validators."""
    source.line(f"# {each.key!a}: loaded above")
    if calls_user(each.default):
        with source.block(f"if {var} is MISSING:"):
            _write_call(source, each, f"{source.bind('default', each.default)}()", var, var)
    if called:
        raw = f"item.get({each.key!a}, MISSING)"
        # Neither a default nor an allowed None is ever validated.
        with source.block(f"if {var} is not None and {raw} is not MISSING:"):
            _write_call(source, each, f"{source.bind('check', And(*called))}({var})", var, "_")


def _write_call(source: Source, each: LoadField, call: str, var: str, result: str) -> None:
    with source.block("try:"):
        source.line(f"{result} = {call}")
    with source.block("except ValidationError as error:"):
        source.line(f"{var} = note(errors, error, {each.key!a})")
