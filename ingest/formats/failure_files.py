"""The failures of a batch as a file: JSON, NDJSON, or CSV that can be corrected and sent again.

No spreadsheet takes a cell of such a CSV for a formula.
"""

import csv
import io
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import orjson

from ingest.errors import BAD_FORMAT, WRONG_TYPE
from ingest.exactjson import dump_exact
from ingest.formats.csv_records import DELIMITERS
from ingest.model import Failure

ROW_COLUMN = "error_row"
"""What was received in place of an item, as JSON: the cells of a row, the text of a line, or a
value that is no object. While the row's own cells are as they were written, it stands for them."""
ERROR_COLUMNS = ("error_field", "error_code", "error_message", ROW_COLUMN)
"""The last columns of the CSV. In a file that comes back they make no item, and `undefuse` gives
its cells and the names of its columns the text that they had."""

_WHOLE = "error_item"
# Each row has a cell under every column: more columns, or more bytes of names, are not worth it.
_MAX_COLUMNS = 1_000
_MAX_NAMES = 64 * 1024
_MAX_INDEX_DIGITS = 6
# OWASP, CSV injection. What has apostrophes before that gets one more, so that `undefuse` is exact.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_DEFUSED = re.compile(r"''*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def whole_column(is_field: Callable[[str], bool]) -> str:
    """The name of the one column of items that have too many: each of them whole, as JSON.

    Args:
        is_field: whether the schema has a field of that name, which the column must not have.
    """
    name = _WHOLE
    while is_field(name):
        name += "_"
    return name


def is_index(step: str) -> bool:
    """Whether a step of a column's name (`tags.0`) may be a place in a list."""
    return step.isascii() and step.isdigit() and len(step) <= _MAX_INDEX_DIGITS


def defuse(cell: str) -> str:
    """A cell that begins like a formula, with an apostrophe before it, if it is no number."""
    if _FORMULA.match(cell) is None or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"


def undefuse(cell: str) -> str:
    """The cell that `defuse` was given."""
    return cell[1:] if cell and cell[0] == "'" and _DEFUSED.match(cell) else cell


class Writer(ABC):
    """Writes one file: `head`, pages of failures, and `tail`."""

    head = b""
    tail = b""

    @abstractmethod
    def page(self, failures: Sequence[Failure]) -> bytes: ...


class NdjsonWriter(Writer):
    """One failure a line."""

    def page(self, failures: Sequence[Failure]) -> bytes:
        return b"".join(_document(failure) + b"\n" for failure in failures)


_HOLE = b'["the failures"]'
HOLE = orjson.Fragment(_HOLE)
"""Stands in a document where its failures go."""


class JsonWriter(Writer):
    """A document with an array of failures in it."""

    def __init__(self, document: dict[str, Any] | None) -> None:
        """Args: `document` has `HOLE` in it."""
        head, tail = dump_exact(document).split(_HOLE)
        self.head, self.tail = head + b"[", b"]" + tail
        self._separator = b""

    def page(self, failures: Sequence[Failure]) -> bytes:
        page = self._separator + b",".join(map(_document, failures))
        self._separator = b","
        return page


class CsvWriter(Writer):
    """Columns of the items, then those of their errors."""

    def __init__(self, columns: Sequence[str], key: str | None = None) -> None:
        """Args: `key` is the column of bare keys; they are in the first where it is not there."""
        self._columns = columns
        self._key = key
        self._errors = [name for name in ERROR_COLUMNS if name not in columns]
        self.head = csv_lines([[*map(defuse, columns), *self._errors]])

    def page(self, failures: Sequence[Failure]) -> bytes:
        return csv_lines(self._row(failure) for failure in failures)

    def _row(self, failure: Failure) -> list[str]:
        errors = {
            "error_field": "; ".join(error.field or "" for error in failure.errors),
            "error_code": "; ".join(str(error.code.code) for error in failure.errors),
            "error_message": "; ".join(error.message for error in failure.errors),
            ROW_COLUMN: _as_received(failure),
        }
        raw = failure.raw
        if self._key in self._columns and not errors[ROW_COLUMN] and not isinstance(raw, dict):
            raw = {self._key: raw}
        cells = [*self._cells(raw), *(errors[name] for name in self._errors)]
        return [defuse(cell) for cell in cells]

    def _cells(self, raw: Any) -> list[str]:
        if isinstance(raw, dict):
            return [_text(_value(raw, name)) for name in self._columns]
        # A row of the wrong number of cells, a line that could not be read, or a bare key.
        return fitted(_shown(raw), len(self._columns), ",")


class WholeCsvWriter(CsvWriter):
    """One column (`whole_column`) of whole items as JSON, then those of their errors."""

    def _cells(self, raw: Any) -> list[str]:
        return [dump_exact(raw).decode()]


class Columns:
    """The columns that failures need, nested values with dots, in the order of appearance."""

    def __init__(self, key: str) -> None:
        """Args: `key` is the column of bare keys."""
        self._key = key
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

    def add(self, failures: Iterable[Failure]) -> None:
        for failure in failures:
            raw = failure.raw
            found = _names(raw, ()) if isinstance(raw, dict) else [((self._key,), raw)]
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


def _document(failure: Failure) -> bytes:
    return dump_exact(
        {
            "index": failure.index,
            "rawData": failure.raw,
            "errors": [error.document() for error in failure.errors],
        }
    )


def csv_lines(rows: Iterable[Sequence[str]], delimiter: str = ",") -> bytes:
    """Rows as CSV in UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode()


def fitted(cells: list[str], width: int, delimiter: str) -> list[str]:
    """Cells for `width` columns: the last has all that are too many, empty ones fill up."""
    if len(cells) > width > 0:
        cells = [*cells[: width - 1], delimiter.join(cells[width - 1 :])]
    return cells + [""] * (width - len(cells))


def stands_in(raw: Any, cells: Sequence[str], named: int) -> bool:
    """Whether a row still has the cells with which `raw`, its `ROW_COLUMN`, was written.

    Args:
        cells: the row's own; a spreadsheet may have added empty ones, and another delimiter.
        named: how many of its own columns have a name.
    """
    if [*cells[:1]] == [dump_exact(raw).decode()] and not any(cells[1:]):
        return True
    filled = max((place for place, cell in enumerate(cells, 1) if cell), default=1)
    return any(
        fitted(_shown(raw), width, delimiter) == [*cells[:width]]
        for width in {len(cells), max(named, filled), filled}
        for delimiter in DELIMITERS.values()
    )


def _as_received(failure: Failure) -> str:
    """The cell of `ROW_COLUMN`, which is empty where the other cells say it all."""
    raw = failure.raw
    if isinstance(raw, dict) or not failure.errors:
        return ""
    error = failure.errors[0]
    is_whole = error.code == WRONG_TYPE or (error.code == BAD_FORMAT and error.field is None)
    is_key = isinstance(raw, str | int | float | Decimal) and not isinstance(raw, bool)
    return dump_exact(raw).decode() if is_whole or not is_key else ""


def _shown(raw: Any) -> list[str]:
    """The cells of what is no object."""
    return [_text(each) for each in raw] if isinstance(raw, list) else [_text(raw)]


def _value(raw: Any, name: str) -> Any:
    """What stands under a column's name: `address.city`, `tags.0`, or a name with dots."""
    first, dot, rest = name.partition(".")
    if isinstance(raw, dict):
        if name in raw:
            return raw[name]
        return _value(raw[first], rest) if dot and first in raw else None
    if not isinstance(raw, list) or not is_index(first) or int(first) >= len(raw):
        return None
    found = raw[int(first)]
    return _value(found, rest) if dot else found


def _names(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The scalars of a nested value; what is empty is one of them.

    Each has the names with dots of what it is part of, and its own.
    """
    if isinstance(value, dict) and value:
        steps: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list) and value:
        steps = enumerate(value)
    else:
        yield path, value
        return
    before = f"{path[-1]}." if path else ""
    for step, below in steps:
        yield from _names(below, (*path, f"{before}{step}"))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else dump_exact(value).decode()
