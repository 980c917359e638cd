"""Lone surrogates of a declaration, which no JSON document in UTF-8 can hold."""

import re
from typing import Any

from ingest.errors import encodable

_SURROGATE = re.compile("[\ud800-\udfff]")


def without_surrogates(schema: dict[str, Any]) -> dict[str, Any]:
    """The same JSON Schema in UTF-8.

    A choice with a surrogate is left out, as no request can carry it. A pattern has an escape in
    its place, words a question mark.
    """
    found = {encodable(name): _member(name, each) for name, each in schema.items()}
    return {"not": {}} if schema.get("enum") and not found["enum"] else found


def _member(name: str, value: Any) -> Any:
    if name == "enum" and isinstance(value, list):
        return [each for each in value if _part(each) == each]
    if name == "pattern" and isinstance(value, str):
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
    return _part(value)


def _part(value: Any) -> Any:
    if isinstance(value, dict):
        return without_surrogates(value)
    if isinstance(value, list):
        return [_part(each) for each in value]
    return encodable(value) if isinstance(value, str) else value
