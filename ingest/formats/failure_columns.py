"""The columns under which failures of any format are shown as CSV."""

from collections.abc import Iterable, Iterator
from typing import Any

from ingest.formats.shapes import ANY, Kind, Shape

# Each row has a cell under every column: more columns, or more bytes of names, are not worth it.
_MAX_COLUMNS = 1_000
_MAX_NAMES = 64 * 1024


class Columns:
    """The columns that failures need, nested values with dots, in the order of appearance."""

    def __init__(self, key: str, shape: Shape = ANY) -> None:
        """
        Args:
            key: the column of bare keys.
            shape: that of an item. A value that has another one is in one column, as JSON.
        """
        self._key = key
        self._shape = shape
        self._names: dict[str, tuple[str, ...]] = {}  # each with the names of what it is part of
        self._held: set[str] = set()
        self._nested: set[str] = set()
        self._size = 0
        self.too_many = False
        """Whether each item is to be in one column instead."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of a value that is nested in one item and a text in another, one column has all, as JSON.

        Where it is null in the other, the columns of its parts are enough.
        """
        in_both = self._nested & self._names.keys()
        whole = in_both & self._held
        return tuple(
            name
            for name, around in self._names.items()
            if (name in whole or name not in in_both) and whole.isdisjoint(around)
        )

    def add(self, items: Iterable[Any]) -> None:
        for raw in items:
            found: Iterable[tuple[tuple[str, ...], Any]] = [((self._key,), raw)]
            if isinstance(raw, dict):  # of an empty one, there is nothing to name
                found = _names(raw, (), self._shape) if raw else ()
            for path, value in found:
                if self.too_many:
                    return
                name = path[-1]
                if value is not None:
                    self._held.add(name)
                if name not in self._names:
                    self._names[name] = path[:-1]
                    self._nested.update(path[:-1])
                    self._size += len(name)
                    self.too_many = len(self._names) > _MAX_COLUMNS or self._size > _MAX_NAMES


def _names(
    value: Any, path: tuple[str, ...], shape: Shape
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The scalars of a nested value; what is empty, or has no columns of its own, is one of them.

    Each has the names with dots of what it is part of, and its own.
    """
    if isinstance(value, dict) and value and shape.kind in (Kind.OBJECT, Kind.MAP, Kind.ANY):
        steps: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list) and value and shape.kind in (Kind.ARRAY, Kind.ANY):
        steps = enumerate(value)
    else:
        yield path, value
        return
    before = f"{path[-1]}." if path else ""
    for step, below in steps:
        yield from _names(below, (*path, f"{before}{step}"), shape.below(str(step)))
