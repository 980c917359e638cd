"""Media types: what is said of a body, which one a response has by `Accept` (RFC 9110, 12.5.1),
and documents in it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ingest.exactjson import load_exact
from ingest.formats import xml, yaml

JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
XML = "application/xml"
YAML = "application/yaml"

REQUESTS = (JSON, NDJSON, CSV, XML, YAML)
"""What bodies of requests may be."""
STREAMS = frozenset({NDJSON, CSV})
"""Those of any number of items, which are decoded while they arrive."""
RESPONSES = (JSON, XML, YAML)
"""What every response may be."""
EXTENSIONS = {"json": JSON, "ndjson": NDJSON, "csv": CSV, "xml": XML, "yaml": YAML}

_ENCODERS: Mapping[str, Callable[[Any], bytes]] = {XML: xml.encode, YAML: yaml.encode}
_Q = re.compile(r"q\s*=\s*([01](?:\.[0-9]{0,3})?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BodyFormat:
    """What a request says about the format of its body."""

    media_type: str
    charset: str | None = None
    """As `charsets.check_charset` gives it, of CSV and XML only; None for what the body says."""
    delimiter: str | None = None
    """Of CSV; None where the header decides."""
    empty_as_null: bool = False
    """Of CSV: whether an empty cell is null; else the item has no such field."""


@lru_cache(maxsize=256)  # a client sends the same one again and again
def choose(accept: str | None, available: tuple[str, ...] = RESPONSES) -> str | None:
    """The best media type of `available` for an `Accept` header; None where it admits none.

    The most specific range that names a type gives its quality; the first listed wins a tie.
    """
    if accept is None or not accept.strip():
        return available[0]
    ranges: dict[str, float] = {}
    for part in accept.split(","):
        name, quality = _range(part)
        ranges[name] = max(quality, ranges.get(name, 0.0))
    rated = [(_quality(media_type, ranges), media_type) for media_type in available]
    best = max(rated, key=lambda each: each[0])
    return best[1] if best[0] > 0 else None


def from_json(document: bytes, media_type: str) -> bytes:
    """A JSON document in another format.

    Args:
        media_type: one of `RESPONSES`.
    """
    encode = _ENCODERS.get(media_type)
    return document if encode is None else encode(load_exact(document))


def _range(part: str) -> tuple[str, float]:
    name, *parameters = part.split(";")
    quality = 1.0
    for parameter in parameters:
        match = _Q.fullmatch(parameter.strip())
        if match:
            quality = float(match[1])
    return name.strip().lower(), quality


def _quality(media_type: str, ranges: Mapping[str, float]) -> float:
    names = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return next((ranges[name] for name in names if name in ranges), 0.0)
