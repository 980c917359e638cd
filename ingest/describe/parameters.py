"""Parameters of requests: in paths, queries and headers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ingest.describe.components import Components, Object, reference
from ingest.describe.json_schema import Kind
from ingest.errors import encodable
from ingest.formats.csv_notation import DATES
from ingest.formats.csv_options import DECIMALS, SHORT_ROWS
from ingest.formats.csv_records import DELIMITERS
from ingest.formats.negotiation import EXTENSIONS, FAILURES, EmptyAs
from ingest.formats.xml_options import PATH
from ingest.model import BatchState
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
_STORED_TEXT = {"type": "string", "pattern": "^[^\\u0000]*$"}
_KEYS = {"type": "string", "minLength": 1, "maxLength": 255}


def _query(name: str, description: str, schema: Mapping[str, Any], **more: Any) -> Object:
    return {"name": name, "in": "query", "description": description, "schema": {**schema}, **more}


def _one_of(*texts: str) -> Object:
    return {"type": "string", "enum": [*texts]}


_WORD = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PREFERENCE = rf'[ \t]*(?:{_WORD}(?:=(?:{_WORD}|"[^"\\]*"))?(?:;[^,"]*)?)?[ \t]*'
_PREFERENCES = f"^{_PREFERENCE}(?:,{_PREFERENCE})*$"
"""The grammar of `Prefer`; preferences that are not known are ignored."""

_CHOSEN = {"type": "string", "minLength": 1}
_READING: Mapping[str, Object] = MappingProxyType(
    {
        name: _query(name, f"Of {where} bodies only: {does}", schema)
        for name, where, does, schema in (
            (
                "columns",
                "CSV",
                "the names of the columns, with commas between them, where the body has no header"
                " (`Content-Type: text/csv; header=absent`).",
                _CHOSEN,
            ),
            (
                "dates",
                "CSV",
                "how dates are written, such as `DD/MM/YYYY`.",
                {"type": "string", "pattern": DATES},
            ),
            ("decimal", "CSV", "the decimal sign.", _one_of(*DECIMALS, *DECIMALS.values())),
            (
                "delimiter",
                "CSV",
                "what stands between cells; found out where it is left out.",
                _one_of(*DELIMITERS, *DELIMITERS.values()),
            ),
            (
                "emptyAs",
                "CSV and XML",
                "what an empty cell is, or an empty element in the place of what is no text.",
                _one_of(*(each.value for each in EmptyAs)),
            ),
            (
                "items",
                "XML",
                "the path of the elements that are items, such as `feed/entries/entry`.",
                {"type": "string", "pattern": f"^{PATH}$"},
            ),
            (
                "nulls",
                "CSV",
                "texts that are null, with commas between them, such as `NULL,N/A`.",
                {"type": "string", "pattern": "^[^,]+(?:,[^,]+)*$"},
            ),
            ("shortRows", "CSV", "what becomes of rows of too few cells.", _one_of(*SHORT_ROWS)),
        )
    }
)
"""How bodies are read; a component each."""
READING = tuple(_READING)

_SHARED: Mapping[str, Object] = MappingProxyType(
    {
        "limit": _query(
            "limit",
            f"The most items or batches of a page; {DEFAULT_LIMIT} where it is left out.",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
        ),
        "offset": _query(
            "offset",
            "How many to pass over.",
            {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET},
        ),
        "dryRun": _query(
            "dryRun",
            "Check everything, the database's constraints included, and save nothing.",
            {"type": "boolean"},
        ),
        "idempotencyKey": _query(
            "idempotencyKey",
            "Only the batch that this Idempotency-Key was used for.",
            _KEYS | {"pattern": r"^[\x21-\x7e]{1,255}$"},
        ),
        "state": _query("state", "Only batches in this state.", _one_of(*BatchState)),
        "collection": _query(
            "collection",
            "Only batches of this collection.",
            {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,47}$"},
        ),
        "since": _query(
            "since",
            "Only batches that were begun since this time.",
            {"type": "string", "format": "date-time"},
        ),
        "afterBatch": _query(
            "after",
            "Go on behind this batch: `metadata.next` of the page before.",
            {"type": "string", "format": "uuid"},
        ),
        "writtenBy": _query(
            "batch",
            "Only items that this batch was the last to write.",
            {"type": "string", "format": "uuid"},
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
        },
        "batch": {
            "name": "batch",
            "in": "path",
            "description": "The id of a batch: `metadata.batchId` of the answer to a write.",
            "required": True,
            "schema": {"type": "string", "format": "uuid"},
        },
        "for": _query(
            "for",
            "What POST or PATCH sends, what GET shows, or a key; `create` where it is left out.",
            _one_of(*(each.value for each in Kind)),
        ),
        **_READING,
        "extension": {
            "name": "extension",
            "in": "path",
            "description": "The format of the answer.",
            "required": True,
            "schema": _one_of("json", "xml", "yaml"),
        },
        "failuresExtension": {
            "name": "extension",
            "in": "path",
            "description": "The format of the answer.",
            "required": True,
            "schema": _one_of(*(name for name, each in EXTENSIONS.items() if each in FAILURES)),
        },
    }
)
"""Those that are the same for every collection; a component each."""


BATCH_FILTERS = ("state", "collection", "since", "afterBatch", "idempotencyKey")
"""Those by which a list has some of the batches."""


def add_parameters(components: Components) -> None:
    for name, parameter in _SHARED.items():
        components.add("parameters", name, value=parameter)


def shared(*names: str) -> list[Object]:
    return [reference("parameters", name) for name in names]


def add_of_collection(components: Components, resource: Resource, name: str, item: str) -> None:
    """Add the parameters of a collection's operations: `key`, `select`, `matching`, `after`."""
    for title, parameter in (
        (f"{item}Key", _key_in_path(resource, _in_path(resource.key))),
        (
            f"{item}KeyWritten",
            _key_in_path(resource, _written_in_path(components, resource.key, item)),
        ),
        (f"{name}Select", _select(resource)),
        (f"{name}Matching", _matching(resource)),
        (f"{name}After", _after(resource)),
    ):
        components.add("parameters", title, value=parameter)


def filters(components: Components, resource: Resource, name: str) -> list[Object]:
    """A parameter for each field that a list can be filtered by, and the batch that wrote it."""
    of_batch = [] if "batch" in filterable(resource) else shared("writtenBy")
    return of_batch + [
        components.add("parameters", f"{name}.{_NO_NAME.sub('_', field)}", value=parameter)
        for field, parameter in _filters(resource)
    ]


_NO_NAME = re.compile("[^A-Za-z0-9_-]")
"""What the name of a component cannot have."""


def _key_in_path(resource: Resource, schema: Object) -> Object:
    return {
        "name": "key",
        "in": "path",
        "description": f"The {resource.key.data_key} of an item.",
        "required": True,
        "schema": schema,
    }


def _after(resource: Resource) -> Object:
    return _query(
        "after",
        "Go on behind this key: `metadata.next` of the page before.",
        _value(resource.key),
    )


def _filters(resource: Resource) -> Iterator[tuple[str, Object]]:
    for name, field in filterable(resource).items():
        yield (
            name,
            _query(
                name,
                f"Only items whose {name} is one of these values.",
                {"type": "array", "items": _value(field), "minItems": 1, "maxItems": MAX_VALUES},
                style="form",
                explode=True,
            ),
        )


def _select(resource: Resource) -> Object:
    names = [META, *(field.data_key for field in resource.fields if field.shown)]
    names += resource.summaries
    return _query(
        "select",
        "What answers show of items besides or, after a hyphen, without.",
        # Of an empty list, `select=` is left, which is read as a list of one empty name.
        {"type": "array", "items": _one_of(*_selectable(names), "")},
        style="form",
        explode=False,
    )


def _selectable(names: Sequence[str]) -> list[str]:
    """Names as `select` takes them: added, and left out."""
    written = [f'"{name}"' if "," in name or name != name.strip() else name for name in names]
    known = list(dict.fromkeys(written))
    return [*known, *(f"-{name}" for name in known)]


def _matching(resource: Resource) -> Object:
    names = [field.data_key for field in resource.fields if resource.may_match(field)]
    known = dict.fromkeys([resource.key.data_key, *names])
    return _query(
        "matching",
        "The field that finds the stored item, in place of the key.",
        _one_of(*known),
    )


def _value(field: StoredField) -> Object:
    """A value in a URL."""
    choices = [each for each in shown_choices(field.field) if encodable(each) == each]
    return _one_of(*choices) if choices else {**_SCALARS.get(field.type, _STORED_TEXT)}


def _in_path(key: StoredField) -> Object:
    schema = _value(key)
    return {**_TEXT, "minLength": 1, "pattern": "^[^/]+$"} if schema == _STORED_TEXT else schema


def _written_in_path(components: Components, key: StoredField, item: str) -> Object:
    """What is stored may be older than a bound; what is written is not."""
    has_pattern = "pattern" in components.found("schemas", f"{item}Key")
    return reference("schemas", f"{item}Key") if has_pattern else _in_path(key)
