"""Query parameters: each known by name, given once, with a value that can be read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from aiohttp import web

from ingest.errors import InvalidParameter
from ingest.resources.columns import ColumnType
from ingest.resources.resource import META, RESERVED_PARAMETERS, Resource, StoredField
from ingest.resources.url_values import parse

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100
MAX_OFFSET = 2**63 - 1
_LIST_PARAMETERS = frozenset({"limit", "offset", "select"})


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What GET of a list asks for; `filters` hold values as the database takes them."""

    limit: int
    offset: int
    meta: bool
    filters: list[tuple[StoredField, Any]]


def check_parameters(request: web.Request, known: Collection[str] = ()) -> None:
    """Refuse parameters that are not known, or that are given twice.

    Raises:
        InvalidParameter: names the parameter.
    """
    for name in request.query:
        if name not in known:
            allowed = f"Known here: {', '.join(sorted(known))}." if known else "None is known here."
            raise InvalidParameter(f"The query parameter {name[:100]!r} is not known", allowed)
        if len(request.query.getall(name)) > 1:
            raise InvalidParameter(f"The query parameter {name!r} is given twice", "Give it once.")


def list_query(request: web.Request, resource: Resource) -> ListQuery:
    """Read `limit`, `offset` and the field filters of a list request.

    Raises:
        InvalidParameter: names the parameter and what it takes.
    """
    filterable = _filterable(resource)
    check_parameters(request, filterable.keys() | _LIST_PARAMETERS)
    filters = [
        (filterable[name], _filter_value(filterable[name], text))
        for name, text in request.query.items()
        if name in filterable
    ]
    limit, offset = page_query(request)
    return ListQuery(
        limit=limit,
        offset=offset,
        meta=wants_meta(request),
        filters=filters,
    )


def page_query(request: web.Request) -> tuple[int, int]:
    """`limit` and `offset` of a list.

    Raises:
        InvalidParameter: names the parameter and what it takes.
    """
    return (
        _whole_number(request, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
        _whole_number(request, "offset", 0, 0, MAX_OFFSET),
    )


def matching_field(request: web.Request, resource: Resource) -> str | None:
    """The schema field that `matching` names; None for the key.

    Raises:
        InvalidParameter: there is no such field, or it cannot find an item.
    """
    name = request.query.get("matching")
    if name is None or name == resource.key.data_key:
        return None
    field = resource.by_data_key.get(name)
    if field is None or field.field.dump_only or field.type is ColumnType.JSONB:
        raise InvalidParameter(
            f"The query parameter 'matching' cannot be {name[:100]!r}",
            "It takes a scalar field of the collection that clients send.",
        )
    return field.name


def wants_meta(request: web.Request) -> bool:
    """Whether `select` asks for the `meta` of items.

    Raises:
        InvalidParameter: it names anything else.
    """
    selected = [part.strip() for part in request.query.get("select", "").split(",")]
    for part in filter(None, selected):
        if part.removeprefix("-") != META:
            raise InvalidParameter(
                f"The query parameter 'select' cannot name {part[:100]!r}", "It takes `meta`."
            )
    return META in selected and f"-{META}" not in selected


def flag(request: web.Request, name: str) -> bool:
    """A parameter that is `true` or `false`, and false where it is not given.

    Raises:
        InvalidParameter: it is neither.
    """
    text = request.query.get(name, "false")
    if text not in ("true", "false"):
        raise InvalidParameter(
            f"The query parameter {name!r} cannot be {text[:50]!r}", "It takes true or false."
        )
    return text == "true"


@cache
def _filterable(resource: Resource) -> Mapping[str, StoredField]:
    """The fields that lists can be filtered by, by the names that clients use."""
    return {
        field.data_key: field
        for field in resource.fields
        if field.shown
        and field.type is not ColumnType.JSONB
        and field.data_key not in RESERVED_PARAMETERS
    }


def _filter_value(field: StoredField, text: str) -> Any:
    try:
        return parse(field.field, field.type, text)
    except ValueError as error:
        raise InvalidParameter(
            f"The filter {field.data_key!r} cannot be {text[:100]!r}",
            f"Its values are of type {field.type.value}.",
        ) from error


def _whole_number(request: web.Request, name: str, default: int, low: int, high: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
    if not low <= value <= high:
        raise InvalidParameter(
            f"The query parameter {name!r} cannot be {text[:50]!r}",
            f"It takes a whole number from {low} to {high}.",
        )
    return value
