"""Decoders of bodies: bytes in as they arrive, items out as they are complete.

One protocol for all formats. NDJSON and CSV give items while they are fed, in bounded memory;
JSON, XML and YAML give all of them at the end, and the caller limits the size of the body.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ingest.errors import InvalidParameter, MalformedBody
from ingest.formats import json, negotiation, xml, yaml
from ingest.formats.csv import CsvDecoder
from ingest.formats.csv_names import known_names, schema_columns
from ingest.formats.csv_records import DELIMITERS
from ingest.formats.limits import Limits
from ingest.formats.misnamed import CheckedStart, misnamed
from ingest.formats.ndjson import NdjsonDecoder
from ingest.formats.negotiation import BodyFormat
from ingest.formats.shapes import item_shape, shape_of
from ingest.resources.resource import Resource

CSV_PARAMETERS = frozenset({"columns", "delimiter", "emptyAs"})
"""The query parameters that say how a CSV body is read."""


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
        """The last elements. Raises as `feed`, and MalformedBody where there was no body at all
        (one of blank lines is an empty collection), or where a quote is still open."""


def csv_format(
    charset: str | None, header: str | None, parameters: Mapping[str, str]
) -> BodyFormat:
    """CSV as the media type's `header`, and the values of `CSV_PARAMETERS`, say.

    Raises:
        InvalidParameter: names the parameter and what it takes.
    """
    delimiter, empty_as = parameters.get("delimiter"), parameters.get("emptyAs")
    if delimiter not in (None, *DELIMITERS, *DELIMITERS.values()):
        raise _illegal("delimiter", delimiter, f"{', '.join(DELIMITERS)}, or the character itself")
    if empty_as not in (None, "absent", "null"):
        raise _illegal("emptyAs", empty_as, "absent or null")
    if header not in (None, "present", "absent"):
        raise InvalidParameter(
            f"The parameter 'header' of {negotiation.CSV} cannot be {header[:50]!r}",
            "It takes present or absent (RFC 4180).",
        )
    columns = tuple(filter(None, map(str.strip, parameters.get("columns", "").split(","))))
    if "columns" in parameters and (header != "absent" or not columns):
        raise _illegal(
            "columns",
            parameters["columns"],
            "the names of the columns, with commas between them, of a body of type "
            f"{negotiation.CSV}; header=absent",
        )
    return BodyFormat(
        negotiation.CSV,
        charset,
        None if delimiter is None else DELIMITERS.get(delimiter, delimiter),
        empty_as_null=empty_as == "null",
        has_header=header != "absent",
        columns=columns,
    )


def _illegal(name: str, value: str | None, takes: str) -> InvalidParameter:
    return InvalidParameter(
        f"The query parameter {name!r} cannot be {str(value)[:50]!r}", f"It takes {takes}."
    )


def open_decoder(
    body: BodyFormat,
    resource: Resource,
    matching: str | None,
    limits: Limits,
    *,
    deletes: bool = False,
) -> Decoder:
    """A decoder of one body.

    Args:
        resource: of its items; its schema says what a text is.
        matching: the field whose values stand for items, None for the key.
        deletes: whether the items are to be deleted.

    Raises:
        MalformedBody: the columns that CSV is said to have are none of the collection's.
    """
    match body.media_type:
        case negotiation.NDJSON:
            return CheckedStart(NdjsonDecoder(limits), body)
        case negotiation.CSV:
            known = known_names(resource, matching, deletes=deletes)
            columns = () if body.has_header else body.columns or schema_columns(resource)
            decoder = CsvDecoder(item_shape(resource), limits, body, known, columns)
            return CheckedStart(decoder, body)
        case negotiation.XML:
            item, key = item_shape(resource), shape_of(resource.identity(matching).field)
            return _WholeBody(lambda data: xml.decode(data, item, key, limits, body.charset), body)
        case negotiation.YAML:
            return _WholeBody(lambda data: yaml.decode(data, limits), body)
        case _:
            return _WholeBody(lambda data: json.decode(data, limits), body)


class _WholeBody:
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
