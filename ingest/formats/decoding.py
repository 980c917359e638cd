"""Decoders of bodies: bytes in as they arrive, items out as they are complete.

One protocol for all formats. NDJSON and CSV give items while they are fed, in bounded memory;
JSON, XML and YAML give all of them at the end, and the caller limits the size of the body.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ingest.errors import MalformedBody
from ingest.formats import json, negotiation, xml, yaml
from ingest.formats.csv import CsvDecoder
from ingest.formats.csv_names import known_names, schema_columns
from ingest.formats.failed_lines import as_sent, is_document, is_failed_row, opened_in_text
from ingest.formats.limits import Limits, too_many_items, too_many_values
from ingest.formats.misnamed import CheckedStart, misnamed
from ingest.formats.ndjson import NdjsonDecoder
from ingest.formats.negotiation import BodyFormat, EmptyAs
from ingest.formats.shapes import ABSENT, item_shape, shape_of
from ingest.formats.typed import Typed
from ingest.formats.xml_elements import Target
from ingest.formats.xml_items import Unwrapping
from ingest.resources.resource import Resource

_EMPTY_ELEMENT: Mapping[EmptyAs | None, Any] = {
    None: "",
    EmptyAs.ABSENT: ABSENT,
    EmptyAs.NULL: None,
}


class Decoder(Protocol):
    """Decodes one body.

    An element is an item (an object, or a bare key), or an `Unreadable` in the place of one.
    """

    single: bool
    """Whether the body was one object and no array of them, once it has ended."""

    @property
    def line(self) -> int:
        """The number of the line with which the next element of a stream begins: it moves on with
        each that is complete, an empty one too."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The names of a CSV file's columns, without those of errors, once its header is read;
        None for other formats."""

    def feed(self, piece: bytes) -> list[Any]:
        """The elements that `piece` (decompressed bytes) completes.

        Raises:
            MalformedBody: the body as a whole cannot be read, such as a CSV header, or a byte that
                is no text in the charset.
            BodyTooLarge: a line of NDJSON or a row of CSV is longer than an item may be; an XML or
                YAML body has too many values.
            TooManyItems
        """

    def end(self) -> list[Any]:
        """The last elements. Raises as `feed`, and MalformedBody where there was nothing in the
        body (an empty collection is something), or where a quote is still open."""


def open_decoder(
    body: BodyFormat,
    resource: Resource,
    matching: str | None,
    limits: Limits,
    *,
    deletes: bool = False,
    typed: Typed | None = None,
) -> Decoder:
    """A decoder of one body.

    Args:
        resource: of its items; its schema says what a text is.
        matching: the field whose values stand for items, None for the key.
        deletes: whether the items are to be deleted.
        typed: reads the JSON of items that it vouches for.

    Raises:
        MalformedBody: the columns that CSV is said to have are none of the collection's.
    """
    match body.media_type:
        case negotiation.NDJSON:
            failed_rows = not _resembles_failed_rows(resource)
            lines = NdjsonDecoder(limits, failed_rows=failed_rows, typed=typed)
            return CheckedStart(lines, body)
        case negotiation.CSV:
            known = known_names(resource, matching, deletes=deletes)
            columns = () if body.has_header else body.columns or schema_columns(resource)
            decoder = CsvDecoder(item_shape(resource), limits, body, known, columns)
            return CheckedStart(decoder, body)
        case negotiation.XML:
            item, key = item_shape(resource), shape_of(resource.identity(matching).field)
            empty = _EMPTY_ELEMENT[body.empty_as]
            target = Target(item, key, limits, empty)
            wrapped = Unwrapping(target, body.items, limits) if body.items else target
            return WholeBody(lambda data: xml.decode(data, wrapped, limits, body.charset), body)
        case negotiation.YAML:
            return WholeBody(lambda data: yaml.decode(data, limits), body)
        case _:
            return WholeBody(lambda data: _json(data, resource, limits, typed), body)


def _resembles_failed_rows(resource: Resource) -> bool:
    """Whether an item may have the members of a failed row."""
    return {"index", "errors"} <= {field.data_key for field in resource.fields}


def _json(body: bytes, resource: Resource, limits: Limits, typed: Typed | None) -> Any:
    """A JSON body; failed rows in it, and a document of them, are what failed."""
    document: Any = json.decode(body, limits, typed)
    if b'"errors"' not in body or _resembles_failed_rows(resource):
        return document
    rows = document["failures"] if is_document(document) else document
    if not isinstance(rows, list):
        return _row(rows, 0, limits)
    if len(rows) > limits.max_items:
        raise too_many_items(limits.max_items)
    # Texts are read once more, and what is in them counts as what is in the body.
    if sum(map(opened_in_text, rows)) > limits.max_values:
        raise too_many_values(limits.max_values)
    return [_row(row, number, limits) for number, row in enumerate(rows)]


def _row(row: Any, number: int, limits: Limits) -> Any:
    if not is_failed_row(row):
        return row
    return as_sent(row, f"It is failed row {number} of the body.", limits.max_nesting - 1)


class WholeBody:
    """Collects the pieces of a body, and decodes all of it at the end."""

    columns: None = None
    line = 1

    def __init__(self, decode: Callable[[bytes], Any], body: BodyFormat) -> None:
        self.single = False
        self._decode = decode
        self._format = body
        self._pieces: list[bytes] = []

    def feed(self, piece: bytes) -> list[Any]:
        self._pieces.append(piece)
        return []

    def end(self) -> list[Any]:
        body = b"".join(self._pieces)
        self._pieces.clear()
        try:
            document = self._decode(body)
        except MalformedBody as error:
            raise misnamed(body, self._format) or error from None
        self.single = not isinstance(document, list)
        return [document] if self.single else document
