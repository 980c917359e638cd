"""NDJSON files: one item a line. Lines are not parsed here: the service names the bad ones."""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator

import orjson

from ingest.exactjson import load_exact
from ingest.formats.failed_lines import as_line, is_failed_row
from ingest.formats.negotiation import NDJSON
from ingest.load.errors import LoadError
from ingest.load.feed import MAX_ROW, Feed, Row


def read_ndjson(chunks: Iterable[bytes]) -> Feed:
    """The lines of an NDJSON file, without blank ones.

    Of a file of failed rows, as this command and the service write them, the lines are what failed.
    The first line that is JSON tells, whatever the file is called.
    """
    return Feed(NDJSON, _unwrapped(_rows(chunks)))


def _rows(chunks: Iterable[bytes]) -> Iterator[Row]:
    for number, line in enumerate(_lines(chunks), 1):
        text = line.removeprefix(BOM_UTF8) if number == 1 else line
        if text.strip():
            yield Row(number, text.rstrip(b"\r\n") + b"\n")


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > MAX_ROW:
            raise LoadError(f"a line has more than {MAX_ROW} bytes")
    if rest:
        yield rest


def _unwrapped(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        try:
            failed = is_failed_row(orjson.loads(row.data))
        except orjson.JSONDecodeError:
            yield row
            continue
        yield _what_failed(row) if failed else row
        break
    else:
        return
    yield from map(_what_failed, rows) if failed else rows


def _what_failed(row: Row) -> Row:
    """The item of a failed row, or the line that was none, byte by byte as unreadable as before.

    Raises:
        LoadError: it is no failed row.
    """
    try:
        line = load_exact(row.data)
    except orjson.JSONDecodeError as error:
        raise LoadError(
            f"not valid JSON on line {row.line}, column {error.colno}: {error.msg}"
        ) from None
    if not is_failed_row(line):
        raise LoadError(
            f"line {row.line} has no member 'item' as the lines before it, which are failed rows; "
            "keep failed rows and other items in two files"
        )
    said = as_line(line)
    return row if said is None else Row(row.line, said + b"\n")
