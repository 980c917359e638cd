"""Bodies of items in each media type that is read, with examples as they are sent."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from ingest.describe.components import Object
from ingest.exactjson import dump_exact
from ingest.formats.negotiation import CSV, JSON, NDJSON, REQUESTS, XML, YAML, from_json

_TEXT = {"type": "string"}
_NOTES = {
    NDJSON: "One item a line; any number of items.",
    CSV: "A header, then one item a row; any number of items.",
    XML: "An element for each item, with an element for each field.",
}


def items_body(
    item: Mapping[str, Any], alone: Mapping[str, Any], example: Any, *, maximum: int
) -> Object:
    """The request body of a write to a collection.

    Args:
        item: the schema of one item.
        alone: the same of one that is no element of an array.
        example: one item; None where there is none.
        maximum: the most items of the formats that are read whole.
    """
    several = {"type": "array", "items": item, "maxItems": maximum}
    return {
        "description": f"A collection of items, at most {maximum:,} (NDJSON and CSV: any number).",
        "required": True,
        "content": {
            media_type: _media(media_type, {"anyOf": [several, alone]}, example)
            for media_type in REQUESTS
        },
    }


def item_body(item: Mapping[str, Any], example: Any, media_types: Sequence[str]) -> Object:
    """The request body of a write to one item. Args: `example` is None where there is none."""
    return {
        "description": "One item.",
        "required": True,
        "content": {
            media_type: {"schema": item}
            | ({} if example is None else {"example": written([example], media_type, alone=True)})
            for media_type in media_types
        },
    }


def _media(media_type: str, schema: Object, example: Any) -> Object:
    media: Object = {"schema": schema if media_type in (JSON, YAML) else {**_TEXT}}
    if media_type in _NOTES:
        media["schema"]["description"] = _NOTES[media_type]
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
