"""Bodies of items in each media type that is read, with examples as they are sent."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from ingest.describe.components import Object
from ingest.exactjson import dump_exact
from ingest.formats.negotiation import (
    CSV,
    JSON,
    NDJSON,
    REQUESTS,
    RESPONSES,
    XML,
    from_json,
)
from ingest.formats.xml import encode_item

_NOTES = {
    NDJSON: "One item a line; any number of items.",
    CSV: "A header, then one item a row; any number of items. The media type may have `charset` and"
    " `header=absent`.",
    XML: "An element for each item, with an element for each field. The media type may have"
    " `charset`.",
}


def items_body(
    several: Mapping[str, Any], item: Mapping[str, Any], alone: Mapping[str, Any], example: Any
) -> Object:
    """The request body of a write to a collection.

    Args:
        several: the schema of the collection of items, or of one alone.
        item: that of one item.
        alone: the same of one that is no element of an array, nor bare in CSV.
        example: one item; None where there is none.
    """
    streamed: Mapping[str, Object] = {
        NDJSON: {"type": "array", "items": {**item}},
        CSV: {"type": "array", "items": {**alone}},
    }
    return {
        "description": "A collection of items, or one item.",
        "required": True,
        "content": {
            media_type: _media(media_type, streamed.get(media_type, {**several}), example)
            for media_type in REQUESTS
        },
    }


def item_body(item: Mapping[str, Any], example: Any) -> Object:
    """The request body of a write to one item. Args: `example` is None where there is none."""
    return {
        "description": "One item.",
        "required": True,
        "content": {
            media_type: {"schema": {**item}}
            | ({} if example is None else {"example": written([example], media_type, alone=True)})
            for media_type in RESPONSES
        },
    }


def _media(media_type: str, schema: Object, example: Any) -> Object:
    note = {"description": _NOTES[media_type]} if media_type in _NOTES else {}
    media: Object = {"schema": schema | note}
    if example is not None:
        media["example"] = written([example], media_type)
    return media


def written(items: Sequence[Any], media_type: str, *, alone: bool = False) -> Any:
    """Items as a body: of JSON the value, of the others the text."""
    body: Any = items[0] if alone else list(items)
    if media_type == JSON:
        return body
    if media_type == NDJSON:
        return "".join(f"{dump_exact(item).decode()}\n" for item in items)
    if media_type == CSV:
        return _csv(items)
    if media_type == XML and alone:
        return encode_item(items[0]).decode()
    return from_json(dump_exact(body), media_type).decode()


def _csv(items: Sequence[Any]) -> str:
    """Rows under the names of the first item; lists and objects are JSON in their cells."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(items[0])
    writer.writerows([_cell(value) for value in item.values()] for item in items)
    return text.getvalue()


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else dump_exact(value).decode()
