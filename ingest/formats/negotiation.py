"""Which format a response has: the path's extension, else `Accept` (RFC 9110, 12.5.1)."""

import re
from collections.abc import Mapping
from functools import lru_cache

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
EXTENSIONS: Mapping[str, str] = {
    "json": JSON,
    "ndjson": NDJSON,
    "csv": CSV,
    "xml": XML,
    "yaml": YAML,
}

_Q = re.compile(r"q\s*=\s*([01](?:\.[0-9]{0,3})?)", re.IGNORECASE)


@lru_cache(maxsize=256)  # a client sends the same one again and again
def choose(accept: str | None, available: tuple[str, ...] = RESPONSES) -> str | None:
    """The best media type of `available` for an `Accept` header; None where it admits none.

    The most specific range that names a type gives its quality; the first listed wins a tie.
    """
    if accept is None or not accept.strip():
        return available[0]
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    rated = [(_quality(media_type, ranges), media_type) for media_type in available]
    best = max(rated, key=lambda each: each[0])
    return best[1] if best[0] > 0 else None


def _range(part: str) -> tuple[str, float]:
    name, *parameters = part.split(";")
    quality = 1.0
    for parameter in parameters:
        match = _Q.fullmatch(parameter.strip())
        if match:
            quality = float(match[1])
    return name.strip().lower(), quality


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> float:
    kind = media_type.partition("/")[0]
    for name in (media_type, f"{kind}/*", "*/*"):
        found = [quality for each, quality in ranges if each == name]
        if found:
            return max(found)
    return 0.0
