"""JSON bodies: an array of items, or one object alone."""

from codecs import BOM_UTF8
from typing import Any

import orjson

from ingest.errors import MalformedBody
from ingest.exactjson import keep_digits
from ingest.formats.charsets import not_utf8, position
from ingest.formats.json_items import read_item_by_item
from ingest.formats.limits import Limits, no_body, too_many_items, too_many_values
from ingest.formats.nesting import check_nesting, nests_deeper, structures
from ingest.formats.typed import Typed
from ingest.model import Unreadable


def decode(
    body: bytes, limits: Limits, typed: Typed | None = None
) -> list[Any] | dict[str, Any] | Unreadable:
    """The items of a JSON body, not yet validated, or the one object that it is.

    Duplicate object keys: the last one wins. An item with a number beyond a double, or a lone
    surrogate, is unreadable.

    Args:
        typed: reads the arrays that it can.

    Raises:
        MalformedBody: not JSON, not UTF-8, nested too deep, or neither an array nor an object.
        TooManyItems: more elements than allowed.
        BodyTooLarge: more arrays and objects than allowed.
    """
    body = body.removeprefix(BOM_UTF8)
    if not body.strip():
        raise no_body()
    opened = body.count(b"[") + body.count(b"{")
    if opened > limits.max_values and structures(body) > limits.max_values:
        raise too_many_values(limits.max_values)
    document: Any = None if typed is None else typed.decode(body, limits.check)
    exact = document is not None
    if document is None:
        document, exact = _read(body)
    items = document if isinstance(document, list) else [document]
    if not isinstance(document, list | dict | Unreadable):
        raise MalformedBody("The body is neither an array nor an object", "Send a JSON array.")
    if len(items) > limits.max_items:
        raise too_many_items(limits.max_items)
    limit = limits.max_nesting
    # Fewer brackets than levels: the common case.
    if opened > limit and nests_deeper(body, limit):
        check_nesting(items, limit)
    found: list[Any] | dict[str, Any] | Unreadable
    found = document if exact else keep_digits(body, document)
    return found


def _read(body: bytes) -> tuple[Any, bool]:
    """The document, and whether none of its numbers can be rounded any more."""
    try:
        return orjson.loads(body), False
    except orjson.JSONDecodeError as error:
        document = read_item_by_item(body)
        if document is None:
            raise MalformedBody("The body is not valid JSON", _place(body, error)) from None
        return document, True


def value_of(text: str, max_nesting: int) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is not JSON.
        MalformedBody: it nests too deep.
    """
    data = text.encode()
    value = orjson.loads(data)
    if nests_deeper(data, max_nesting):  # before the digits: what reads them recurses
        check_nesting([value], max_nesting + 1)
    return keep_digits(data, value)


def _place(body: bytes, error: orjson.JSONDecodeError) -> str:
    no_text = not_utf8(body)
    if no_text is not None:
        return no_text
    line, column = position(body.decode(), error.pos)
    return f"Line {line}, column {column}: {error.msg}."
