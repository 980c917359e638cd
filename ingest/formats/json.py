"""JSON bodies: an array of items, or one object alone."""

from typing import Any

import orjson

from ingest.errors import MalformedBody
from ingest.exactjson import keep_digits
from ingest.formats.limits import check_nesting, nests_deeper, no_body, too_many_items

_BOM = b"\xef\xbb\xbf"


def decode(body: bytes, *, max_items: int, max_nesting: int) -> list[Any]:
    """The items of a JSON body, not yet validated. Duplicate object keys: the last one wins.

    Args:
        body: decompressed bytes.
        max_items: the most elements that the array may have.
        max_nesting: how deep arrays and objects may nest, the outermost array included.

    Raises:
        MalformedBody: not JSON, not UTF-8, nested too deep, or neither an array nor an object.
        TooManyItems: more elements than allowed.
    """
    body = body.removeprefix(_BOM)
    if not body.strip():
        raise no_body()
    document = _parse(body)
    items = document if isinstance(document, list) else [document]
    if not isinstance(document, list | dict):
        raise MalformedBody("The body is neither an array nor an object", "Send a JSON array.")
    if len(items) > max_items:
        raise too_many_items(max_items)
    if nests_deeper(body, max_nesting):
        check_nesting(items, max_nesting)
    exact = keep_digits(body, document)
    return exact if isinstance(exact, list) else [exact]


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBody("The body is not valid JSON", _place(body, error)) from None


def _place(body: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as not_utf8:
        line = body.count(b"\n", 0, not_utf8.start) + 1
        return (
            f"Byte {not_utf8.start} (0x{body[not_utf8.start]:02x}, on line {line}) is not UTF-8: "
            f"{not_utf8.reason}."
        )
    return f"Line {error.lineno}, column {error.colno}: {error.msg}."
