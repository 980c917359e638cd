"""JSON bodies: an array of items, or one object alone."""

from typing import Any

import orjson

from ingest.errors import MalformedBody, TooManyItems
from ingest.exactjson import keep_digits

_BOM = b"\xef\xbb\xbf"
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


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
        raise MalformedBody(
            "The request has no body", "Send a JSON array of objects; an empty array saves nothing."
        )
    document = _parse(body)
    items = document if isinstance(document, list) else [document]
    if not isinstance(document, list | dict):
        raise MalformedBody("The body is neither an array nor an object", "Send a JSON array.")
    if len(items) > max_items:
        raise TooManyItems(
            f"The body has {len(items)} items, and {max_items} are the most of one request",
            "Send the items in several requests.",
        )
    if _may_nest_deeper(body, max_nesting):
        _check_nesting(items, max_nesting)
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


def _may_nest_deeper(body: bytes, limit: int) -> bool:
    """Whether the body might nest deeper than `limit`; brackets inside strings can make it wrong.

    Removing every innermost pair lowers the depth by one, and all of it runs at the speed of C.
    """
    brackets = body.translate(_ONE_KIND, _NOT_BRACKETS)
    for _ in range(limit):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _check_nesting(items: list[Any], limit: int) -> None:
    pending = [(item, str(index), 2) for index, item in enumerate(items)]
    while pending:
        value, path, depth = pending.pop()
        if not isinstance(value, dict | list):
            continue
        if depth > limit:
            raise MalformedBody(
                f"The body nests deeper than {limit} levels", f"At {path[:200]}, counted from 0."
            )
        below = value.items() if isinstance(value, dict) else enumerate(value)
        pending += [(each, f"{path}.{name}", depth + 1) for name, each in below]
