"""YAML files: one document, read as a whole, sent as JSON."""

from collections.abc import Iterable

from ingest.errors import RequestError
from ingest.exactjson import dump_exact
from ingest.formats import yaml
from ingest.formats.limits import MAX_VALUES, Limits
from ingest.formats.negotiation import JSON
from ingest.load.feed import MAX_ROW, Feed, LoadError, Row
from ingest.load.source import file_error

_MAX_NESTING = 1000  # the service's own limit is lower, and it says so


def read_yaml(chunks: Iterable[bytes], name: str) -> Feed:
    """The items of a YAML file of at most 16 MiB.

    Raises:
        LoadError: larger, or not valid YAML; the place is named.
    """
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_ROW:
            raise LoadError(
                f"{name}: a YAML file of more than {MAX_ROW} bytes is not read; convert it to "
                "NDJSON"
            )
    limits = Limits(max_item=MAX_ROW, max_items=MAX_VALUES, max_nesting=_MAX_NESTING)
    try:
        items = yaml.decode(bytes(body), limits)
    except RequestError as error:
        raise file_error(name, error) from None
    rows = (Row(None, dump_exact(item)) for item in items)
    return Feed(JSON, rows, head=b"[", separator=b",", tail=b"]")
