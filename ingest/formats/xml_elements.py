"""Elements of an XML body and the values that they become, while the parser reads them."""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Any, Protocol

from ingest.errors import MalformedBody
from ingest.exactjson import exact_float
from ingest.formats.limits import BEYOND, Limits, too_many_items, too_many_values
from ingest.formats.nesting import nests_too_deep
from ingest.formats.shapes import ABSENT, ANY, Kind, Shape, plain_integer

ITEM = "item"
"""An element of a list, where no name says it better."""
FIELD = "field"
"""An element whose name is in its attribute `name`, as no element could have it."""
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_NAMED = (Kind.OBJECT, Kind.MAP)
_TYPES = frozenset({"string", "number", "boolean", "null", "array", "object"})
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_NUMBER = re.compile(r"-?[0-9]{1,309}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")


def document_type() -> MalformedBody:
    return MalformedBody(
        "The body has a document type", "Neither DOCTYPE nor entities are read; leave it out."
    )


class _Element:
    """An element that is not closed yet. A body may have a million: most are as light as can be."""

    __slots__ = ("encoded", "name", "shape", "text", "type", "unwrapped", "values")

    def __init__(
        self, name: str, shape: Shape, type_: str | None = None, encoded: bool = False
    ) -> None:
        self.name = name
        self.shape = shape
        self.type = type_
        self.encoded = encoded
        self.unwrapped = False
        """Whether it is itself the one element of a list, and no list of elements."""
        self.text: list[str] | None = None
        self.values: list[tuple[str, bool, Any]] | None = None
        """Name, whether the schema has a list there, and value of each element in it."""

    def unwrap(self, name: str) -> None:
        """See that a list is written as <address> repeated, without <addresses> around them."""
        if self.type is not None or self.values:
            return
        inner = self.shape.below("0")
        if inner.kind is Kind.OBJECT and name != ITEM and inner.names(name):
            self.shape, self.unwrapped = inner, True

    def below(self, name: str) -> Shape:
        """The shape of the next element in it."""
        if self.shape.kind is Kind.ARRAY:
            return self.shape.below(str(self.count))
        return self.shape.below(name) if self.shape.kind in _NAMED else ANY

    def add(self, name: str, is_list: bool, value: Any) -> None:
        """Add an element in it that is closed."""
        if self.values is None:
            self.values = [(name, is_list, value)]
        else:
            self.values.append((name, is_list, value))

    @property
    def count(self) -> int:
        """How many elements in it are closed."""
        return 0 if self.values is None else len(self.values)

    def structure(self) -> Any:
        """The array or object that its elements make."""
        values = self.values or []
        if self._is_array(values):
            return [value for _, _, value in values]
        made = _members(values)
        return [made] if self.unwrapped else made

    def _is_array(self, values: list[tuple[str, bool, Any]]) -> bool:
        if self.type is not None or self.shape.kind is Kind.ARRAY:
            return self.type in (None, "array")
        return self.shape.kind not in _NAMED and all(name == ITEM for name, _, _ in values)


class Events(Protocol):
    """Makes values of a parser's events."""

    @property
    def document(self) -> Any:
        """The list of items, or what stands in its place, once the last element is closed."""

    def doctype(self, *_: Any) -> None: ...

    def start(self, tag: str, attributes: Any) -> None: ...

    def data(self, text: str) -> None: ...

    def end(self, _: str) -> None: ...

    def close(self) -> None: ...


class Target:
    """Makes values of the elements of a collection."""

    def __init__(self, item: Shape, key: Shape, limits: Limits, empty: Any = "") -> None:
        """
        Args:
            item: the shape of an item.
            key: the shape of a bare key, which is an item without elements.
            empty: what an empty element is that is in the place of neither a text, nor a list, nor
                an object: an empty text, null, or `ABSENT`.
        """
        self._collection = Shape(Kind.ARRAY, element=lambda: item)
        self._one = item
        self._key = key
        self._limits = limits
        self._empty = empty
        self._open: list[_Element] = []
        self._values = 0
        self.document: Any = None
        """The list of items, or what stands in its place."""

    def doctype(self, *_: Any) -> None:
        raise document_type()

    def start(self, tag: str, attributes: Any) -> None:
        name, type_, encoded = tag.rpartition("}")[2], None, False
        if attributes:
            name, type_, encoded = self._read_attributes(name, attributes)
        depth = len(self._open)
        if not depth:
            shape = self._one if type_ == "object" else self._collection
            self._open.append(_Element(name, shape, type_))
            return
        self._values += 1
        if self._values > self._limits.max_values:
            raise too_many_values(self._limits.max_values)
        if depth > self._limits.max_nesting:
            raise nests_too_deep(self._limits.max_nesting, self._place(name))
        parent = self._open[-1]
        if depth == 1 and parent.count >= self._limits.max_items:
            raise too_many_items(self._limits.max_items)
        if depth > 1 and parent.shape.kind is Kind.ARRAY:
            parent.unwrap(name)
        self._open.append(_Element(name, parent.below(name), type_, encoded))

    def data(self, text: str) -> None:
        element = self._open[-1]
        if element.text is None:
            element.text = [text]
        else:
            element.text.append(text)

    def end(self, _: str) -> None:
        closed = self._open[-1]
        text = "" if closed.text is None else "".join(closed.text)
        if closed.values or closed.unwrapped or closed.type in ("array", "object"):
            if text.strip():
                raise self._refused("has text beside its elements", "Put it in an element.")
            value = closed.structure()
        else:
            value = self._leaf(closed, text)
        self._open.pop()
        if value is ABSENT:
            return
        if self._open:
            is_list = closed.unwrapped or closed.shape.kind is Kind.ARRAY
            self._open[-1].add(closed.name, is_list, value)
        else:
            self.document = value

    def close(self) -> None:
        """The parser requires it."""

    def _read_attributes(self, name: str, attributes: Any) -> tuple[str, str | None, bool]:
        """The name of the field, its type where it is said, and whether its text is base64."""
        type_: str | None = None
        encoded = False
        for attribute, value in attributes.items():
            if attribute == _NIL:
                type_ = "null" if value in ("true", "1") else type_
            elif attribute == "type" and value in _TYPES:
                type_ = value
            elif attribute == "name" and name == FIELD:
                name = value
            elif attribute == "encoding" and value == "base64":
                encoded = True
            elif attribute[0] != "{" and self._open:  # the collection's own say nothing of items
                raise MalformedBody(
                    f"The attribute {attribute[:50]!r} of {self._place(name)} is not read",
                    "Put the value in an element. Attributes are `type` "
                    f"({', '.join(sorted(_TYPES))}), and `name` of an element `field`.",
                )
        return name, type_, encoded

    def _leaf(self, closed: _Element, text: str) -> Any:
        if closed.encoded:
            text = self._decoded(text)
        if closed.type is not None:
            return self._typed(closed.type, text)
        shape = closed.shape
        blank = not text.strip()
        if len(self._open) == 1:  # the collection
            if blank:
                return []
            raise self._refused("has text and no elements", "Put each item in an element.")
        if len(self._open) == 2 and self._open[0].type != "object" and not blank:
            return self._key.value(text)
        if shape.kind is Kind.ARRAY:
            return [] if blank else [shape.below("0").value(text)]
        if shape.kind in _NAMED and blank:
            return {}
        if blank and not shape.is_text and self._empty != "":
            return self._empty
        return shape.value(text)

    def _decoded(self, text: str) -> str:
        try:
            return base64.b64decode(text, validate=True).decode()
        except (binascii.Error, ValueError):
            raise self._refused("is not base64 of UTF-8", "Leave `encoding` out.") from None

    def _typed(self, type_: str, text: str) -> Any:
        if type_ == "string":
            return text
        plain = text.strip()
        if type_ == "null" and not plain:
            return None
        if type_ == "boolean" and plain in _BOOLEANS:
            return _BOOLEANS[plain]
        if type_ == "number" and _NUMBER.fullmatch(plain):
            value = plain_integer(plain)
            value = exact_float(plain) if isinstance(value, str) else value
            if abs(value) < BEYOND:
                return value
        raise self._refused(f"is no {type_}", "Correct its text, or leave `type` out.")

    def _refused(self, what: str, remedy: str) -> MalformedBody:
        return MalformedBody(f"The element {self._place()} {what}", remedy)

    def _place(self, name: str | None = None) -> str:
        """The way to the element that is open last, or to one of that name in it.

        Items are counted from 0.
        """
        names = [each.name for each in self._open] + ([] if name is None else [name])
        if len(names) > 1:
            names[1] += f"[{self._open[0].count}]"
        return "/".join(names)[:200]


def _members(values: Iterable[tuple[str, bool, Any]]) -> dict[str, Any]:
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
