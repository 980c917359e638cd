"""CSV bodies (RFC 4180): a header, then one item a row, read while they arrive."""

import csv
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from ingest.errors import MalformedBody
from ingest.formats import json
from ingest.formats.charsets import TextReader
from ingest.formats.csv_header import Header
from ingest.formats.csv_names import KnownNames
from ingest.formats.csv_records import Record, RecordReader
from ingest.formats.failure_files import ROW_COLUMN, whole_column
from ingest.formats.limits import Limits, no_body, unreadable
from ingest.formats.negotiation import BodyFormat, EmptyAs
from ingest.formats.shapes import ABSENT, Shape


class CsvDecoder:
    """Makes items of rows. A row of too many or too few cells is that item's failure.

    No more than two of the largest rows are kept between two calls.
    """

    single = False

    def __init__(
        self,
        shape: Shape,
        limits: Limits,
        body: BodyFormat,
        known: KnownNames | None = None,
        columns: Sequence[str] = (),
    ) -> None:
        """
        Args:
            shape: that of an item.
            known: the names that columns may have; None for any.
            columns: their names, where the file has no header.
        """
        self._shape = shape
        self._limits = limits
        self._body = body
        self._text = TextReader(body.charset)
        self._known = known
        self._has_no_header = bool(columns)
        self._header = self._header_of(columns) if columns else None
        self._records = RecordReader(
            limits.max_item,
            body.delimiter,
            (lambda _: False) if columns else shape.names,
            len(columns) or None,
        )
        self._empty = True

    @property
    def columns(self) -> tuple[str, ...] | None:
        return None if self._header is None else self._header.columns

    @property
    def line(self) -> int:
        return self._records.line

    def feed(self, piece: bytes) -> list[Any]:
        return list(self._elements(self._records.feed(self._text.feed(piece))))

    def end(self) -> list[Any]:
        found = list(self._elements(self._records.end(self._text.end())))
        if self._empty:
            raise no_body()
        return found

    def _elements(self, records: Iterator[Record]) -> Iterator[Any]:
        if self._header is None:
            first = next(records, None)
            if first is None:
                return
            self._header = self._read_header(first)
            self._empty = False
        header, width = self._header, self._header.width
        if self._body.pads_short_rows:
            records = _padded(records, width)
        for line, text, row in records:
            self._empty = False
            if isinstance(row, csv.Error):
                raw = text.strip("\r\n")
                yield unreadable(raw, "This row is not valid CSV.", f"Line {line}: {row}.")
            elif not any(row):
                continue
            elif len(row) != width:
                count = "1 cell" if len(row) == 1 else f"{len(row)} cells"
                message = f"This row has {count}, and the header has {width}."
                if self._has_no_header:
                    message = f"This row has {count}, and not one for each of {width} columns."
                yield unreadable(row, message, f"Line {line}.")
            elif header.from_failures and (failed := self._failed_before(header, row, line)):
                yield from failed
            elif header.whole is not None:
                yield self._whole_item(row[header.whole], line)
            elif (column := header.stray(row)) is not None:
                message = (
                    f"This row has a value in column {column}, which has no name in the header."
                )
                yield unreadable(header.own(row), message, f"Line {line}.")
            else:
                yield header.item(row)

    def _read_header(self, record: Record) -> Header:
        line, _, cells = record
        if isinstance(cells, csv.Error):
            raise MalformedBody("The header of the body is not valid CSV", f"Line {line}: {cells}.")
        return self._header_of(cells)

    def _header_of(self, names: Sequence[str]) -> Header:
        return Header(
            names,
            self._shape,
            empty=None if self._body.empty_as is EmptyAs.NULL else ABSENT,
            max_nesting=self._limits.max_nesting,
            known=self._known,
            notation=self._body.notation,
        )

    def _failed_before(self, header: Header, row: list[str], line: int) -> list[Any]:
        """What a row of failed rows stands for that was no item before and is unchanged, if any."""
        try:
            failed = header.failed_before(row)
        except (ValueError, MalformedBody):
            message = f"The cell `{ROW_COLUMN}` of this row is not as it was written."
            remedy = "Where the row is correct now, empty that cell."
            return [unreadable(row, message, f"Line {line}. {remedy}")]
        if failed is None:
            return []
        if failed.message is None:
            return [failed.raw]
        return [unreadable(failed.raw, failed.message, f"Line {line}.")]

    def _whole_item(self, cell: str, line: int) -> Any:
        """The item of a failed row that has all of it in one cell."""
        try:
            return json.value_of(cell, self._limits.max_nesting - 1)
        except (orjson.JSONDecodeError, MalformedBody) as error:
            reason = error.message if isinstance(error, MalformedBody) else error.msg
            column = whole_column(self._shape.names)
            message = f"The cell `{column}` of this row is not an item as JSON."
            return unreadable(cell, message, f"Line {line}: {reason}.")


def _padded(records: Iterator[Record], width: int) -> Iterator[Record]:
    """The same, with empty cells at the end of rows that have too few; blank ones stay as short."""
    for line, text, row in records:
        if isinstance(row, list) and any(row):
            row += [""] * (width - len(row))
        yield line, text, row
