"""Documents as bytes, in the formats of responses."""

from collections.abc import Callable, Mapping
from typing import Any

from ingest.exactjson import load_exact
from ingest.formats import xml_writer, yaml
from ingest.formats.negotiation import XML, YAML

_ENCODERS: Mapping[str, Callable[[Any], bytes]] = {XML: xml_writer.encode, YAML: yaml.encode}


def from_json(document: bytes, media_type: str) -> bytes:
    """A JSON document in another format.

    Args:
        document: JSON, some of which may come from the database as it is.
        media_type: one of `negotiation.RESPONSES`.
    """
    encode = _ENCODERS.get(media_type)
    return document if encode is None else encode(load_exact(document))
