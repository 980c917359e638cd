"""NDJSON files: one item a line. Lines are not parsed here: the service names the bad ones."""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from ingest.errors import BAD_FORMAT
from ingest.exactjson import dump_exact, load_exact
from ingest.formats.negotiation import NDJSON
from ingest.load.errors import LoadError
from ingest.load.feed import MAX_ROW, Feed, Row

ITEM = "item"
"""The member of a failed row that holds its item."""
TEXT = "text"
"""The same, where the row is a line that is no JSON."""
_RAW = "rawData"  # of the service's own files of failures
_MEMBERS = frozenset({"index", "line", "errors", ITEM, TEXT, _RAW})
_BAD_LINE = BAD_FORMAT.code
_NO_TEXT = "\ufffd"  # stands in a text for bytes that are none


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
            failed = _is_failed_row(orjson.loads(row.data))
        except orjson.JSONDecodeError:
            yield row
            continue
        yield _what_failed(row) if failed else row
        break
    else:
        return
    yield from map(_what_failed, rows) if failed else rows


def _is_failed_row(line: Any) -> bool:
    return (
        isinstance(line, dict)
        and line.keys() <= _MEMBERS
        and "index" in line
        and isinstance(line.get("errors"), list)
        and len(line.keys() & {ITEM, TEXT, _RAW}) == 1
    )


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
    if not _is_failed_row(line):
        raise LoadError(
            f"line {row.line} has no member 'item' as the lines before it, which are failed rows; "
            "keep failed rows and other items in two files"
        )
    text = line.get(TEXT)
    raw = line.get(_RAW)
    if isinstance(raw, str) and [each.get("code") for each in line["errors"]] == [_BAD_LINE]:
        text = raw
    if isinstance(text, str):
        data = b"\xff".join(part.encode() for part in " ".join(text.split("\n")).split(_NO_TEXT))
    else:
        data = dump_exact(next(line[name] for name in (ITEM, _RAW, TEXT) if name in line))
    return Row(row.line, data + b"\n")
