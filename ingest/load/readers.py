"""The reader of each format."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from ingest.formats.charsets import decoded
from ingest.formats.signatures import BYTE_ORDER_MARKS
from ingest.load.csv_reader import read_csv
from ingest.load.errors import LoadError
from ingest.load.feed import Feed, Row
from ingest.load.json_reader import read_json, read_yaml
from ingest.load.kinds import FileFormat, FileOptions
from ingest.load.ndjson_reader import read_ndjson
from ingest.load.sheet_reader import read_sheet
from ingest.load.source import Reading
from ingest.load.wording import naming
from ingest.load.xml_reader import read_xml

_BLANK = b" \t\r\n\0\xef\xbb\xbf\xff\xfe"  # byte order marks, and UTF-16, among them
_LONGEST_MARK = 4


def open_feed(reading: Reading, options: FileOptions) -> Feed:
    """The rows of a file.

    Raises:
        LoadError: the file cannot be read; so may reading its rows.
    """
    charset = options.charset
    with naming(reading.name):
        match options.format:
            case FileFormat.PARQUET | FileFormat.ARROW:
                from ingest.load.columnar import read_columns  # with a package that may be missing

                feed = read_columns(reading, null_is_absent=options.null_is_absent)
            case FileFormat.WORKBOOK:
                feed = read_sheet(reading, options.columns)
            case FileFormat.CSV:
                feed = read_csv(
                    _not_empty(reading),
                    delimiter=options.delimiter,
                    charset=charset,
                    columns=options.columns,
                )
            case FileFormat.XML:
                feed = read_xml(_not_empty(reading), charset=charset, items=options.items)
            case FileFormat.NDJSON:
                feed = read_ndjson(_in_utf8(_not_empty(reading), charset))
            case FileFormat.YAML:
                feed = read_yaml(_in_utf8(_not_empty(reading), charset))
            case FileFormat.JSON:
                feed = read_json(_in_utf8(_not_empty(reading), charset))
    return replace(feed, rows=_named(feed.rows, reading.name))


def _in_utf8(chunks: Iterator[bytes], charset: str | None) -> Iterator[bytes]:
    """The same text in UTF-8; as it is where it is in no other charset."""
    first = b""
    while len(first) < _LONGEST_MARK and (chunk := next(chunks, None)) is not None:
        first += chunk
    rest = chain((first,), chunks)
    if charset is None and not first.startswith(BYTE_ORDER_MARKS):
        return rest
    return (text.encode() for text in decoded(rest, charset))


def _not_empty(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same; raises LoadError at the end where there was nothing but white space."""
    empty = True
    for chunk in chunks:
        empty = empty and not chunk.strip(_BLANK)
        yield chunk
    if empty:
        raise LoadError("the file is empty")


def _named(rows: Iterator[Row], name: str) -> Iterator[Row]:
    with naming(name):
        yield from rows
