"""CSV bodies (RFC 4180): a header, then one item a row, read while they arrive."""

import csv
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from ingest.errors import BAD_FORMAT, MalformedBody
from ingest.exactjson import keep_digits
from ingest.formats.cells import whole_column
from ingest.formats.charsets import TextReader
from ingest.formats.csv_header import DELIMITERS, Header, score
from ingest.formats.limits import Limits, check_nesting, item_too_large, no_body
from ingest.formats.shapes import Shape
from ingest.model import ItemError, Unreadable

# The module's own bound on one cell is for the whole process; ours is on each row of a body.
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))

_MAX_RAW = 10_000  # characters of a row that cannot be read, as `rawData` shows it
# The first line with which Excel says what the delimiter is.
_HINT = re.compile(r'"?sep=([,;\t|])"?(?:\r\n?|\n)')


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """What a request says about its CSV."""

    charset: str | None = None
    """As `charsets.check_charset` gives it; None for UTF-8, or what a byte order mark says."""
    delimiter: str | None = None
    """None where the header decides."""
    empty_as_null: bool = False
    """Whether an empty cell is null; else the item has no such field."""


class CsvDecoder:
    """Makes items of rows. A row of too many or too few cells is that item's failure.

    No more than two of the largest rows are kept between two calls.
    """

    def __init__(self, shape: Shape, limits: Limits, options: CsvOptions) -> None:
        self._shape = shape
        self._limits = limits
        self._options = options
        self._text = TextReader(options.charset)
        self._delimiter = ","
        self._header: Header | None = None
        self._parts: list[str] = []  # what no row was made of yet
        self._size = 0
        self._line = 1  # the number of its first line
        self._wait = 0  # characters without which another try is not worth while
        self._news = False  # whether there is a new line since the last try

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The names of the columns, without those of errors; None before the header is read."""
        return None if self._header is None else self._header.columns

    def feed(self, chunk: bytes) -> list[Any]:
        """The elements that `chunk` completes: items, and `Unreadable`s.

        Raises:
            MalformedBody: a byte is no text in the charset, or the header cannot be used.
            BodyTooLarge: a row is longer than an item may be.
        """
        text = self._text.feed(chunk)
        self._keep(text)
        self._news = self._news or "\n" in text or "\r" in text
        if self._news and self._size >= self._wait:
            return self._read(final=False)
        if self._size > self._limits.max_item:
            raise item_too_large(self._limits.max_item, self._line, "row")
        return []

    def end(self) -> list[Any]:
        """The last elements.

        Raises:
            MalformedBody: as `feed`; or a quote is still open, or there was no header.
        """
        self._keep(self._text.end())
        return self._read(final=True)

    def _keep(self, text: str) -> None:
        if text:
            self._parts.append(text)
            self._size += len(text)

    def _read(self, *, final: bool) -> list[Any]:
        text = "".join(self._parts)
        whole = text if final else text[: _end_of_lines(text)]
        rows = self._open(whole)
        found = [] if self._header is None else list(self._elements(rows, self._header))
        unfinished = rows.done < len(whole)
        self._news = False
        if final and self._header is None and not text.strip():
            raise no_body()
        if final and unfinished:
            raise MalformedBody(
                "A quote of the body is never closed", f"It is opened on line {rows.next_line}."
            )
        self._line = rows.next_line
        self._parts = [text[rows.done :]]
        self._size = len(self._parts[0])
        limit = self._limits.max_item
        if self._size > limit:
            raise item_too_large(limit, self._line, "row")
        # A row that goes on over many lines is not read from its start at each of them.
        self._wait = min(2 * self._size, limit) if unfinished else 0
        return found

    def _elements(self, rows: "_Rows", header: Header) -> Iterator[Any]:
        limit = self._limits.max_item
        width = header.width
        for row in rows.read():
            if rows.done - rows.start > limit:
                raise item_too_large(limit, rows.line, "row")
            if isinstance(row, csv.Error):
                yield _unreadable(rows.text[rows.start : rows.done], rows.line, row)
            elif len(row) == width and header.whole is not None:
                if any(row):
                    yield self._whole_item(row[header.whole], rows.line)
            elif len(row) == width:
                if header.unnamed and (column := header.stray(row)) is not None:
                    yield _stray(row, column, rows.line)
                elif (item := header.item(row)) is not None:
                    yield item
            elif any(row):
                yield _wrong_width(row, width, rows.line)

    def _whole_item(self, cell: str, line: int) -> Any:
        """The item of a failed row that has all of it in one cell."""
        try:
            data = cell.encode()
            item = orjson.loads(data)
            check_nesting([item], self._limits.max_nesting)  # before the digits: that recurses
        except (orjson.JSONDecodeError, MalformedBody) as error:
            return _no_item(cell, whole_column(self._shape.names), line, error)
        return keep_digits(data, item)

    def _open(self, text: str) -> "_Rows":
        """The rows of `text`, those of the header already read."""
        if self._header is not None:
            return _Rows(text, self._line, self._delimiter)
        hint = _HINT.match(text)
        start, line = (hint.end(), self._line + 1) if hint else (0, self._line)
        wanted = self._options.delimiter or (hint and hint[1])
        tried = [
            (rows.first(), rows)
            for delimiter in ([wanted] if wanted else DELIMITERS.values())
            for rows in [_Rows(text, line, delimiter, start)]
        ]
        found = [(cells, rows) for cells, rows in tried if isinstance(cells, list)]
        if not found:
            broken = [(cells, rows) for cells, rows in tried if cells is not None]
            if len(broken) == len(tried):
                error, rows = broken[0]
                raise MalformedBody(
                    "The header of the body is not valid CSV", f"Line {rows.line}: {error}."
                )
            return _Rows(text, self._line, self._delimiter)
        cells, rows = max(found, key=lambda each: score(each[0], self._shape))
        self._delimiter = rows.delimiter
        self._header = Header(
            cells,
            self._shape,
            empty_as_null=self._options.empty_as_null,
            max_nesting=self._limits.max_nesting,
        )
        return rows


class _Dry(Exception):
    """There are no more whole lines."""


class _Rows:
    """The records of a text of whole lines, and where each of them stands."""

    def __init__(self, text: str, line: int, delimiter: str, start: int = 0) -> None:
        """
        Args:
            line: the number of the first line that is read.
            start: where that line begins.
        """
        self.text = text
        self.delimiter = delimiter
        self._source = io.StringIO(text, newline="")
        self._source.seek(start)
        self._reader = csv.reader(self._lines(), delimiter=delimiter, strict=True)
        self._lines_before = line - 1
        self.start = self.done = start
        self.line = self.next_line = line

    def read(self) -> Iterator[list[str] | csv.Error]:
        """Each record, or why it is none. `start`, `done` and `line` say where it is."""
        reader, tell = self._reader, self._source.tell
        while True:
            try:
                for row in reader:
                    self.start, self.line = self.done, self.next_line
                    self.done, self.next_line = tell(), self._lines_before + reader.line_num + 1
                    yield row
            except csv.Error as error:
                self.start, self.line = self.done, self.next_line
                self.done, self.next_line = tell(), self._lines_before + reader.line_num + 1
                yield error
            except _Dry:
                return

    def first(self) -> list[str] | csv.Error | None:
        """The first record that is not blank, or why it is none; None where it is not whole."""
        for row in self.read():
            if isinstance(row, csv.Error) or any(map(str.strip, row)):
                return row
        return None

    def _lines(self) -> Iterator[str]:
        """The lines; then, unlike a file that ends, something that leaves a record unfinished."""
        yield from self._source
        raise _Dry


def _end_of_lines(text: str) -> int:
    """Where the last whole line ends. A carriage return at the very end may be half of a CRLF."""
    return (text.rfind("\n") + 1) or (text.rfind("\r", 0, len(text) - 1) + 1)


def _unreadable(text: str, line: int, error: csv.Error) -> Unreadable:
    raw = text.strip("\r\n")
    return Unreadable(
        raw if len(raw) <= _MAX_RAW else raw[:_MAX_RAW] + "…",
        [ItemError(BAD_FORMAT, "This row is not valid CSV.", description=f"Line {line}: {error}.")],
    )


def _no_item(
    cell: str, column: str, line: int, error: orjson.JSONDecodeError | MalformedBody
) -> Unreadable:
    reason = error.message if isinstance(error, MalformedBody) else error.msg
    return Unreadable(
        cell if len(cell) <= _MAX_RAW else cell[:_MAX_RAW] + "…",
        [
            ItemError(
                BAD_FORMAT,
                f"The cell `{column}` of this row is not an item as JSON.",
                description=f"Line {line}: {reason}.",
            )
        ],
    )


def _wrong_width(row: list[str], width: int, line: int) -> Unreadable:
    message = f"This row has {_cells(len(row))}, and the header has {width}."
    return Unreadable(row, [ItemError(BAD_FORMAT, message, description=f"Line {line}.")])


def _stray(row: list[str], column: int, line: int) -> Unreadable:
    message = f"This row has a value in column {column}, which has no name in the header."
    return Unreadable(row, [ItemError(BAD_FORMAT, message, description=f"Line {line}.")])


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
