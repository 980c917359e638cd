"""JSON bodies of which some items hold what JSON can write and no column can keep.

That is a number beyond a double (`1e400`), or a lone surrogate (`"\\ud800"`). Such an item is
unreadable, and the others are read; a body with any other fault is malformed as a whole.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from ingest.exactjson import load_exact
from ingest.formats.charsets import position
from ingest.formats.limits import unreadable
from ingest.model import Unreadable

_BLANK = re.compile(r"[ \t\r\n]*")


def read_item_by_item(body: bytes) -> list[Any] | Any | None:
    """The elements of an array, or the one object, that orjson does not read as a whole.

    Returns:
        None where it is not JSON.
    """
    try:
        text = body.decode()
        start = _blank(text, 0)
        if text[start : start + 1] != "[":
            end = _end_of_value(text, start)
            return _read(text, start, end) if _blank(text, end) == len(text) else None
        return [_read(text, *place) for place in _places(text, start + 1)]
    except (ValueError, RecursionError):
        return None


def _places(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Where the elements of an array begin and end, from behind its bracket on."""
    at = _blank(text, start)
    if text[at : at + 1] == "]":
        at += 1
    else:
        while True:
            end = _end_of_value(text, at)
            yield at, end
            end = _blank(text, end)
            at = _blank(text, end + 1)
            if text[end : end + 1] == "]":
                break
            if text[end : end + 1] != ",":
                raise ValueError("neither a comma nor the end of the array")
    if _blank(text, at) != len(text):
        raise ValueError("something follows the array")


def _read(text: str, start: int, end: int) -> Any | Unreadable:
    item = text[start:end]
    try:
        return load_exact(item.encode())
    except orjson.JSONDecodeError as error:
        line, column = position(text, start + error.pos)
        place = f"Line {line}, column {column}: {error.msg}."
        return unreadable(item, "This item is not valid JSON.", place)


def _blank(text: str, at: int) -> int:
    """Behind the white space that begins at a place."""
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


# Numbers stay texts: what is wanted is where the value ends.
_SCANNER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_refuse)


def _end_of_value(text: str, start: int) -> int:
    return _SCANNER.raw_decode(text, start)[1]
