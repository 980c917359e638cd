"""The header of a CSV file: which cell becomes which value of an item."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from ingest.errors import MalformedBody
from ingest.exactjson import load_exact
from ingest.formats.cells import ERROR_COLUMNS, undefuse
from ingest.formats.limits import nests_too_deep, too_deep
from ingest.formats.shapes import Convert, Kind, Shape

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_MAX_INDEX_DIGITS = 6


def score(cells: Sequence[str], shape: Shape) -> tuple[int, int]:
    """How well a header is read: how many columns the collection has, and how many there are."""
    names = [cell.strip() for cell in cells]
    return sum(shape.names(name.partition(".")[0]) for name in names), len(names)


@dataclass(slots=True)
class _Leaf:
    """A column: where it is in a row, and what its text becomes."""

    position: int
    convert: Convert | None


@dataclass(slots=True)
class _Branch:
    """A nested value that several columns make."""

    kind: Kind
    below: "dict[str, _Leaf | _Branch]" = field(default_factory=dict)


class Header:
    """Makes items of rows."""

    def __init__(
        self, cells: Sequence[str], shape: Shape, *, empty_as_null: bool, max_nesting: int
    ) -> None:
        """
        Raises:
            MalformedBody: a column has the name of another, or two of them exclude each other.
        """
        self.width = len(cells)
        names = [cell.strip() for cell in cells]
        ignored = {name for name in ERROR_COLUMNS if not shape.names(name)}
        self._from_failures = not ignored.isdisjoint(names)
        self.columns = tuple(name for name in names if name and name not in ignored)
        """The names of the file's own columns, in their order."""
        _refuse_repeated(names)
        self.unnamed = [position for position, name in enumerate(names) if not name]
        self._empty_as_null = empty_as_null
        self._max_nesting = max_nesting
        root = _Branch(Kind.OBJECT)
        for position, name in enumerate(names):
            if name and name not in ignored:
                self._place(root, shape, name, position)
        _settle(root)
        self._leaves = [
            (name, each.position, each.convert)
            for name, each in root.below.items()
            if isinstance(each, _Leaf)
        ]
        self._root = root if len(self._leaves) < len(root.below) else None

    def item(self, row: Sequence[str]) -> dict[str, Any] | None:
        """The item of a row of the right width; None where every cell is empty."""
        if self._from_failures:
            row = [undefuse(cell) for cell in row]
        item: dict[str, Any]
        if self._root is not None:
            item = self._object(self._root, row)
        else:
            item = {}
            for name, position, convert in self._leaves:
                cell = row[position]
                if cell:
                    item[name] = cell if convert is None else convert(cell)
                elif self._empty_as_null:
                    item[name] = None
        return item if any(row) else None

    def stray(self, row: Sequence[str]) -> int | None:
        """The number of the first column that has a value and no name."""
        return next((position + 1 for position in self.unnamed if row[position]), None)

    # -- rows ---------------------------------------------------------------------------------

    def _object(self, branch: _Branch, row: Sequence[str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, each in branch.below.items():
            if isinstance(each, _Leaf):
                cell = row[each.position]
                if cell:
                    values[name] = cell if each.convert is None else each.convert(cell)
                elif self._empty_as_null:
                    values[name] = None
            elif _has_value(each, row):
                values[name] = self._nested(each, row)
            elif self._empty_as_null:
                values[name] = None
        return values

    def _nested(self, branch: _Branch, row: Sequence[str]) -> Any:
        if branch.kind is Kind.ARRAY:
            return list(self._elements(branch, row))
        return self._object(branch, row)

    def _elements(self, branch: _Branch, row: Sequence[str]) -> Iterator[Any]:
        """The elements that are there: one whose cells are empty is left out."""
        for each in branch.below.values():
            if isinstance(each, _Leaf):
                if cell := row[each.position]:
                    yield cell if each.convert is None else each.convert(cell)
            elif _has_value(each, row):
                yield self._nested(each, row)

    # -- columns ------------------------------------------------------------------------------

    def _place(self, root: _Branch, shape: Shape, name: str, position: int) -> None:
        way = _way(shape, name, name)
        if len(way) + 1 > self._max_nesting:
            raise nests_too_deep(self._max_nesting, f"column {name[:100]!r}")
        branch = root
        for step, there in way[:-1]:
            below = branch.below.setdefault(step, _Branch(there.kind))
            if isinstance(below, _Leaf):
                raise _excluding(name)
            branch = below
        step, there = way[-1]
        if step in branch.below:
            raise _excluding(name)
        branch.below[step] = _Leaf(position, self._converter(there))

    def _converter(self, shape: Shape) -> Convert | None:
        return shape.convert if shape.kind is Kind.SCALAR else self._json_cell

    def _json_cell(self, text: str) -> Any:
        """An array or object in one cell is written as JSON; what is none stays text."""
        if text[0] not in "[{":
            return text
        try:
            value = load_exact(text.encode())
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            return text
        return text if too_deep([value], self._max_nesting - 1) is not None else value


def _way(shape: Shape, name: str, column: str) -> list[tuple[str, Shape]]:
    """The way to a column: members and indices, each with the shape of what is there.

    A name that the schema does not know is one unknown member, with its dots.

    Args:
        shape: of what the way begins in.
        name: the part of the column's name that leads from there.
        column: all of its name.
    """
    first, dot, rest = name.partition(".")
    if shape.kind is Kind.ARRAY and not _is_index(first):
        raise MalformedBody(
            f"The column {column[:100]!r} stands in a list",
            "The columns of a list are numbered from 0, as in `tags.0`.",
        )
    if not dot or shape.names(name):
        return [(name, shape.below(name))]
    below = shape.below(first)
    unknown = shape.kind is Kind.OBJECT and not shape.names(first)
    if unknown or below.kind is Kind.SCALAR or not first:
        return [(name, shape.below(name))]
    return [(first, below), *_way(below, rest, column)]


def _has_value(branch: _Branch, row: Sequence[str]) -> bool:
    return any(
        _has_value(each, row) if isinstance(each, _Branch) else row[each.position]
        for each in branch.below.values()
    )


def _is_index(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) <= _MAX_INDEX_DIGITS


def _settle(branch: _Branch) -> None:
    """Put the columns of a list in the order of their numbers."""
    for below in branch.below.values():
        if isinstance(below, _Branch):
            _settle(below)
    if branch.kind is Kind.ANY and all(map(_is_index, branch.below)):
        branch.kind = Kind.ARRAY
    if branch.kind is Kind.ARRAY:
        branch.below = dict(sorted(branch.below.items(), key=lambda each: int(each[0])))


def _refuse_repeated(names: Sequence[str]) -> None:
    """Raise MalformedBody where two columns have one name."""
    for name, count in Counter(filter(None, names)).items():
        if count > 1:
            places = [str(place) for place, each in enumerate(names, 1) if each == name]
            raise MalformedBody(
                f"The column {name[:100]!r} is there twice",
                f"In the header it is column {' and '.join(places[:10])}.",
            )


def _excluding(name: str) -> MalformedBody:
    return MalformedBody(
        f"The column {name[:100]!r} cannot stand beside another of the same value",
        "A nested value is either JSON in one column, or has columns of its own with dots.",
    )
