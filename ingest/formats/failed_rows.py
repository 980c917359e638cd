"""The failures of a batch as a file: JSON, NDJSON, or CSV that can be corrected and sent again."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from ingest.exactjson import dump_exact
from ingest.formats.cells import ERROR_COLUMNS, defuse
from ingest.model import Failure

# Each row has a cell under every column: more columns, or more bytes of names, are not worth it.
_MAX_COLUMNS = 1_000
_MAX_NAMES = 64 * 1024


class Writer(Protocol):
    """Writes one file; what it returns is its next bytes."""

    def start(self) -> bytes: ...

    def page(self, failures: Sequence[Failure]) -> bytes: ...

    def end(self) -> bytes: ...


class NdjsonWriter:
    """One failure a line."""

    def start(self) -> bytes:
        return b""

    def page(self, failures: Sequence[Failure]) -> bytes:
        return b"".join(_document(failure) + b"\n" for failure in failures)

    def end(self) -> bytes:
        return b""


class JsonWriter:
    """A document with `failures` as its last member."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._separator = b""

    def start(self) -> bytes:
        return dump_exact(self._document).removesuffix(b"}") + b',"failures":['

    def page(self, failures: Sequence[Failure]) -> bytes:
        page = self._separator + b",".join(map(_document, failures))
        self._separator = b","
        return page

    def end(self) -> bytes:
        return b"]}"


class CsvWriter:
    """Columns of the items, then those of their errors."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._errors = [name for name in ERROR_COLUMNS if name not in columns]

    def start(self) -> bytes:
        return _lines([[*map(defuse, self._columns), *self._errors]])

    def page(self, failures: Sequence[Failure]) -> bytes:
        return _lines(self._row(failure) for failure in failures)

    def end(self) -> bytes:
        return b""

    def _row(self, failure: Failure) -> list[str]:
        errors = {
            "error_field": "; ".join(error.field or "" for error in failure.errors),
            "error_code": "; ".join(str(error.code.code) for error in failure.errors),
            "error_message": "; ".join(error.message for error in failure.errors),
        }
        cells = [*self._cells(failure.raw), *(errors[name] for name in self._errors)]
        return [defuse(cell) for cell in cells]

    def _cells(self, raw: Any) -> list[str]:
        return _cells(raw, self._columns)


class WholeCsvWriter(CsvWriter):
    """One column of whole items as JSON, then those of their errors."""

    def __init__(self, column: str) -> None:
        """Args: `column` as `cells.whole_column` gives it."""
        super().__init__([column])

    def _cells(self, raw: Any) -> list[str]:
        return [dump_exact(raw).decode()]


class Columns:
    """The columns that failures need, nested values with dots, in the order of appearance."""

    def __init__(self, key: str) -> None:
        """Args: `key` is the column of bare keys."""
        self._key = key
        self._names: dict[str, None] = {}
        self._size = 0
        self.too_many = False
        """Whether each item is to be in one column instead."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._names)

    def add(self, failures: Iterable[Failure]) -> None:
        for failure in failures:
            if isinstance(failure.raw, dict):
                self._add(name for name, _ in _flat(failure.raw, ""))
            else:
                self._add([self._key])

    def _add(self, names: Iterable[str]) -> None:
        for name in names:
            if self.too_many:
                return
            if name not in self._names:
                self._names[name] = None
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


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cells(raw: Any, columns: Sequence[str]) -> list[str]:
    if isinstance(raw, dict):
        return [_text(_value(raw, name)) for name in columns]
    # A row of the wrong number of cells, a line that could not be read, or a bare key.
    cells = [_text(each) for each in raw] if isinstance(raw, list) else [_text(raw)]
    if len(cells) > len(columns) > 0:
        cells[len(columns) - 1 :] = [",".join(cells[len(columns) - 1 :])]
    return cells + [""] * (len(columns) - len(cells))


def _value(raw: Any, name: str) -> Any:
    """What stands under a column's name: `address.city`, `tags.0`, or a name with dots."""
    if isinstance(raw, dict):
        if name in raw:
            return raw[name]
        first, dot, rest = name.partition(".")
        return _value(raw[first], rest) if dot and first in raw else None
    if isinstance(raw, list):
        first, dot, rest = name.partition(".")
        found = raw[int(first)] if _is_place(first, raw) else None
        return _value(found, rest) if dot else found
    return None


def _is_place(text: str, values: Sequence[Any]) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and int(text) < len(values)


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The scalars of a nested value under names with dots; what is empty is one of them."""
    if isinstance(value, dict) and value:
        for each, below in value.items():
            yield from _flat(below, f"{name}.{each}" if name else each)
    elif isinstance(value, list) and value:
        for index, below in enumerate(value):
            yield from _flat(below, f"{name}.{index}")
    else:
        yield name, value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else dump_exact(value).decode()
