"""Media types: what is said of a body, and documents in those of a response."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ingest.exactjson import load_exact
from ingest.formats import xml, yaml
from ingest.formats.csv_notation import Notation

JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
XML = "application/xml"
YAML = "application/yaml"
EVENT_STREAM = "text/event-stream"

REQUESTS = (JSON, NDJSON, CSV, XML, YAML)
"""What bodies of requests may be."""
STREAMS = frozenset({NDJSON, CSV})
"""Those of any number of items, which are decoded while they arrive."""
RESPONSES = (JSON, XML, YAML)
"""What every response may be."""
FAILURES = (JSON, NDJSON, CSV)
"""What lists of failures may be."""
EXTENSIONS = {"json": JSON, "ndjson": NDJSON, "csv": CSV, "xml": XML, "yaml": YAML}

_ENCODERS: Mapping[str, Callable[[Any], bytes]] = {XML: xml.encode, YAML: yaml.encode}


class EmptyAs(StrEnum):
    """What is made of something empty."""

    ABSENT = "absent"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class BodyFormat:
    """What a request says about the format of its body."""

    media_type: str
    charset: str | None = None
    """As `charsets.check_charset` gives it, of CSV and XML only; None for what the body says."""
    delimiter: str | None = None
    """Of CSV; None where the header decides."""
    empty_as: EmptyAs | None = None
    """What is an empty cell of CSV, which is absent where it is not said, and an empty element of
    XML in the place of what is no text, which is an empty text there."""
    has_header: bool = True
    """Of CSV: whether its first line names the columns."""
    columns: tuple[str, ...] = ()
    """Of CSV without such a line: their names; empty for what the schema loads, in its order."""
    pads_short_rows: bool = False
    """Of CSV: whether a row of too few cells has empty ones in their place; else it fails."""
    notation: Notation | None = None
    """Of CSV: how numbers, dates and nulls are written; None for as the schema reads them."""
    items: tuple[str, ...] = ()
    """Of XML: the names of the elements on the way to an item, from the document's own to the
    item's; empty where items are the elements of the document's."""


def from_json(document: bytes, media_type: str) -> bytes:
    """A JSON document in another format.

    Args:
        media_type: one of `RESPONSES`.
    """
    encode = _ENCODERS.get(media_type)
    return document if encode is None else encode(load_exact(document))
