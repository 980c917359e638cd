"""Parameters of requests: in paths, queries and headers."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ingest.describe.components import Components, Object, reference
from ingest.errors import encodable
from ingest.resources.columns import ColumnType
from ingest.resources.layout import StoredField
from ingest.resources.lists import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, MAX_VALUES, filterable
from ingest.resources.resource import META, Resource
from ingest.resources.url_values import shown_choices

_SCALARS: Mapping[ColumnType, Object] = MappingProxyType(
    {
        ColumnType.BIGINT: {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
        ColumnType.BOOLEAN: {"type": "boolean"},
        ColumnType.DOUBLE: {"type": "number"},
        ColumnType.NUMERIC: {"type": "number"},
        ColumnType.UUID: {"type": "string", "format": "uuid"},
        ColumnType.TIMESTAMPTZ: {"type": "string", "format": "date-time"},
        ColumnType.TIMESTAMP: {"type": "string", "minLength": 1},
        ColumnType.TIME: {"type": "string", "minLength": 1},
        ColumnType.INET: {"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}], "type": "string"},
        ColumnType.DATE: {"type": "string", "format": "date"},
    }
)
"""How values are written in URLs, where OpenAPI has a word for it."""

_TEXT = {"type": "string"}
_KEYS = {"type": "string", "minLength": 1, "maxLength": 255}


def _query(name: str, description: str, schema: Mapping[str, Any], **more: Any) -> Object:
    return {"name": name, "in": "query", "description": description, "schema": {**schema}, **more}


_WORD = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PREFERENCE = rf'[ \t]*(?:{_WORD}(?:=(?:{_WORD}|"[^"\\]*"))?(?:;[^,"]*)?)?[ \t]*'
_PREFERENCES = f"^{_PREFERENCE}(?:,{_PREFERENCE})*$"
"""The grammar of `Prefer`; preferences that are not known are ignored."""

_SHARED: Mapping[str, Object] = MappingProxyType(
    {
        "limit": _query(
            "limit",
            "The most items or batches of a page.",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        ),
        "offset": _query(
            "offset",
            "How many to pass over.",
            {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0},
        ),
        "dryRun": _query(
            "dryRun",
            "Check everything, the database's constraints included, and save nothing.",
            {"type": "boolean", "default": False},
        ),
        "idempotencyKey": _query(
            "idempotencyKey",
            "Only the batch that this Idempotency-Key was used for.",
            _KEYS | {"pattern": r"^[\x21-\x7e]{1,255}$"},
        ),
        "Idempotency-Key": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Makes the write safe to repeat: 1 to 255 visible ASCII characters,"
            " quoted or bare.",
            "schema": _KEYS | {"pattern": r"^[\x21-\x7e]{1,255}$"},
        },
        "Prefer": {
            "name": "Prefer",
            "in": "header",
            "description": "RFC 7240: `handling=strict|lenient`, `respond-async`, `wait=SECONDS`,"
            " `return=minimal|representation`, `replay=return`, `repair=keep`, and of POST"
            " `resolution=merge-duplicates|ignore-duplicates|replace`. Others are ignored.",
            "schema": {"type": "string", "pattern": _PREFERENCES},
            "examples": {
                each.partition("=")[0]: {"value": each}
                for each in ("handling=lenient", "respond-async", "return=minimal")
            },
        },
        "batch": {
            "name": "batch",
            "in": "path",
            "description": "The id of a batch: `metadata.batchId` of the answer to a write.",
            "required": True,
            "schema": {"type": "string", "format": "uuid"},
        },
        "extension": {
            "name": "extension",
            "in": "path",
            "description": "The format of the answer.",
            "required": True,
            "schema": {"enum": ["json", "xml", "yaml"]},
        },
    }
)
"""Those that are the same for every collection; a component each."""


def add_parameters(components: Components) -> None:
    for name, parameter in _SHARED.items():
        components.add("parameters", name, parameter)


def shared(*names: str) -> list[Object]:
    return [reference("parameters", name) for name in names]


def key_in_path(resource: Resource) -> Object:
    return {
        "name": "key",
        "in": "path",
        "description": f"The {resource.key.data_key} of an item.",
        "required": True,
        "schema": _in_path(resource.key),
    }


def of_list(resource: Resource) -> list[Object]:
    """What a list takes: its page, what is shown, and a filter for each scalar field."""
    after = _query(
        "after",
        "Go on behind this key: `metadata.next` of the page before.",
        _value(resource.key),
    )
    return [*shared("limit", "offset"), after, select(resource), *_filters(resource)]


def _filters(resource: Resource) -> Iterator[Object]:
    for name, field in filterable(resource).items():
        yield _query(
            name,
            f"Only items whose {name} is one of these values.",
            {"type": "array", "items": _value(field), "minItems": 1, "maxItems": MAX_VALUES},
            style="form",
            explode=True,
        )


def select(resource: Resource) -> Object:
    names = [META, *(field.data_key for field in resource.fields if field.shown)]
    names += resource.summaries
    return _query(
        "select",
        "What answers show of items besides or, after a hyphen, without: names with commas between"
        f" them, of {', '.join(dict.fromkeys(names))}.",
        {"type": "array", "items": {"enum": _selectable(names)}},
        style="form",
        explode=False,
    )


def _selectable(names: Sequence[str]) -> list[str]:
    """Names as `select` takes them: added, and left out."""
    written = [f'"{name}"' if "," in name or name != name.strip() else name for name in names]
    known = list(dict.fromkeys(written))
    return [*known, *(f"-{name}" for name in known)]


def matching(resource: Resource) -> Object:
    names = [field.data_key for field in resource.fields if resource.may_match(field)]
    known = dict.fromkeys([resource.key.data_key, *names])
    return _query(
        "matching",
        "The field that finds the stored item, in place of the key.",
        {"enum": [*known], "default": resource.key.data_key},
    )


def _value(field: StoredField) -> Object:
    """A value in a URL."""
    choices = [each for each in shown_choices(field.field) if encodable(each) == each]
    return {"enum": choices} if choices else {**_SCALARS.get(field.type, _TEXT)}


def _in_path(key: StoredField) -> Object:
    schema = _value(key)
    return schema | {"minLength": 1, "pattern": "^[^/]+$"} if schema == _TEXT else schema
