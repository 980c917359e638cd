"""One load of a schema: its options, the fields that take part, what `partial` means for each."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Self

from marshmallow import Schema, fields, missing

from ingest.validation.engine.source import Uncompiled

Partial = bool | Sequence[str] | AbstractSet[str] | None
"""marshmallow's: whether, or which, fields may be missing; None stands for the schema's own."""
_COLLECTIONS = (frozenset, set, list, tuple)


@dataclass(frozen=True, slots=True)
class LoadField:
    """One field of a schema on its way through the generated function."""

    name: str
    field: fields.Field[Any]
    excused: bool
    """It may be missing, whatever it says itself."""
    partial: Any
    """What it hands on to nested schemas."""

    @property
    def key(self) -> str:
        return self.name if self.field.data_key is None else self.field.data_key

    @property
    def target(self) -> str:
        return self.field.attribute or self.name

    @property
    def required(self) -> bool:
        """Whether an item without it is invalid."""
        constant = isinstance(self.field, fields.Constant)
        return bool(self.field.required) and not self.excused and not constant

    @property
    def default(self) -> Any:
        return missing if self.excused else self.field.load_default


@dataclass(frozen=True, slots=True)
class Load:
    """A schema, and the options of its `load`: its own ones where they are not given."""

    schema: Schema
    partial: Any
    unknown: str
    many: bool

    @classmethod
    def of(
        cls,
        schema: Schema,
        partial: Partial = None,
        unknown: str | None = None,
        many: bool | None = None,
    ) -> Self:
        return cls(
            schema,
            schema.partial if partial is None else partial,
            schema.unknown if unknown is None else unknown,
            bool(schema.many if many is None else many),
        )

    def fields(self) -> Iterator[LoadField]:
        """The fields that take part.

        Raises:
            Uncompiled: the meaning of `partial` may change between two looks: it is a generator,
                for example.
        """
        partial = self.partial
        if type(partial) in _COLLECTIONS:
            if not all(type(name) is str for name in partial):
                raise Uncompiled("partial holds more than plain strings")
        elif partial is not None and partial is not True and partial is not False:
            raise Uncompiled(f"partial is a {type(partial).__name__}")
        for name, field in self.schema.load_fields.items():
            if type(partial) in _COLLECTIONS:
                below = [each[len(name) + 1 :] for each in partial if each.startswith(f"{name}.")]
                yield LoadField(name, field, name in partial, below)
            else:
                yield LoadField(name, field, partial is True, partial)


def cache_key(partial: Any) -> Any:
    """What tells one `partial` from another (True is not 1); hashable if what it holds is."""
    return type(partial), tuple(partial) if type(partial) in (list, set) else partial
