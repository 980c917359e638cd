"""NDJSON files: one item a line. Lines are not parsed here: the service names the bad ones."""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator

import orjson

from ingest.exactjson import dump_exact, load_exact
from ingest.formats.negotiation import NDJSON
from ingest.load.feed import MAX_ROW, Feed, Row
from ingest.load.source import LoadError


def read_ndjson(chunks: Iterable[bytes]) -> Feed:
    """The lines of an NDJSON file, without blank ones."""
    return Feed(NDJSON, _rows(chunks))


def read_failed_items(chunks: Iterable[bytes]) -> Feed:
    """The items of a file of failed rows, which stand under `item` in each line."""
    return Feed(NDJSON, map(_unwrapped, _rows(chunks)))


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


def _unwrapped(row: Row) -> Row:
    try:
        item = load_exact(row.data)["item"]
    except orjson.JSONDecodeError as error:
        raise LoadError(
            f"not valid JSON on line {row.line}, column {error.colno}: {error.msg}"
        ) from None
    except (KeyError, TypeError):
        raise LoadError(
            f"line {row.line} has no member 'item', as lines of failed rows have; "
            "rename the file if it is no such file"
        ) from None
    return Row(row.line, dump_exact(item) + b"\n")
