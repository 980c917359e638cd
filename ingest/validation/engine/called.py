"""Fields whose values are loaded by calls: `Field.deserialize`, written out around them.

All calls of one field stand in one `try`: what they raise is noted as marshmallow notes it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from marshmallow import fields, missing
from marshmallow.validate import And

from ingest.validation.engine.load import LoadField
from ingest.validation.engine.objects import ObjectWriter, calls_user
from ingest.validation.engine.source import Source

_STEPS = ("deserialize", "_validate_missing", "_validate", "_validate_all")
"""What a field is loaded by, beside its `_deserialize`."""


def write_calls(source: Source, each: LoadField, var: str, validators: Sequence[Any]) -> None:
    """Write what a field that is loaded already calls: its default, or what follows its value."""
    if calls_user(each.default):
        with source.block(f"if {var} is MISSING:"), _noted(source, each, var):
            source.line(f"{var} = {source.bind('default', each.default)}()")
    if validators or each.field.post_load:
        # Neither a default nor an allowed None is looked at.
        present = f"if {var} is not None and item.get({each.key!a}, MISSING) is not MISSING:"
        with source.block(present), _noted(source, each, var):
            _write_after(source, each, var, validators)


@dataclass(frozen=True, slots=True)
class CalledField:
    """A field whose value is loaded by a call."""

    each: LoadField
    field: fields.Field[Any]
    """The field, or a copy that loads as it does."""
    var: str

    @property
    def _whole(self) -> bool:
        """Whether `deserialize` itself has to be called."""
        return any(
            getattr(type(self.field), name) is not getattr(fields.Field, name)
            or name in vars(self.field)
            for name in _STEPS
        )

    def write_presence(self, source: Source, writer: ObjectWriter) -> None:
        """Write what is done before any call: fall back on what is missing or null."""
        if self._whole:
            writer.write_presence(self.each)
            return
        raw = f"item.get({self.each.key!a}, MISSING)"
        if self.each.required:
            source.fall_back_if(f"{raw} is MISSING")
        else:
            writer.write_presence(self.each)
        if not self.field.allow_none:
            source.fall_back_if(f"{raw} is None")

    def write_load(self, source: Source) -> None:
        """Write the load itself."""
        each, var = self.each, self.var
        source.line(f"# {each.key!a}: called")
        source.line(f"{var} = item.get({each.key!a}, MISSING)")
        if self._whole:
            deserialize = source.bind("deserialize", self.field.deserialize)
            present = source.block(f"if {var} is not MISSING:") if each.excused else nullcontext()
            with present, _noted(source, each, var):
                source.line(f"{var} = {deserialize}({self._arguments(source)})")
            return
        conditions = [] if each.required else [f"{var} is not MISSING"]
        if self.field.allow_none and not self.field.pre_load:
            conditions.append(f"{var} is not None")
        given = source.block(f"if {' and '.join(conditions)}:") if conditions else nullcontext()
        with given, _noted(source, each, var):
            self._write_value(source)
        if each.default is not missing and not each.required:
            with source.block(f"elif {var} is MISSING:"):
                self._write_default(source)

    def _write_default(self, source: Source) -> None:
        default = self.each.default
        if calls_user(default):
            with _noted(source, self.each, self.var):
                source.line(f"{self.var} = {source.bind('default', default)}()")
        elif callable(default):
            source.line(f"{self.var} = {source.bind('factory', default)}()")
        else:
            source.line(f"{self.var} = {source.constant(default)}")

    def _write_value(self, source: Source) -> None:
        for function in self.field.pre_load:
            source.line(f"{self.var} = {source.bind('before', function)}({self.var})")
        nullable = self.field.pre_load and self.field.allow_none
        with source.block(f"if {self.var} is not None:") if nullable else nullcontext():
            deserialize = source.bind("deserialize", self.field._deserialize)
            source.line(f"{self.var} = {deserialize}({self._arguments(source)})")
            _write_after(source, self.each, self.var, self.field.validators)

    def _arguments(self, source: Source) -> str:
        """What marshmallow gives the field, of which a list is a new one each time."""
        arguments = f"{self.var}, {self.each.key!a}, item"
        partial = self.each.partial
        if type(partial) is list:
            arguments += f", partial=[*{source.bind('names', partial)}]"
        elif partial is not None:
            arguments += f", partial={partial}"
        return arguments


def _write_after(source: Source, each: LoadField, var: str, validators: Sequence[Any]) -> None:
    if validators:
        source.line(f"{source.bind('check', And(*validators))}({var})")
    for function in each.field.post_load:
        source.line(f"{var} = {source.bind('after', function)}({var})")


@contextmanager
def _noted(source: Source, each: LoadField, var: str) -> Iterator[None]:
    """Write a `try` block; what is raised inside is noted."""
    with source.block("try:"):
        yield
    with source.block("except ValidationError as error:"):
        source.line(f"{var} = note(errors, error, {each.key!a}, index)")
