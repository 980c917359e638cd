"""A schema in a shape that public projects use, with items to try it with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

from ingest import Resource
from ingest.resources.resource import SERVER_KEY

Item = Mapping[str, Any]
Errors = Sequence[tuple[int, str | None]]
"""Code and field of each error of an item, in any order."""


@dataclass(frozen=True)
class Bad:
    """What is refused: a new item, or a change of the item at index `of`."""

    item: Item
    errors: Errors
    of: int | None = None


@dataclass(frozen=True)
class Shape:
    """One shape.

    Attributes:
        items: what is accepted, each with a key of its own.
        changes: what PATCH takes, one after the other: the index of the item, and what is sent
            beside its key.
        bad: what is refused.
        options: further arguments of the resource.
    """

    name: str
    schema: type[Schema] | Schema
    items: Sequence[Item]
    changes: Sequence[tuple[int, Item]] = ()
    bad: Sequence[Bad] = ()
    key: str = SERVER_KEY
    options: Mapping[str, Any] = field(default_factory=dict)

    def resource(self) -> Resource:
        return Resource(self.name, self.schema, key=self.key, **self.options)


@dataclass(frozen=True)
class Refused:
    """A shape that cannot be served; `says` are words of the message, the field's name first."""

    name: str
    schema: type[Schema] | Schema
    says: Sequence[str]
    key: str = SERVER_KEY
