"""Fields that need code of the user's: loaded last, by marshmallow's own `deserialize`.

Whatever can be compiled is looked at first, and an item that fails there goes to marshmallow
before any code of the user's has run. So such code is called once an item, in the order of the
fields, and what it raises is noted just as marshmallow would have noted it.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NamedTuple

from marshmallow import Schema, ValidationError, missing
from marshmallow.error_store import ErrorStore
from marshmallow.validate import And

from ingest.validation.engine.inside import with_compiled_schemas
from ingest.validation.engine.objects import (
    LoadField,
    UnknownKeys,
    calls_user,
    load_fields,
    start_object,
    write_assignment,
    write_early,
)
from ingest.validation.engine.source import Source, Uncompiled
from ingest.validation.engine.validators import describe
from ingest.validation.engine.values import Scope

Step = Callable[[], None]


class Remark(NamedTuple):
    """What is not compiled of a field."""

    converted: bool
    """Whether the field itself is compiled, and only something beside it is called."""
    reason: str


def note(errors: ErrorStore, error: ValidationError, key: str) -> Any:
    """Store what a field raised, and return what marshmallow goes on with in its place."""
    errors.store_error(error.messages, key, index=None)  # type: ignore[no-untyped-call]
    return error.valid_data or missing


def write_object_late(
    scope: Scope, schema: Schema, unknown: str, remarks: dict[str, Remark]
) -> Callable[[], None]:
    """Write the first half of a load: everything that no code of the user's has a part in.

    Variables are `item`, the raw object, and `out`. The function returned writes the second
    half, which also expects `errors`, an ErrorStore.

    Args:
        scope: the outermost one.
        schema: what is loaded.
        unknown: what it does with unknown keys.
        remarks: receives what is not compiled, by the field's name.
    """
    source = scope.source
    unknown_keys = UnknownKeys(source, schema, unknown, "item")
    start_object(source, schema, unknown_keys, "item", "out")
    steps = []
    for each in load_fields(schema, scope.partial):
        put_off: list[Any] = []
        var = source.fresh("value")
        try:
            with source.attempt():
                write_early(scope, each, "item", var, unknown_keys, assign_to=None, put_off=put_off)
        except Uncompiled as left:
            remarks[each.name] = Remark(False, str(left))
            _write_presence(source, each, unknown_keys)
            steps.append(_whole_field(scope, each, var))
        else:
            if put_off:
                names = ", ".join(describe(validator) for validator in put_off)
                remarks[each.name] = Remark(True, f"then calls {names}")
            elif calls_user(each.default):
                remarks[each.name] = Remark(True, "calls its load_default")
            steps.append(_finished_field(source, each, var, put_off))
    unknown_keys.write_check()

    def write_second_half() -> None:
        for step in steps:
            step()
        unknown_keys.write_copy("out")

    return write_second_half


def _write_presence(source: Source, each: LoadField, unknown_keys: UnknownKeys) -> None:
    if unknown_keys.counted:
        missing_ = source.bind("MISSING", missing)
        with source.block(f"if item.get({each.key!a}, {missing_}) is {missing_}:"):
            unknown_keys.write_absent()


def _whole_field(scope: Scope, each: LoadField, var: str) -> Step:
    """The field's own `deserialize`, called as marshmallow calls it."""
    source = scope.source
    field = with_compiled_schemas(each.field, scope.schemas, scope.compile_schema)

    def step() -> None:
        missing_ = source.bind("MISSING", missing)
        source.comment("marshmallow", each.key)
        source.line(f"{var} = item.get({each.key!a}, {missing_})")
        load = source.bind("deserialize", field.deserialize)
        arguments = f"{var}, {each.key!a}, item"
        if type(each.partial) is list:
            arguments += f", partial=[*{source.bind('names', each.partial)}]"
        elif each.partial is not None:
            arguments += f", partial={each.partial}"
        with source.block(f"if {var} is not {missing_}:") if each.excused else nullcontext():
            _write_called(source, each, f"{load}({arguments})", var, var)
        with source.block(f"if {var} is not {missing_}:"):
            write_assignment(source, "out", each.target, var)

    return step


def _finished_field(source: Source, each: LoadField, var: str, put_off: list[Any]) -> Step:
    """A field that is converted already: its default, the user's validators, its place."""

    def step() -> None:
        missing_ = source.bind("MISSING", missing)
        default = each.default
        source.comment("loaded above", each.key)
        if calls_user(default):
            with source.block(f"if {var} is {missing_}:"):
                _write_called(source, each, f"{source.bind('default', default)}()", var, var)
        if put_off:
            check = source.bind("check", And(*put_off))
            raw = f"item.get({each.key!a}, {missing_})"
            # Neither a default nor an allowed None is ever validated.
            with source.block(f"if {var} is not None and {raw} is not {missing_}:"):
                _write_called(source, each, f"{check}({var})", var, "_")
        with source.block(f"if {var} is not {missing_}:"):
            write_assignment(source, "out", each.target, var)

    return step


def _write_called(source: Source, each: LoadField, call: str, var: str, result: str) -> None:
    with source.block("try:"):
        source.line(f"{result} = {call}")
    with source.block("except ValidationError as error:"):
        source.line(f"{var} = note(errors, error, {each.key!a})")
