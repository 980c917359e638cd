"""From a raw item to its record, or to every error of it."""

from collections.abc import Callable, Sequence
from copy import copy, deepcopy
from functools import cached_property
from typing import Any
from uuid import UUID

import structlog
from marshmallow import ValidationError, missing

from ingest.errors import INVALID, NULL_NOT_ALLOWED, WRONG_TYPE
from ingest.ids import uuid7_texts
from ingest.model import Action, ItemError, Options, Unreadable
from ingest.resources.columns import INT64_MAX, INT64_MIN
from ingest.resources.records import GROUP, VERSION, Record, RecordWriter, Unstorable
from ingest.resources.resource import META, Resource, StoredField
from ingest.validation.engine.compiler import Partial, Validator, compile_validator
from ingest.validation.engine.generate import generate_vouched
from ingest.validation.engine.hooks import Unvouched, count_fields, has_pre_load
from ingest.validation.engine.recording import (
    Recorded,
    generate_accept,
    generate_write,
)
from ingest.validation.groups import group_of
from ingest.validation.invalid import InvalidItem, collect
from ingest.validation.messages import explain, explain_field

log = structlog.get_logger(__name__)


class ItemValidator:
    """Validates the items of one resource, action and set of options, for many requests."""

    def __init__(self, resource: Resource, action: Action, options: Options) -> None:
        self.resource = resource
        self.action = action
        self._identity = resource.identity(options.matching)
        self._validator: Validator = compile_validator(resource.schema)
        self._hooked = has_pre_load(resource.schema, set())
        # PATCH excuses missing fields of the top level only: a nested value is replaced whole.
        self._partial: Partial = (
            frozenset(resource.schema.load_fields) if action is Action.UPDATE else None
        )
        self._load_item: Callable[[Any], Any] = lambda item: self._validator.load(
            item, self._partial
        )
        self._writer = RecordWriter(resource, action, options)
        self._write_plainly = generate_write(resource, self._writer)
        self.accept = generate_accept(resource, self._writer, self._partial)

    @cached_property
    def alone(self) -> "ItemValidator | None":
        """The same for an item of any size: raises Unvouched where marshmallow would be called.

        Whatever marshmallow collects of errors, it keeps all of them. None where marshmallow is
        needed for valid items, too.
        """
        load = None
        if self.action is not Action.DELETE:
            load = generate_vouched(self.resource.schema, self._partial)
            if load is None:
                return None
        other = copy(self)
        if load is not None:
            other._load_item = load
        return other

    @cached_property
    def fields(self) -> int:
        """How many fields the schema loads, those of nested schemas included."""
        return count_fields(self.resource.schema)

    def make_keys(self, count: int) -> Sequence[str | None]:
        """Keys for items that come without one, where the server makes them."""
        makes = self.resource.server_key and self.action is Action.CREATE
        return uuid7_texts(count) if makes else [None] * count

    def check(
        self, index: int, item: Any, made: str | None = None, groups: Sequence[str] = ()
    ) -> Recorded:
        """One item as a record, and whether that record also tells its raw form.

        Args:
            index: the item's index in the request.
            item: the raw item.
            made: a key for it in case it has none; one is made where that is left out.
            groups: what the sender is confined to; what it creates belongs to one of them.

        Raises:
            InvalidItem: with every error of the item.
        """
        if not isinstance(item, dict):
            if isinstance(item, Unreadable):
                raise InvalidItem(item.errors)
            if self.action is Action.DELETE:
                return self._check_identity(index, {}, item)
            raise InvalidItem(
                [ItemError(WRONG_TYPE, "An item must be an object.", description=_shape(item))]
            )
        creates = self.action is Action.CREATE
        if META not in item and not (creates and groups):
            return self._check(index, item, made)
        errors: list[ItemError] = []
        meta = collect(errors, lambda: _meta(item))
        version = collect(errors, lambda: _version(meta)) if meta else None
        group = None
        if creates and meta is not None:
            group = collect(errors, lambda: group_of(meta, groups))
        body = {name: value for name, value in item.items() if name != META}
        checked = collect(errors, lambda: self._check(index, body, made))
        if errors:
            raise InvalidItem(errors)
        record: Record = checked[0]
        if version is not None:
            record[VERSION] = version
        if group is not None:
            record[GROUP] = group
        return record, checked[1] and META not in item

    def _check(self, index: int, item: dict[str, Any], made: str | None) -> Recorded:
        if self.action is Action.DELETE:
            return self._check_identity(index, item, item.get(self._identity.data_key, missing))
        loaded, key = self._load(item, made)
        return self._write(index, loaded, item, key)

    def _check_identity(self, index: int, item: dict[str, Any], value: Any) -> Recorded:
        """DELETE reads what identifies an item, and nothing else."""
        field = self._identity
        if value is None:
            message = str(field.field.error_messages["null"])
            raise InvalidItem([ItemError(NULL_NOT_ALLOWED, message, field.data_key)])
        loaded = {} if value is missing else {field.source: self._load_field(field, value)}
        return self._write(index, loaded, item, missing)[0], False

    def _load(self, item: dict[str, Any], made: str | None) -> tuple[Any, Any]:
        """The loaded item, and its key where that is not one of the schema's fields."""
        key = self.resource.key
        if not self.resource.server_key:
            return self._load_fields(item, item), missing
        if key.data_key not in item:
            made = made or self.make_keys(1)[0]
            return self._load_fields(item, item), missing if made is None else UUID(made)
        body = {name: value for name, value in item.items() if name != key.data_key}
        errors: list[ItemError] = []
        value = collect(errors, lambda: self._load_field(key, item[key.data_key]))
        loaded = collect(errors, lambda: self._load_fields(body, item))
        if errors:
            raise InvalidItem(errors)
        return loaded, value

    def _load_fields(self, item: dict[str, Any], received: dict[str, Any]) -> Any:
        try:
            return self._load_item(self._given(item))
        except ValidationError as error:
            errors = explain(self.resource.schema, item, error.messages)
            raise InvalidItem([*errors, *self._writer.also_wrong(received, errors)]) from None
        except Unvouched:
            raise
        except Exception as error:
            raise _rule_failed(self.resource, error) from error

    def _given(self, item: dict[str, Any]) -> dict[str, Any]:
        """What `load` is given: a copy where a hook may change it, for `rawData` is as received."""
        return deepcopy(item) if self._hooked else item

    def _load_field(self, field: StoredField, value: Any) -> Any:
        try:
            return field.field.deserialize(value)
        except ValidationError as error:
            raise InvalidItem(explain_field(field.field, value, error.messages)) from None
        except Exception as error:
            raise _rule_failed(self.resource, error) from error

    def _write(self, index: int, loaded: Any, item: dict[str, Any], key: Any) -> Recorded:
        if self._write_plainly is not None:
            written = self._write_plainly(index, loaded, item, key)
            if written is not None:
                return written
        try:
            return self._writer.write(index, loaded, item, key)
        except Unstorable as error:
            raise InvalidItem(error.errors) from None
        except Exception as error:
            raise _rule_failed(self.resource, error) from error


def _meta(item: dict[str, Any]) -> dict[str, Any]:
    """An item's `meta`, of which all but the version and the group is ignored."""
    meta = item.get(META, {})
    if not isinstance(meta, dict):
        raise InvalidItem([ItemError(WRONG_TYPE, "Not a valid object.", META)])
    return meta


def _version(meta: dict[str, Any]) -> int | None:
    """The version that an item's `meta` says it is at."""
    version = meta.get("version")
    if version is None:
        return None
    if not isinstance(version, int) or isinstance(version, bool):
        raise InvalidItem([ItemError(WRONG_TYPE, "Not a valid integer.", f"{META}.version")])
    # No stored version is that large: whatever is sent beyond it has moved on, too.
    return min(max(version, INT64_MIN), INT64_MAX)


def _rule_failed(resource: Resource, error: Exception) -> InvalidItem:
    """A user's own code raised something else than ValidationError: the item is at fault."""
    # Only where, never what: the message of an exception may quote the item.
    log.warning(
        "schema code raised",
        collection=resource.name,
        error=type(error).__name__,
        where=_origin(error),
    )
    return InvalidItem([ItemError(INVALID, "A rule of the schema could not be applied to it.")])


def _origin(error: BaseException) -> str:
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return "unknown"
    return f"{traceback.tb_frame.f_code.co_qualname}:{traceback.tb_lineno}"


def _shape(item: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return f"This element is {names.get(type(item), 'a number')}."
