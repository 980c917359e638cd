"""What bodies of every format have in common: how large they may be, and how they are refused."""

from dataclasses import dataclass
from typing import Any

from ingest.errors import BodyTooLarge, MalformedBody, TooManyItems

_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))


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


def may_nest_deeper(lines: bytes, limit: int) -> bool:
    """Whether a line of JSON might nest deeper than `limit`.

    It is asked of many lines, some of which may be no JSON, and says yes where any string holds a
    bracket: whoever chooses strings could have their brackets close what is open outside of them.
    """
    structure = _structure(lines)
    return b'"' in structure or _nests(structure, limit)


def nests_deeper(body: bytes, limit: int) -> bool:
    """Whether JSON, which has been parsed, nests deeper than `limit`.

    Values need not be looked at for it: there are millions of them in the largest body.
    """
    return _nests(b"".join(_structure(body).split(b'"')[::2]), limit)


def _structure(body: bytes) -> bytes:
    """The brackets of JSON, all of one kind, and between quotes those that stand in strings.

    Most strings hold no bracket. Two that touch may become one: both are left out.
    """
    if b"\\" in body:  # few have any, and to look for one byte is much cheaper than for two
        body = body.replace(rb"\\", b"").replace(rb"\"", b"")
    return body.translate(_ONE_KIND, _NOT_STRUCTURE).replace(b'""', b"")


def _nests(brackets: bytes, limit: int) -> bool:
    """Whether brackets nest deeper than `limit`.

    Removing every innermost pair lowers the depth by one, and all of it runs at the speed of C.
    """
    for _ in range(limit):
        inner = brackets.replace(b"[]", b"")
        if len(inner) == len(brackets):
            break  # nothing is left, or only what no JSON has
        brackets = inner
    return bool(brackets)


def too_deep(items: list[Any], limit: int) -> str | None:
    """The path of the first place that nests deeper than `limit`; `items` is level 1.

    It runs on the event loop and a body may have millions of values: only those that have some
    inside are kept, level by level, and a path is made of one place alone.
    """
    levels: list[list[Any]] = [[items]]
    while level := levels[-1]:
        if len(levels) > limit:
            return _path(levels)[:200]
        last = len(levels) == limit
        levels.append(
            [
                each
                for held in level
                for each in (held.values() if type(held) is dict else held)
                if (type(each) is dict or type(each) is list) and (each or last)
            ]
        )
    return None


def _path(levels: list[list[Any]]) -> str:
    """Where the first value of the last level is."""
    found = levels[-1][0]
    names: list[str] = []
    for level in levels[-2::-1]:
        found, name = _holder(level, found)
        names.append(name)
    return ".".join(reversed(names))


def _holder(level: list[Any], value: Any) -> tuple[Any, str]:
    """What holds `value`, and its name there."""
    for held in level:
        for name, each in held.items() if type(held) is dict else enumerate(held):
            if each is value:
                return held, str(name)
    raise AssertionError("each value of a level stands in one of the level above")


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
