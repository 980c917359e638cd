"""Documents that are sent compressed to those who take that: compressed once, and not each time."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Encoded:
    """A document, and the same in gzip."""

    tag: str
    """What tells its versions apart."""
    body: bytes
    compressed: bytes


def encode(body: bytes) -> Encoded:
    tag = hashlib.blake2b(body, digest_size=16).hexdigest()
    return Encoded(tag, body, gzip.compress(body, mtime=0))


encoded = lru_cache(maxsize=64)(encode)
"""The same of what changes with the client's address of the service: only a few are kept."""


def takes_gzip(request: web.Request) -> bool:
    """Whether the client takes gzip."""
    for each in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() == "gzip":
            return weight.strip().rstrip("0.") != "q="
    return False
