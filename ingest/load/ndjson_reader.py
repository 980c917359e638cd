"""NDJSON files: one item a line. Lines are not parsed here: the service names the bad ones."""

from collections.abc import Iterable, Iterator

import orjson

from ingest.exactjson import dump_exact, load_exact
from ingest.formats.negotiation import NDJSON
from ingest.load.feed import MAX_ROW, Feed, LoadError, Row

_BOM = b"\xef\xbb\xbf"


def read_ndjson(chunks: Iterable[bytes], name: str, *, failed_rows: bool) -> Feed:
    """The lines of an NDJSON file, without blank ones.

    Args:
        chunks: its decompressed bytes.
        name: what messages call it.
        failed_rows: whether it is a file of failed rows, whose items stand under `item`.
    """
    rows = _rows(chunks, name)
    return Feed(NDJSON, _unwrapped(rows, name) if failed_rows else rows)


def _rows(chunks: Iterable[bytes], name: str) -> Iterator[Row]:
    for number, line in enumerate(_lines(chunks, name), 1):
        text = line.removeprefix(_BOM) if number == 1 else line
        if text.strip():
            yield Row(number, text.rstrip(b"\r\n") + b"\n")


def _lines(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > MAX_ROW:
            raise LoadError(f"{name}: a line has more than {MAX_ROW} bytes")
    if rest:
        yield rest


def _unwrapped(rows: Iterable[Row], name: str) -> Iterator[Row]:
    for row in rows:
        try:
            item = load_exact(row.data)["item"]
        except orjson.JSONDecodeError as error:
            raise LoadError(
                f"{name}: not valid JSON on line {row.line}, column {error.colno}: {error.msg}"
            ) from None
        except (KeyError, TypeError):
            raise LoadError(
                f"{name}: line {row.line} has no member 'item', as lines of failed rows have; "
                "rename the file if it is no such file"
            ) from None
        yield Row(row.line, dump_exact(item) + b"\n")
