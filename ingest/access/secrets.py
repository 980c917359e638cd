"""What a token looks like, and the digest that is all the service keeps of it."""

import hashlib
import re
import secrets

PREFIX = "ingest_"
_RANDOM_BYTES = 32
_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


def make_token() -> str:
    """A new token of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def is_token(text: str) -> bool:
    """Whether a text has the form of a token: what has not needs no look-up."""
    return _TOKEN.fullmatch(text) is not None


def digest_of(token: str) -> bytes:
    """SHA-256 of a token. Its 256 random bits need no slower hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
