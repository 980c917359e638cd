"""Where in an item an error stands, and what its schema has there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from marshmallow import Schema, fields

from ingest.digest.marks import ABSENT, LOST, Mark
from ingest.digest.shown import shortened
from ingest.resources.resource import Resource

Field = fields.Field[Any]
Steps = tuple[str | int, ...]
EACH = "*"
"""Stands for any element of a list, and any member of a `Dict`."""


@dataclass(frozen=True, slots=True)
class Place:
    """A value of an item, by its path."""

    steps: Steps
    like: str | None
    """The path with `*` for every element: what failures are grouped by. None for the item."""
    field: Field | None
    """What the schema has there; None where it has nothing, or that is not known."""
    in_object: bool = False
    """Whether it is a member that the schema names."""

    @property
    def nothing(self) -> Any:
        """What says there that there is no value; LOST where there has to be one."""
        if self.field is None:
            return LOST
        if self.field.allow_none:
            return None
        return ABSENT if self.in_object and not self.field.required else LOST


class Places:
    """The places of a resource's items."""

    def __init__(self, resource: Resource | None) -> None:
        """Args: `resource` is None where it is gone, and with it what is known of places."""
        declared = () if resource is None else resource.fields
        self._top = {each.data_key: each.field for each in declared}
        self._walked = lru_cache(maxsize=4096)(self._walk)

    def find(self, path: str | None) -> Place:
        """The place of an error. Of a path without end it is not looked for."""
        if path is None:
            return Place((), None, None)
        short = shortened(path)
        return self._walked(path) if short is path else Place((), short, None)

    def _walk(self, path: str) -> Place:
        steps, like, fields_, named = zip(*_walk(self._top, path), strict=True)
        return Place(steps, ".".join(like), fields_[-1], named[-1])


_Walked = tuple[str | int, str, Field | None, bool]


def _walk(members: Mapping[str, Field], path: str) -> Iterator[_Walked]:
    """Each step, how it is shown, what is there, and whether the schema names it."""
    name = _first(members, path)
    if name is None:
        yield path, path, None, False
        return
    yield name, name, members[name], True
    if rest := path[len(name) + 1 :]:
        yield from _inside(members[name], rest)


def _inside(field: Field, path: str) -> Iterator[_Walked]:
    """The same of a path that goes on in a value of `field`."""
    if isinstance(field, fields.Mapping):
        yield path, EACH, field.value_field, False
    elif isinstance(field, fields.Nested) and not (field.many or field.schema.many):
        yield from _in_nested(field, path)
    else:
        step, _, rest = path.partition(".")
        if not step.isdecimal():
            yield path, path, None, False
            return
        inner = _element(field, int(step))
        yield int(step), step if isinstance(field, fields.Tuple) else EACH, inner, False
        if rest and isinstance(field, fields.Nested):
            yield from _in_nested(field, rest)
        elif rest and inner is not None:
            yield from _inside(inner, rest)


def _in_nested(field: fields.Nested, path: str) -> Iterator[_Walked]:
    if isinstance(field, fields.Pluck):
        yield from _inside(field.schema.fields[field.field_name], path)
    else:
        yield from _walk(_members(field.schema), path)


def _element(field: Field, index: int) -> Field | None:
    """What an element is; None where it is an object, or nothing that is known."""
    if isinstance(field, fields.List):
        return field.inner
    if isinstance(field, fields.Tuple) and index < len(field.tuple_fields):
        return field.tuple_fields[index]
    if isinstance(field, fields.Pluck):
        return field.schema.fields[field.field_name]
    return None


def _members(schema: Schema) -> dict[str, Field]:
    return {
        name if field.data_key is None else field.data_key: field
        for name, field in schema.load_fields.items()
    }


def _first(members: Mapping[str, Field], path: str) -> str | None:
    """The member that a path begins with: the longest, for names may have dots."""
    if path in members:
        return path
    found = [name for name in members if path.startswith(f"{name}.")]
    return max(found, key=len, default=None)


def value_at(item: Any, steps: Sequence[str | int]) -> Any:
    """What stands at a place of an item; ABSENT where nothing does."""
    for step in steps:
        try:
            item = item[step]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return item


def put(item: Any, steps: Sequence[str | int], value: Any) -> Any:
    """A copy of an item with another value at a place, where one is; ABSENT takes it away."""
    if not steps:
        return value
    first, *rest = steps
    copy = item.copy()
    if not rest and isinstance(value, Mark):
        del copy[first]
    else:
        copy[first] = put(item[first], rest, value)
    return copy
