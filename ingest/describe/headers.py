"""The headers of answers, and those of requests that are not of HTTP itself."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ingest.describe.components import Components, Object, reference

_TEXT = {"type": "string"}
_SECONDS = {"type": "integer", "minimum": 0}


def _header(description: str, schema: Mapping[str, Any], example: Any, **more: Any) -> Object:
    return {"description": description, "schema": {**schema}, "example": example, **more}


ANSWERS: Mapping[str, Object] = MappingProxyType(
    {
        "X-Trace-Id": _header(
            "The trace id of the request, taken from `traceparent` where that is sent.",
            {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "4bf92f3577b34da6a3ce929d0e0e4736",
            required=True,
        ),
        "Location": _header(
            "The path of the batch.", _TEXT, "/v1/batches/01933b2e-7c00-7000-8000-0000000000ba"
        ),
        "Retry-After": _header("Seconds after which to try again.", _SECONDS, 1),
        "Preference-Applied": _header(
            "The preferences of `Prefer` that were applied.", _TEXT, "return=minimal"
        ),
        "Idempotency-Replayed": _header(
            "Whether this is about an earlier request with the same Idempotency-Key.",
            {"const": "true"},
            "true",
        ),
        "WWW-Authenticate": _header("What the credentials lack.", _TEXT, "Bearer"),
        "Allow": _header("The methods that the path has.", _TEXT, "GET, HEAD", required=True),
        "Link": _header(
            "Links of RFC 8288: the next page of a list (`next`), the collection's JSON Schema"
            " (`describedby`), this document (`service-desc`).",
            _TEXT,
            '</openapi.json>; rel="service-desc"',
        ),
        "ETag": _header("The version of the document.", _TEXT, '"5b3f"'),
        "RateLimit": _header("What is left of each rate limit.", _TEXT, '"token";r=49000;t=1'),
        "RateLimit-Policy": _header("The rate limits.", _TEXT, '"token";q=50000;w=1'),
        "Vary": _header("What else an answer depends on.", _TEXT, "Accept, Authorization"),
    }
)
"""By name; a component each."""


def add_headers(components: Components) -> None:
    for name, header in ANSWERS.items():
        components.add("headers", name, value=header)


def headers(*names: str) -> Object:
    """Those that an answer may have."""
    return {name: reference("headers", name) for name in names}


def of_status(status: int, *, rated: bool, writes: bool) -> tuple[str, ...]:
    """The names of the headers that an answer of the API may have.

    Args:
        rated: whether a rate limit is set.
        writes: whether it is the answer to a write.
    """
    names = ["X-Trace-Id", *_OF_STATUS.get(status, ())]
    if status < 300:
        names += ["Vary", "Link"]
    if writes and status < 500:
        names += ["Preference-Applied", "Idempotency-Replayed"]
    if rated and (writes or status == 429):
        names += ["RateLimit", "RateLimit-Policy"]
    return tuple(dict.fromkeys(names))


_OF_STATUS = {
    202: ("Location",),
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    405: ("Allow",),
    409: ("Location", "Idempotency-Replayed", "Retry-After"),
    412: ("Location",),
    429: ("Retry-After",),
    503: ("Retry-After", "Location"),
}
