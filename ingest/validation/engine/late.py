"""Fields that need the user's code: loaded last, by marshmallow's own `deserialize`.

Everything that can be compiled is looked at first, and an item that fails there goes to marshmallow
before any code of the user's has run. So such code is called once an item, in the order of the
fields, and what it raises is noted just as marshmallow would have noted it.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from marshmallow import Schema, ValidationError, missing
from marshmallow.error_store import ErrorStore
from marshmallow.validate import And

from ingest.validation.engine.nested import with_compiled_schemas
from ingest.validation.engine.objects import ObjectWriter, calls_user, write_assignment
from ingest.validation.engine.schema_fields import LoadField
from ingest.validation.engine.source import Source, Uncompiled
from ingest.validation.engine.validators import describe
from ingest.validation.engine.values import Called, Scope

Step = Callable[[], None]


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


@dataclass
class LateObject:
    """An object whose first half is written."""

    coverage: list[Coverage] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def write_second_half(self) -> None:
        """Write what calls the user's code; it also expects `errors`, an ErrorStore."""
        for step in self.steps:
            step()


def note(errors: ErrorStore, error: ValidationError, key: str) -> Any:
    """Store what a field raised, and return what marshmallow goes on with in its place."""
    errors.store_error(error.messages, key, index=None)  # type: ignore[no-untyped-call]
    return error.valid_data or missing


def write_object_late(scope: Scope, schema: Schema, unknown: str) -> LateObject:
    """Write the first half of a load: everything that no code of the user's has a part in.

    Variables are `item`, the raw object, and `out`.

    Args:
        scope: the outermost one.
        schema: what is loaded.
        unknown: what it does with unknown keys.
    """
    source = scope.source
    writer = ObjectWriter(scope, schema, unknown, "item", "out")
    late = LateObject()
    for each in writer.fields:
        var = source.fresh("value")
        try:
            with source.undone_if_uncompiled():
                called = writer.write_field(each, var, assign_to=None)
        except Uncompiled as left:
            late.coverage.append(Coverage(each.name, CALLS_FIELD, str(left)))
            writer.write_presence(each)
            late.steps.append(_whole_field(scope, each, var))
        else:
            late.coverage.append(Coverage(each.name, COMPILED, _calls(each, called)))
            late.steps.append(_finished_field(source, each, var, called))
    writer.write_unknown_check()
    late.steps.append(writer.write_unknown_copy)
    return late


def _calls(each: LoadField, called: Sequence[Called]) -> str:
    if called:
        return f"then calls {', '.join(describe(validator) for validator, _ in called)}"
    return "calls its load_default" if calls_user(each.default) else ""


def _whole_field(scope: Scope, each: LoadField, var: str) -> Step:
    """The field's own `deserialize`, called as marshmallow calls it."""
    source = scope.source
    field = with_compiled_schemas(each.field, scope.schemas, scope.compile_schema)

    def step() -> None:
        nothing = source.bind("MISSING", missing)
        source.comment("marshmallow", each.key)
        source.line(f"{var} = item.get({each.key!a}, {nothing})")
        load = source.bind("deserialize", field.deserialize)
        arguments = f"{var}, {each.key!a}, item"
        if type(each.partial) is list:
            arguments += f", partial=[*{source.bind('names', each.partial)}]"
        elif each.partial is not None:
            arguments += f", partial={each.partial}"
        with source.block(f"if {var} is not {nothing}:") if each.excused else nullcontext():
            _write_call(source, each, f"{load}({arguments})", var, var)
        with source.block(f"if {var} is not {nothing}:"):
            write_assignment(source, "out", each, var)

    return step


def _finished_field(source: Source, each: LoadField, var: str, called: Sequence[Called]) -> Step:
    """A field that is loaded already: its default, the user's validators, its place."""

    def step() -> None:
        nothing = source.bind("MISSING", missing)
        source.comment("loaded above", each.key)
        if calls_user(each.default):
            with source.block(f"if {var} is {nothing}:"):
                _write_call(source, each, f"{source.bind('default', each.default)}()", var, var)
        if called:
            check = source.bind("check", And(*(validator for validator, _ in called)))
            raw = f"item.get({each.key!a}, {nothing})"
            # Neither a default nor an allowed None is ever validated.
            with source.block(f"if {var} is not None and {raw} is not {nothing}:"):
                _write_call(source, each, f"{check}({var})", var, "_")
        with source.block(f"if {var} is not {nothing}:"):
            write_assignment(source, "out", each, var)

    return step


def _write_call(source: Source, each: LoadField, call: str, var: str, result: str) -> None:
    with source.block("try:"):
        source.line(f"{result} = {call}")
    with source.block("except ValidationError as error:"):
        source.line(f"{var} = note(errors, error, {each.key!a})")
