"""YAML files: one document, read as a whole, sent as JSON."""

from collections.abc import Iterable

from ingest.exactjson import dump_exact
from ingest.formats import yaml
from ingest.formats.limits import Limits
from ingest.formats.negotiation import JSON
from ingest.load.feed import MAX_ROW, Feed, FileError, Row

# The service's own limit of nesting is lower, and its message says so.
_LIMITS = Limits(max_item=MAX_ROW, max_items=1_000_000, max_nesting=1000)


def read_yaml(chunks: Iterable[bytes]) -> Feed:
    """The items of a YAML file of at most 16 MiB.

    Raises:
        FileError: it is larger.
        RequestError: it is not valid YAML; the place is named.
    """
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_ROW:
            raise FileError(
                f"a YAML file of more than {MAX_ROW} bytes is not read; convert it to NDJSON"
            )
    rows = (Row(None, dump_exact(item)) for item in yaml.decode(bytes(body), _LIMITS))
    return Feed(JSON, rows, head=b"[", separator=b",", tail=b"]")
