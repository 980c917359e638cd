"""Limits of bodies of every format, and the errors of bodies and items that are not read."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from ingest.errors import BAD_FORMAT, BodyTooLarge, MalformedBody, TooManyItems
from ingest.model import ItemError, Unreadable

BEYOND = Decimal("1.8e308")
"""Numbers from here on are in no double, and so in no JSON that is read."""
_MAX_EXCERPT = 10_000  # characters


def _go_on() -> None:
    """There is no reason to end the work."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a body may be."""

    max_item: int
    """The most bytes of one line of NDJSON or one row of CSV: what a whole JSON body may have."""
    max_items: int
    """The most items of a body that is decoded as a whole; NDJSON and CSV have any number."""
    max_nesting: int
    """How deep arrays and objects may nest, the outermost array included."""
    max_values: int = 1_000_000
    """The most values (of all items together) of an XML or YAML body, which is slow to read, and
    the most arrays and objects of a JSON body, which take much more memory than they are long."""
    check: Callable[[], None] = _go_on
    """Called now and then while a body is read, also from a thread; what it raises ends the work,
    such as MalformedBody where the client has gone."""


def no_body() -> MalformedBody:
    """Of every format: there are no bytes, or only white space, byte order marks and comments."""
    return MalformedBody(
        "The request has no body",
        "There is nothing in it, or nothing but white space and comments. Send a collection of "
        "items; an empty one (`[]`, `<items/>`, a CSV header alone) saves nothing.",
    )


def too_many_items(limit: int) -> TooManyItems:
    return TooManyItems(
        f"The body has more than {limit} items, the most of one request",
        "Send the items in several requests, or as NDJSON or CSV, of which any number is read.",
    )


def too_many_values(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body has more than {limit} values, the most of one in this format",
        "Send the items in several requests, or as JSON, NDJSON or CSV.",
    )


def item_too_large(limit: int, line: int, kind: str) -> BodyTooLarge:
    return BodyTooLarge(
        f"A {kind} of the body is larger than {limit} bytes",
        f"It begins on line {line}. No item of any format may be larger than that.",
    )


def unreadable(raw: str | list[str], message: str, description: str) -> Unreadable:
    """What stands in the place of an item that cannot be read; of a long text, its beginning."""
    if isinstance(raw, str) and len(raw) > _MAX_EXCERPT:
        raw = raw[:_MAX_EXCERPT] + "…"
    return Unreadable(raw, [ItemError(BAD_FORMAT, message, description=description)])
