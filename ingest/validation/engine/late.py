"""Fields that need the user's code: loaded last, by marshmallow's own `deserialize`.

Everything that can be compiled is looked at first, and an item that fails there goes to marshmallow
before any user code has run. So such code is called once an item, in the order of the fields, and
what it raises is stored as marshmallow would have stored it.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

from marshmallow import ValidationError, missing
from marshmallow.error_store import ErrorStore
from marshmallow.validate import And

from ingest.validation.engine.load import Load, LoadField
from ingest.validation.engine.nested import with_compiled_schemas
from ingest.validation.engine.objects import ObjectWriter, calls_user, write_assignment
from ingest.validation.engine.source import Source, Uncompiled
from ingest.validation.engine.validators import describe
from ingest.validation.engine.values import Called, Scope

COMPILED = "compiled"
CALLS_FIELD = "calls marshmallow's field"
CALLS_HOOKS = "calls the schema's methods"
WHOLE_ITEM = "whole item left to marshmallow"


class Coverage(NamedTuple):
    """How one field of a schema is loaded."""

    field: str
    """Its name; empty for what is said of the schema."""
    how: str
    """COMPILED, CALLS_FIELD, CALLS_HOOKS or WHOLE_ITEM."""
    reason: str = ""
    """Why it is not compiled, or what is called beside; a path leads to a nested field."""


def note(errors: ErrorStore, error: ValidationError, key: str) -> Any:
    """Store what a field raised, and return what marshmallow goes on with in its place."""
    errors.store_error(error.messages, key, index=None)  # type: ignore[no-untyped-call]
    return error.valid_data or missing


def write_object_late(scope: Scope, load: Load) -> list[Coverage]:
    """Write the load of `item` into `out`, up to the first call of user code.

    What follows is deferred; it also expects `errors`, an ErrorStore.
    """
    source = scope.source
    writer = ObjectWriter(scope, load, "item", "out")
    coverage = []
    for each in writer.fields:
        var = source.fresh("value")
        try:
            with source.undone_if_uncompiled():
                called = writer.write_field(each, var, assign_to=None)
        except Uncompiled as left:
            coverage.append(Coverage(each.name, CALLS_FIELD, str(left)))
            writer.write_presence(each)
            with source.deferred():
                _write_whole_field(scope, each, var)
        else:
            coverage.append(Coverage(each.name, COMPILED, _calls(each, called)))
            with source.deferred():
                _write_calls(source, each, var, called)
    writer.write_unknown_check()
    with source.deferred():
        writer.write_unknown_copy()
    return coverage


def _calls(each: LoadField, called: Sequence[Called]) -> str:
    if called:
        return f"then calls {', '.join(describe(validator) for validator, _ in called)}"
    return "calls its load_default" if calls_user(each.default) else ""


def _write_whole_field(scope: Scope, each: LoadField, var: str) -> None:
    """The field's own `deserialize`, called as marshmallow calls it."""
    source = scope.source
    field = with_compiled_schemas(each.field, scope.schemas, scope.compile_schema)
    source.comment("marshmallow", each.key)
    source.line(f"{var} = item.get({each.key!a}, MISSING)")
    deserialize = source.bind("deserialize", field.deserialize)
    arguments = f"{var}, {each.key!a}, item"
    if type(each.partial) is list:
        arguments += f", partial=[*{source.bind('names', each.partial)}]"
    elif each.partial is not None:
        arguments += f", partial={each.partial}"
    with source.block(f"if {var} is not MISSING:") if each.excused else nullcontext():
        _write_call(source, each, f"{deserialize}({arguments})", var, var)
    _write_late_assignment(source, each, var)


def _write_calls(source: Source, each: LoadField, var: str, called: Sequence[Called]) -> None:
    """What a field that is loaded already calls: its default, and the user's validators."""
    source.comment("loaded above", each.key)
    if calls_user(each.default):
        with source.block(f"if {var} is MISSING:"):
            _write_call(source, each, f"{source.bind('default', each.default)}()", var, var)
    if called:
        check = source.bind("check", And(*(validator for validator, _ in called)))
        raw = f"item.get({each.key!a}, MISSING)"
        # Neither a default nor an allowed None is ever validated.
        with source.block(f"if {var} is not None and {raw} is not MISSING:"):
            _write_call(source, each, f"{check}({var})", var, "_")
    _write_late_assignment(source, each, var)


def _write_late_assignment(source: Source, each: LoadField, var: str) -> None:
    with source.block(f"if {var} is not MISSING:"):
        write_assignment(source, "out", each, var)


def _write_call(source: Source, each: LoadField, call: str, var: str, result: str) -> None:
    with source.block("try:"):
        source.line(f"{result} = {call}")
    with source.block("except ValidationError as error:"):
        source.line(f"{var} = note(errors, error, {each.key!a})")
