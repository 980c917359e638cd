"""CSV bodies (RFC 4180): a header, then one item a row, read while they arrive."""

import csv
from collections.abc import Iterator
from typing import Any

import orjson

from ingest.errors import MalformedBody
from ingest.formats import json
from ingest.formats.charsets import TextReader
from ingest.formats.csv_header import Header, score
from ingest.formats.csv_records import Record, RecordReader
from ingest.formats.failure_files import whole_column
from ingest.formats.limits import Limits, no_body, unreadable
from ingest.formats.negotiation import BodyFormat
from ingest.formats.shapes import Shape


class CsvDecoder:
    """Makes items of rows. A row of too many or too few cells is that item's failure.

    No more than two of the largest rows are kept between two calls.
    """

    single = False

    def __init__(self, shape: Shape, limits: Limits, body: BodyFormat) -> None:
        """Args: `shape` is that of an item."""
        self._shape = shape
        self._limits = limits
        self._empty_as_null = body.empty_as_null
        self._text = TextReader(body.charset)
        self._records = RecordReader(
            limits.max_item, body.delimiter, lambda cells: score(cells, shape)
        )
        self._header: Header | None = None

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
        if self._header is None:
            raise no_body()
        return found

    def _elements(self, records: Iterator[Record]) -> Iterator[Any]:
        if self._header is None:
            first = next(records, None)
            if first is None:
                return
            self._header = self._read_header(first)
        header, width = self._header, self._header.width
        for line, text, row in records:
            if isinstance(row, csv.Error):
                raw = text.strip("\r\n")
                yield unreadable(raw, "This row is not valid CSV.", f"Line {line}: {row}.")
            elif not any(row):
                continue
            elif len(row) != width:
                count = "1 cell" if len(row) == 1 else f"{len(row)} cells"
                message = f"This row has {count}, and the header has {width}."
                yield unreadable(row, message, f"Line {line}.")
            elif header.whole is not None:
                yield self._whole_item(row[header.whole], line)
            elif (column := header.stray(row)) is not None:
                message = (
                    f"This row has a value in column {column}, which has no name in the header."
                )
                yield unreadable(row, message, f"Line {line}.")
            else:
                yield header.item(row)

    def _read_header(self, record: Record) -> Header:
        line, _, cells = record
        if isinstance(cells, csv.Error):
            raise MalformedBody("The header of the body is not valid CSV", f"Line {line}: {cells}.")
        return Header(
            cells,
            self._shape,
            empty_as_null=self._empty_as_null,
            max_nesting=self._limits.max_nesting,
        )

    def _whole_item(self, cell: str, line: int) -> Any:
        """The item of a failed row that has all of it in one cell."""
        try:
            return json.value_of(cell, self._limits.max_nesting - 1)
        except (orjson.JSONDecodeError, MalformedBody) as error:
            reason = error.message if isinstance(error, MalformedBody) else error.msg
            column = whole_column(self._shape.names)
            message = f"The cell `{column}` of this row is not an item as JSON."
            return unreadable(cell, message, f"Line {line}: {reason}.")
