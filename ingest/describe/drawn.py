"""Values that a JSON Schema admits, always the same for the same schema."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ingest.describe.components import Object
from ingest.describe.notes import NOTES

_FORMATS = {
    "email": "ann@example.com",
    "idn-email": "ann@example.com",
    "uri": "https://example.com/",
    "uuid": "01933b2e-7c00-7000-8000-0000000000aa",
    "date": "2026-11-24",
    "time": "12:30:00",
    "date-time": "2026-11-24T12:30:00+00:00",
    "duration": "PT1H",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}
_TEXTS = (
    "example",
    "EXA",
    "EXAM",
    "EX",
    "E",
    "12345",
    "12",
    "1",
    "12.50",
    "+1 555 0100",
)
_WHOLE = 3  # how deep objects have all of their members; in deeper ones are the required alone
_MAX_DEPTH = 6  # how deep values are drawn that need not be there
_DEEPEST = 12  # what must nest deeper than this never ends
_NULL = {"type": "null"}
_CLOSE = 1e-9  # how far above an exclusive minimum is far enough for what takes fractions


def draw(schema: Any, defined: Mapping[str, Any] | None = None, depth: int = 0) -> Any:
    """A value that the schema admits, as far as its keywords are known here.

    Args:
        defined: what `#/$defs/…` refers to.
        depth: how deep the value is in another one.
    """
    if not isinstance(schema, Mapping):
        return "example"
    defined = schema.get("$defs", {}) if defined is None else defined
    if "$ref" in schema:
        return draw(defined.get(schema["$ref"].rpartition("/")[2]), defined, depth)
    for keyword in ("examples", "enum"):
        if schema.get(keyword):
            return next((each for each in schema[keyword] if each is not None), None)
    # Where a hook prepares what is sent, the rules that hold then are all that is known.
    prepared = schema.get(NOTES, {}).get("prepared")
    if prepared is not None:
        return draw(prepared, defined, depth)
    if "const" in schema:
        return schema["const"]
    for keyword in ("anyOf", "oneOf", "allOf"):
        if schema.get(keyword):
            rest = {name: each for name, each in schema.items() if name != keyword}
            if keyword != "allOf" and depth >= _MAX_DEPTH and _NULL in schema[keyword]:
                return None
            chosen = schema[keyword] if keyword == "allOf" else schema[keyword][:1]
            return draw(_merged(rest, *chosen), defined, depth)
    return _of_type(schema, defined, depth)


def _merged(*schemas: Any) -> Object:
    return {name: each for part in schemas if isinstance(part, dict) for name, each in part.items()}


def _of_type(schema: Mapping[str, Any], defined: Mapping[str, Any], depth: int) -> Any:
    named = schema.get("type", "object" if "properties" in schema else "string")
    kinds = [named] if isinstance(named, str) else [each for each in named if each != "null"]
    kind = kinds[0] if kinds else "null"
    if kind == "array":
        return _array(schema, defined, depth)
    if kind == "object":
        return _object(schema, defined, depth)
    simple: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
        "string": _text,
        "integer": _integer,
        "number": _number,
    }
    return simple[kind](schema) if kind in simple else {"boolean": True}.get(kind)


def _text(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minLength", 0), schema.get("maxLength", 1_000)
    candidates = (_FORMATS.get(schema.get("format", ""), _TEXTS[0]), *_TEXTS, *_FORMATS.values())
    for text in candidates:
        if low <= len(text) <= high and re.search(schema.get("pattern", ""), text):
            return text
    return _TEXTS[0].ljust(low, "e")[:high]


def _integer(schema: Mapping[str, Any]) -> int:
    step = int(schema.get("multipleOf", 1)) or 1
    low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    high = schema.get("maximum", schema.get("exclusiveMaximum", 2**53) - 1)
    wanted = int(min(max(low, 1), high))
    return -(-wanted // step) * step


def _number(schema: Mapping[str, Any]) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + _CLOSE)
    high = schema.get("maximum", schema.get("exclusiveMaximum", 2**53) - _CLOSE)
    return float(min(max(low, 1.5), high))


def _array(schema: Mapping[str, Any], defined: Mapping[str, Any], depth: int) -> list[Any]:
    prefix = [draw(each, defined, depth + 1) for each in schema.get("prefixItems", ())]
    if prefix or depth >= _MAX_DEPTH:
        return prefix
    return [draw(schema.get("items", {}), defined, depth + 1)] * max(1, schema.get("minItems", 1))


def _object(schema: Mapping[str, Any], defined: Mapping[str, Any], depth: int) -> Object:
    known = schema.get("properties", {})
    names = schema.get("required", ()) if depth >= _WHOLE else known
    if depth >= _DEEPEST:
        return {}
    return {name: draw(known[name], defined, depth + 1) for name in names if name in known}
