"""What bodies of every format have in common: how large they may be, and how they are refused."""

from dataclasses import dataclass
from typing import Any

from ingest.errors import BodyTooLarge, MalformedBody, TooManyItems

_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


MAX_VALUES = 1_000_000
"""The most values (of all items together) of an XML or YAML body, which takes a while to read."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a body may be."""

    max_item: int
    """The most bytes of one line of NDJSON or one row of CSV: what a whole JSON body may have."""
    max_items: int
    """The most items of a body that is decoded as a whole; NDJSON and CSV have any number."""
    max_nesting: int
    """How deep arrays and objects may nest, the outermost array included."""


def no_body() -> MalformedBody:
    return MalformedBody(
        "The request has no body", "Send a JSON array of objects; an empty array saves nothing."
    )


def too_many_items(limit: int) -> TooManyItems:
    return TooManyItems(
        f"The body has more than {limit} items, the most of one request",
        "Send the items in several requests, or as NDJSON or CSV, of which any number is read.",
    )


def too_many_values() -> BodyTooLarge:
    return BodyTooLarge(
        f"The body has more than {MAX_VALUES} values, the most of one in this format",
        "Send the items in several requests, or as JSON, NDJSON or CSV.",
    )


def item_too_large(limit: int, line: int, kind: str) -> BodyTooLarge:
    return BodyTooLarge(
        f"A {kind} of the body is larger than {limit} bytes",
        f"It begins on line {line}. No item of any format may be larger than that.",
    )


def may_nest_deeper(body: bytes, limit: int) -> bool:
    """Whether JSON might nest deeper than `limit`; brackets inside strings can make it wrong.

    Removing every innermost pair lowers the depth by one, and all of it runs at the speed of C.
    """
    brackets = body.translate(_ONE_KIND, _NOT_BRACKETS)
    for _ in range(limit):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def too_deep(items: list[Any], limit: int) -> str | None:
    """The path of the first place that nests deeper than `limit`; `items` is level 1."""
    pending = [(item, str(index), 2) for index, item in enumerate(items)]
    while pending:
        value, path, depth = pending.pop()
        if not isinstance(value, dict | list):
            continue
        if depth > limit:
            return path[:200]
        below = value.items() if isinstance(value, dict) else enumerate(value)
        pending += [(each, f"{path}.{name}", depth + 1) for name, each in below]
    return None


def check_nesting(items: list[Any], limit: int) -> None:
    """Refuse items that nest too deep.

    Raises:
        MalformedBody: names the place.
    """
    place = too_deep(items, limit)
    if place is not None:
        raise nests_too_deep(limit, place)


def nests_too_deep(limit: int, place: str) -> MalformedBody:
    return MalformedBody(
        f"The body nests deeper than {limit} levels", f"At {place}, counted from 0."
    )
