"""Bodies of repairs: each element says which item of a batch it changes.

::

    {"index": 7, "item": {…}}                        JSON, NDJSON, YAML
    {"index": 9, "drop": true}
    {"index": 7, "rawData": {…}, "errors": […]}      as `/failures` writes it, corrected
    email,first_name,…,error_index,error_drop        CSV as `/failures` writes it, corrected

A body of which any element is none of these changes nothing.
"""

import csv
from collections.abc import Callable, Iterator
from typing import Any

from ingest.errors import MalformedBody, UnsupportedMediaType
from ingest.formats import json, negotiation, yaml
from ingest.formats.csv import CsvDecoder
from ingest.formats.csv_records import Record
from ingest.formats.decoding import Decoder, WholeBody
from ingest.formats.failed_lines import ITEM, RAW, TEXT, as_sent, is_document
from ingest.formats.failure_files import DROP_COLUMN, INDEX_COLUMN, REPAIR_COLUMNS
from ingest.formats.limits import Limits
from ingest.formats.misnamed import CheckedStart
from ingest.formats.ndjson import NdjsonDecoder
from ingest.formats.negotiation import BodyFormat
from ingest.formats.shapes import item_shape
from ingest.model import DROPPED, ItemChange, Unreadable
from ingest.resources.resource import Resource

_INDEX, _DROP, _ERRORS = "index", "drop", "errors"
_ITEMS = (ITEM, RAW, TEXT)
_MEMBERS = frozenset({_INDEX, "line", _DROP, _ERRORS, *_ITEMS})
_REMEDY = (
    'Send `{"index": 7, "item": {…}}`, `{"index": 9, "drop": true}`, or a row of the file of '
    "failures, corrected."
)
_MORE_LEVELS = 2  # of nesting, around an item of a document of failures
_MAX_INDEX = 2**31 - 1
_INDEX_DIGITS = len(str(_MAX_INDEX))


def open_changes(body: BodyFormat, resource: Resource, limits: Limits) -> Decoder:
    """A decoder whose elements are `ItemChange`s.

    Args:
        resource: of the items.
        limits: those of items that are sent by themselves.

    Raises:
        UnsupportedMediaType: the format has no place for indices.
    """

    def read(row: Any, place: str) -> ItemChange:
        return _change(row, place, limits.max_nesting)

    wider = Limits(
        limits.max_item,
        limits.max_items,
        limits.max_nesting + _MORE_LEVELS,
        limits.max_values,
        limits.check,
    )
    match body.media_type:
        case negotiation.NDJSON:
            lines = CheckedStart(NdjsonDecoder(wider, failed_rows=False), body)
            return _Changes(lines, read)
        case negotiation.CSV:
            return CheckedStart(_CsvChanges(item_shape(resource), limits, body), body)
        case negotiation.XML:
            raise UnsupportedMediaType(
                "A repair is not read from XML", "Send JSON, NDJSON, CSV or YAML."
            )
        case negotiation.YAML:
            return _Changes(WholeBody(lambda data: _rows(yaml.decode(data, wider)), body), read)
        case _:
            return _Changes(WholeBody(lambda data: _rows(json.decode(data, wider)), body), read)


def _rows(document: Any) -> Any:
    return document["failures"] if is_document(document) else document


def _change(row: Any, place: str, max_nesting: int) -> ItemChange:
    """What an element changes.

    Raises:
        MalformedBody: it says nothing of the kind; `place` is named.
    """
    if isinstance(row, Unreadable):
        error = row.errors[0]
        raise MalformedBody(error.message, error.description)
    if not isinstance(row, dict):
        raise MalformedBody(f"{place} of the body is no change of an item", _REMEDY)
    index = row.get(_INDEX)
    given = [name for name in _ITEMS if name in row]
    drop = row.get(_DROP, False)
    well_formed = (
        row.keys() <= _MEMBERS
        and isinstance(index, int)
        and not isinstance(index, bool)
        and 0 <= index <= _MAX_INDEX
        and isinstance(drop, bool)
        and len(given) <= 1
        and (drop or given)
    )
    if not well_formed or not isinstance(index, int):
        raise MalformedBody(f"{place} of the body is no change of an item", _REMEDY)
    if drop:
        return ItemChange(index, DROPPED)
    errors = row.get(_ERRORS)
    failed = {**row, _ERRORS: errors if isinstance(errors, list) else []}
    return ItemChange(
        index, as_sent(failed, f"It is {place.lower()} of the body.", max_nesting - 1)
    )


class _Changes:
    """Makes changes of the elements of another decoder."""

    columns: None = None
    single = False

    def __init__(self, rows: Decoder, read: Callable[[Any, str], ItemChange]) -> None:
        self._rows = rows
        self._read = read
        self._count = 0

    @property
    def line(self) -> int:
        return self._rows.line

    def feed(self, piece: bytes) -> list[Any]:
        return self._changes(self._rows.feed(piece))

    def end(self) -> list[Any]:
        return self._changes(self._rows.end())

    def _changes(self, rows: list[Any]) -> list[Any]:
        changes = []
        for row in rows:
            changes.append(self._read(row, f"Element {self._count}"))
            self._count += 1
        return changes


class _CsvChanges(CsvDecoder):
    """Makes changes of rows: their columns of errors say of which items."""

    def _elements(self, records: Iterator[Record]) -> Iterator[Any]:
        rows = _Noted(records)
        for element in super()._elements(rows):
            yield self._change(rows.last, element)

    def _change(self, record: Record, element: Any) -> ItemChange:
        line, _, row = record
        index, drop = (self._cell(row, name) for name in REPAIR_COLUMNS)
        if index is None:
            raise MalformedBody(
                f"The header of the body has no column `{INDEX_COLUMN}`",
                "Send the CSV that `/failures` writes of a batch which is kept to be repaired.",
            )
        if not (index.isascii() and index.isdigit() and len(index) < _INDEX_DIGITS):
            raise MalformedBody(
                f"The cell `{INDEX_COLUMN}` of a row is not the index of an item",
                f"Line {line}. Leave that column as it was written.",
            )
        said = (drop or "").strip().lower()
        if said not in ("", "true", "false"):
            raise MalformedBody(
                f"The cell `{DROP_COLUMN}` of a row is neither true nor empty", f"Line {line}."
            )
        return ItemChange(int(index), DROPPED if said == "true" else element)

    def _cell(self, row: list[str] | csv.Error, name: str) -> str | None:
        """A cell of a row, empty where the row has none there; None without such a column."""
        place = None if self._header is None else self._header.place_of(name)
        if place is None:
            return None
        return row[place].strip() if isinstance(row, list) and place < len(row) else ""


class _Noted:
    """Records, of which the last one that was taken is known."""

    def __init__(self, records: Iterator[Record]) -> None:
        self._records = records
        self.last: Record = (1, "", [])

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        self.last = next(self._records)
        return self.last
