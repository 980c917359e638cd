"""The failures of a batch as a file: JSON, NDJSON, or CSV that can be corrected and sent again.

No spreadsheet takes a cell of such a CSV for a formula.
"""

import csv
import io
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson

from ingest.errors import BAD_FORMAT, WRONG_TYPE
from ingest.exactjson import dump_exact
from ingest.formats.csv_records import DELIMITERS
from ingest.model import Failure

ROW_COLUMN = "error_row"
"""What was received, as JSON, where the other cells do not say it: the cells of a row, the text of
a line, a value that is no object, or an item that they would be read as another one. While they are
as they were written, it stands for them."""
ERROR_COLUMNS = ("error_field", "error_code", "error_message", ROW_COLUMN)
"""The last columns of the CSV. In a file that comes back they make no item, and `undefuse` gives
its cells and the names of its columns the text that they had."""
INDEX_COLUMN, DROP_COLUMN = "error_index", "error_drop"
REPAIR_COLUMNS = (INDEX_COLUMN, DROP_COLUMN)
"""More of them, where the batch is kept to be repaired: the index of each item, and whether the
repair is to leave it out."""

_WHOLE = "error_item"
_MAX_INDEX_DIGITS = 6
# OWASP, CSV injection. What has apostrophes before that gets one more, so that `undefuse` is exact.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_DEFUSED = re.compile(r"''*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


Read = Callable[[Sequence[str]], Any]
"""From the cells of a row to its item."""


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

    def __init__(
        self,
        columns: Sequence[str],
        key: str | None = None,
        read: "Callable[[Sequence[str]], Read] | None" = None,
        *,
        repairs: bool = False,
    ) -> None:
        """
        Args:
            columns: their names.
            key: the column of bare keys; they are in the first where it is not there.
            read: from the header of the file to what reads its rows. An item that a row would not
                be read as is in the cell of `ROW_COLUMN` as well. None for files without that.
            repairs: whether the file has what a repair needs (`REPAIR_COLUMNS`).
        """
        self._columns = columns
        self._key = key
        named = (*ERROR_COLUMNS, *REPAIR_COLUMNS) if repairs else ERROR_COLUMNS
        self._errors = [name for name in named if name not in columns]
        header = [*map(defuse, columns), *self._errors]
        self._read = None if read is None else read(header)
        self.head = csv_lines([header])

    def page(self, failures: Sequence[Failure]) -> bytes:
        return csv_lines(self._row(failure) for failure in failures)

    def _row(self, failure: Failure) -> list[str]:
        errors = {
            "error_field": "; ".join(error.field or "" for error in failure.errors),
            "error_code": "; ".join(str(error.code.code) for error in failure.errors),
            "error_message": "; ".join(error.message for error in failure.errors),
            ROW_COLUMN: _as_received(failure),
            INDEX_COLUMN: str(failure.index),
            DROP_COLUMN: "",
        }
        raw = failure.raw
        if self._key in self._columns and not errors[ROW_COLUMN] and not isinstance(raw, dict):
            raw = {self._key: raw}
        cells = [*map(defuse, self._cells(raw)), *(defuse(errors[each]) for each in self._errors)]
        if self._read is not None and isinstance(raw, dict) and ROW_COLUMN in self._errors:
            place = len(self._columns) + self._errors.index(ROW_COLUMN)
            cells[place] = "" if self._read(cells) == raw else dump_exact(raw).decode()
        return cells

    def _cells(self, raw: Any) -> list[str]:
        if isinstance(raw, dict):
            return item_cells(raw, self._columns)
        # A row of the wrong number of cells, a line that could not be read, or a bare key.
        return fitted(_shown(raw), len(self._columns), ",")


class WholeCsvWriter(CsvWriter):
    """One column (`whole_column`) of whole items as JSON, then those of their errors."""

    def _cells(self, raw: Any) -> list[str]:
        return [dump_exact(raw).decode()]


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


def csv_rows(items: Iterable[Mapping[str, Any]], names: Sequence[str]) -> bytes:
    """Items as CSV under columns of these names; no cell is taken for a formula."""
    return csv_lines([*map(defuse, item_cells(each, names))] for each in items)


def fitted(cells: list[str], width: int, delimiter: str) -> list[str]:
    """Cells for `width` columns: the last has all that are too many, empty ones fill up."""
    if len(cells) > width > 0:
        cells = [*cells[: width - 1], delimiter.join(cells[width - 1 :])]
    return cells + [""] * (width - len(cells))


def stands_in(raw: Any, cells: Sequence[str], named: int) -> bool:
    """Whether a row still has the cells with which `raw`, its `ROW_COLUMN`, was written.

    Args:
        raw: no object: its cells are those of `item_cells`.
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


def item_cells(item: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """The cells of an item under columns of these names."""
    return [_text(_value(item, name)) for name in names]


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


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else dump_exact(value).decode()
