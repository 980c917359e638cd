"""Server-sent events (WHATWG HTML, 9.2)."""

from typing import Any

from ingest.exactjson import dump_exact

SIGN_OF_LIFE = b": waiting\n\n"
"""A comment, which readers leave out."""


def event(kind: str, document: Any) -> bytes:
    """One event with a JSON document; its id is its kind, so that a reader can say what it had."""
    name = kind.encode()
    return b"event: %b\nid: %b\ndata: %b\n\n" % (name, name, dump_exact(document))
