"""The same items in every format that the service takes."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import yaml

from ingest.formats import negotiation, xml

_TAGS = 3
"""The most that an item has."""


def body_of(media_type: str, items: Sequence[str]) -> bytes:
    """Items, each a JSON object, as one body."""
    match media_type:
        case negotiation.JSON:
            return f"[{','.join(items)}]".encode()
        case negotiation.NDJSON:
            return "".join(f"{item}\n" for item in items).encode()
        case negotiation.CSV:
            return _table([json.loads(item) for item in items])
    values = [json.loads(item) for item in items]
    if media_type == negotiation.XML:
        return xml.encode(values)
    return yaml.dump(values, Dumper=yaml.CSafeDumper, encoding="utf-8", sort_keys=False)


def _table(items: list[dict[str, Any]]) -> bytes:
    names = [name for name in items[0] if name != "tags"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*names, *(f"tags.{number}" for number in range(_TAGS))])
    for item in items:
        tags = item["tags"] + [""] * (_TAGS - len(item["tags"]))
        writer.writerow([*(item[name] for name in names), *tags])
    return text.getvalue().encode()
