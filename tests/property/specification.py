"""Collections, requests and items as the model sees them: what is sent, and what it loads to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Made:
    """A key that the server made: unlike every other until it is read."""

    batch: int
    index: int


Value = str | int | bool | None | Made


@dataclass(frozen=True)
class Field:
    """One field of a schema."""

    kind: type
    required: bool = False
    nullable: bool = False
    default: Value = None


@dataclass(frozen=True)
class Collection:
    """A resource: its fields by name, what identifies an item, what else is unique."""

    name: str
    fields: Mapping[str, Field]
    key: str
    unique: Sequence[Sequence[str]] = ()

    @property
    def server_key(self) -> bool:
        return self.fields[self.key].kind is UUID


@dataclass(frozen=True)
class Request:
    """One write. `number` tells requests apart.

    `resolution` is `merge`, `replace`, `ignore` or None.
    """

    action: str
    items: Sequence[Any]
    resolution: str | None = None
    matching: str | None = None
    lenient: bool = False
    dry_run: bool = False
    minimal: bool = False
    meta: bool = False
    number: int = 0


@dataclass(frozen=True)
class Loaded:
    """A valid item: the value of every field, those that it carried, the version that it names.

    `values` of a sparse item has only what was carried.
    """

    values: Mapping[str, Value]
    carried: Mapping[str, Value]
    version: int | None = None


class Invalid(Exception):
    """An item that validation refuses, with its errors: (code, field)."""

    def __init__(self, errors: set[tuple[int, str | None]]) -> None:
        super().__init__(errors)
        self.errors = errors


def load(collection: Collection, request: Request, raw: Any, index: int) -> Loaded:
    """Validate one item.

    Raises:
        Invalid: with every error of it.
    """
    identity = request.matching or collection.key
    if request.action == "delete":
        return _load_for_delete(collection.fields[identity], identity, raw)
    if not isinstance(raw, dict):
        raise Invalid({(42203, None)})
    body = {name: value for name, value in raw.items() if name != "meta"}
    errors, version = _version(raw)
    sparse = request.action == "update"
    for name, field in collection.fields.items():
        code = _field_error(field, body[name]) if name in body else None
        # What finds the stored item can be neither left out nor null.
        if name == identity and body.get(name, ...) is None:
            code = 42202
        absent = name not in body and not (name == collection.key and collection.server_key)
        if absent and (name == identity or (field.required and not sparse)):
            code = 42201
        if name == identity and name not in body and sparse:
            code = 42201
        if code is not None:
            errors.add((code, name))
    errors |= {(42208, name) for name in body if name not in collection.fields}
    if errors:
        raise Invalid(errors)
    if sparse:
        return Loaded(body, body, version)
    values = {name: body.get(name, field.default) for name, field in collection.fields.items()}
    if collection.server_key and collection.key not in body:
        values[collection.key] = Made(request.number, index)
    return Loaded(values, body, version)


def _load_for_delete(field: Field, identity: str, raw: Any) -> Loaded:
    """Nothing is read but what identifies the item, and its version."""
    item = raw if isinstance(raw, dict) else {identity: raw}
    errors, version = _version(item)
    code = 42201
    if identity in item:
        value = item[identity]
        code = 42202 if value is None else _field_error(field, value)
    if code is not None:
        errors.add((code, identity))
    if errors:
        raise Invalid(errors)
    return Loaded({identity: item[identity]}, {identity: item[identity]}, version)


def _version(item: Mapping[str, Any]) -> tuple[set[tuple[int, str | None]], int | None]:
    if "meta" not in item:
        return set(), None
    if not isinstance(item["meta"], dict):
        return {(42203, "meta")}, None
    version = item["meta"].get("version")
    if version is not None and not isinstance(version, int):
        return {(42203, "meta.version")}, None
    return set(), version


def _field_error(field: Field, value: Any) -> int | None:
    if value is None:
        return None if field.nullable else 42202
    if field.kind is UUID:
        return None if _is_uuid(value) else 42204 if isinstance(value, str) else 42203
    return None if isinstance(value, field.kind) else 42203


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False
