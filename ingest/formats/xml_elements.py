"""Elements of XML and the values that they make: arrays, objects, and which of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.formats.shapes import ANY, Kind, Shape

ELEMENT = "item"
"""An element of a list, where no name says it better."""
FIELD = "field"
"""An element whose name is in its attribute `name`, as no element could have it."""


@dataclass(slots=True)
class Open:
    """An element that is not closed yet."""

    name: str
    shape: Shape
    type: str | None = None
    encoded: bool = False
    unwrapped: bool = False
    """Whether it is itself the one element of a list, and no list of elements."""
    text: list[str] = field(default_factory=list)
    values: list[tuple[str, bool, Any]] = field(default_factory=list)
    """Name, whether the schema has a list there, and value of each element."""


def unwrap(parent: Open, name: str) -> None:
    """See that a list is written as <address> repeated, without <addresses> around them."""
    if parent.shape.kind is not Kind.ARRAY or parent.type is not None or parent.values:
        return
    inner = parent.shape.below("0")
    if inner.kind is Kind.OBJECT and name != ELEMENT and inner.names(name):
        parent.shape, parent.unwrapped = inner, True


def below(parent: Open, name: str) -> Shape:
    """The shape of an element of that name in `parent`."""
    if parent.shape.kind is Kind.ARRAY:
        return parent.shape.below(str(len(parent.values)))
    return parent.shape.below(name) if parent.shape.kind in (Kind.OBJECT, Kind.MAP) else ANY


def structure(closed: Open) -> Any:
    """The array or object that an element's elements make."""
    kind, values = closed.shape.kind, closed.values
    is_array = closed.type == "array" or (
        closed.type is None
        and (
            kind is Kind.ARRAY
            or (kind in (Kind.ANY, Kind.SCALAR) and all(name == ELEMENT for name, _, _ in values))
        )
    )
    if is_array:
        return [value for _, _, value in values]
    made = _object(values)
    return [made] if closed.unwrapped else made


def _object(values: Sequence[tuple[str, bool, Any]]) -> dict[str, Any]:
    """Elements as members. One that is there several times makes a list."""
    members: dict[str, Any] = {}
    repeated: set[str] = set()
    for name, is_list, value in values:
        if name not in members:
            members[name] = value
        elif name in repeated:
            members[name].append(value)
        elif is_list and isinstance(value, list) and isinstance(members[name], list):
            members[name].extend(value)  # in place: nothing else holds the list that was made here
        else:
            repeated.add(name)
            members[name] = [members[name], value]
    return members
