"""Failed rows as JSON, in a body that holds them: what was sent is read again in their place.

The service writes `{"index", "rawData", "errors"}` (`/failures` as JSON and NDJSON), `ingest load`
`{"index", "line", "item", "errors"}`, with `text` in place of `item` for a line that is no JSON. A
corrected row is an item; one that nobody changed fails again as it did.
"""

from collections.abc import Mapping
from typing import Any

from ingest.errors import BAD_FORMAT, MalformedBody
from ingest.exactjson import dump_exact
from ingest.formats import json
from ingest.formats.limits import unreadable

ITEM, TEXT, RAW = "item", "text", "rawData"
_MEMBERS = frozenset({"index", "line", "errors", ITEM, TEXT, RAW})
_NO_TEXT = "\ufffd"  # stands in a text for bytes that are none
_MAX_MESSAGE = 300
_UNCHANGED = "This line could not be read, and is unchanged."


def is_failed_row(row: Any) -> bool:
    """Whether a JSON value is a failed row, and no item that has some of its members."""
    return (
        isinstance(row, dict)
        and row.keys() <= _MEMBERS
        and "index" in row
        and isinstance(row.get("errors"), list)
        and len(row.keys() & {ITEM, TEXT, RAW}) == 1
    )


def is_document(body: Any) -> bool:
    """Whether a JSON value is what `/failures` answers: failed rows in a document."""
    return (
        isinstance(body, dict)
        and "metadata" in body
        and "result" in body
        and isinstance(body.get("failures"), list)
        and all(map(is_failed_row, body["failures"]))
    )


def unread_text(row: Mapping[str, Any]) -> str | None:
    """The text of a failed row that could not be read; None where something could."""
    text = row.get(TEXT, row.get(RAW) if _could_not_be_read(row) else None)
    return text if isinstance(text, str) else None


def as_sent(row: Mapping[str, Any], place: str, max_nesting: int) -> Any:
    """The item that a failed row holds, or as unreadable as before what could not be read.

    Args:
        place: where the row is, as a sentence.
        max_nesting: of an item.
    """
    text = unread_text(row)
    if text is None:
        return unreadable(row[RAW], _message(row), place) if _is_row(row) else _received(row)
    try:
        if _NO_TEXT not in text:
            return json.value_of(text, max_nesting)
    except (ValueError, MalformedBody):
        pass  # as before
    return unreadable(text, _message(row), place)


def opened_in_text(row: Any) -> int:
    """How many arrays and objects begin in the text of a failed row that could not be read."""
    text = unread_text(row) if is_failed_row(row) else None
    return 0 if text is None else text.count("[") + text.count("{")


def as_line(row: Mapping[str, Any]) -> bytes | None:
    """As `as_sent`, in bytes that are to be read; None where only the row itself can say it."""
    text = unread_text(row)
    if text is not None:
        return b"\xff".join(part.encode() for part in " ".join(text.split("\n")).split(_NO_TEXT))
    return None if _is_row(row) else dump_exact(_received(row))


def _received(row: Mapping[str, Any]) -> Any:
    """What a failed row is about, as it stands there."""
    return next(row[name] for name in (ITEM, RAW, TEXT) if name in row)


def _is_row(row: Mapping[str, Any]) -> bool:
    """Whether it is a row of CSV of too many or too few cells."""
    return isinstance(row.get(RAW), list) and _could_not_be_read(row)


def _could_not_be_read(row: Mapping[str, Any]) -> bool:
    """Whether the error is that there was no item; one of a bare key has a field."""
    found = [error for error in row["errors"] if isinstance(error, dict)]
    return [each.get("code") for each in found] == [BAD_FORMAT.code] and "field" not in found[0]


def _message(row: Mapping[str, Any]) -> str:
    said = [error.get("message") for error in row["errors"] if isinstance(error, dict)]
    return str(said[0])[:_MAX_MESSAGE] if said and said[0] else _UNCHANGED
