"""From raw items to a Submission: every item validated for itself, every error of it named."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any

import orjson
import structlog
from marshmallow import Schema, ValidationError, fields, missing
from marshmallow.decorators import PRE_LOAD

from ingest.columns import INT64_MAX, INT64_MIN
from ingest.errors import (
    BAD_LENGTH,
    INVALID,
    NOT_STORABLE,
    NULL_NOT_ALLOWED,
    OTHER_GROUP,
    REQUIRED,
    WRONG_TYPE,
)
from ingest.exactjson import dump_exact
from ingest.ids import uuid7
from ingest.model import Action, Failure, ItemError, Options, Submission
from ingest.records import GROUP, VERSION, Record, RecordWriter, Unstorable
from ingest.resources import META, Resource, StoredField
from ingest.validation.compiler import Partial, Validator, compile_validator
from ingest.validation.explain import explain, explain_field

log = structlog.get_logger(__name__)

MAX_GROUP_BYTES = 255


class ItemValidator:
    """Validates the items of one resource, action and set of options, for many requests."""

    def __init__(self, resource: Resource, action: Action, options: Options) -> None:
        self.resource = resource
        self.action = action
        self._identity = resource.identity(options.matching)
        self._validator: Validator = compile_validator(resource.schema)
        self._hooked = _has_pre_load(resource.schema, set())
        self._writer = RecordWriter(resource, action, options)
        # PATCH excuses missing fields of the top level only: a nested value is replaced whole.
        self._partial: Partial = (
            frozenset(resource.schema.load_fields) if action is Action.UPDATE else None
        )

    def check(self, index: int, item: Any, groups: Sequence[str] = ()) -> tuple[Record, bool]:
        """One item as a record, and whether that record also tells its raw form.

        Args:
            groups: what the sender is confined to; what it creates belongs to one of them.

        Raises:
            InvalidItem: with every error of the item.
        """
        if self.action is Action.DELETE and not isinstance(item, dict):
            return self._check_identity(index, {}, item)
        if not isinstance(item, dict):
            raise InvalidItem(
                [ItemError(WRONG_TYPE, "An item must be an object.", description=_shape(item))]
            )
        grouped = groups if self.action is Action.CREATE else ()
        if META not in item and not grouped:
            return self._check(index, item)
        errors: list[ItemError] = []
        meta = _collect(errors, lambda: _meta(item))
        version = _collect(errors, lambda: _version(meta)) if meta else None
        group = None
        if self.action is Action.CREATE and meta is not None:
            group = _collect(errors, lambda: group_of(meta, groups))
        body = {name: value for name, value in item.items() if name != META}
        checked = _collect(errors, lambda: self._check(index, body))
        if errors:
            raise InvalidItem(errors)
        record: Record = checked[0]
        if version is not None:
            record[VERSION] = version
        if group is not None:
            record[GROUP] = group
        return record, checked[1] and META not in item

    def _check(self, index: int, item: dict[str, Any]) -> tuple[Record, bool]:
        if self.action is Action.DELETE:
            return self._check_identity(index, item, item.get(self._identity.data_key, missing))
        loaded, key = self._load(item)
        return self._write(index, loaded, item, key)

    def _check_identity(self, index: int, item: dict[str, Any], value: Any) -> tuple[Record, bool]:
        """DELETE reads what identifies an item, and nothing else."""
        field = self._identity
        if value is None:
            message = str(field.field.error_messages["null"])
            raise InvalidItem([ItemError(NULL_NOT_ALLOWED, message, field.data_key)])
        loaded = {} if value is missing else {field.source: self._load_field(field, value)}
        return self._write(index, loaded, item, missing)[0], False

    def _load(self, item: dict[str, Any]) -> tuple[Any, Any]:
        """The loaded item, and its key where that is not one of the schema's fields."""
        key = self.resource.key
        if not self.resource.server_key:
            return self._load_fields(item, item), missing
        if key.data_key not in item:
            made = uuid7() if self.action is Action.CREATE else missing
            return self._load_fields(item, item), made
        body = {name: value for name, value in item.items() if name != key.data_key}
        errors: list[ItemError] = []
        value = _collect(errors, lambda: self._load_field(key, item[key.data_key]))
        loaded = _collect(errors, lambda: self._load_fields(body, item))
        if errors:
            raise InvalidItem(errors)
        return loaded, value

    def _load_fields(self, item: dict[str, Any], received: dict[str, Any]) -> Any:
        try:
            return self._validator.load(self._given(item), self._partial)
        except ValidationError as error:
            errors = explain(self.resource.schema, item, error.messages)
            raise InvalidItem([*errors, *self._writer.also_wrong(received, errors)]) from None
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

    def _write(
        self, index: int, loaded: Any, item: dict[str, Any], key: Any
    ) -> tuple[Record, bool]:
        try:
            return self._writer.write(index, loaded, item, key)
        except Unstorable as error:
            raise InvalidItem(error.errors) from None
        except Exception as error:
            raise _rule_failed(self.resource, error) from error


class InvalidItem(Exception):
    """An item that cannot be processed, with every error of it."""

    def __init__(self, errors: list[ItemError]) -> None:
        super().__init__(errors)
        self.errors = errors


class Intake:
    """The items of one request on their way to a Submission.

    `add` may be called many times, so that a long request can let others run in between.
    """

    def __init__(self, validator: ItemValidator, groups: Sequence[str] = ()) -> None:
        """Args: `groups` are what the sender is confined to."""
        self._validator = validator
        self._groups = groups
        self._received = 0
        self._valid: list[int] = []
        self._records: list[Record] = []
        self._raw: dict[str, Any] = {}
        self._failures: list[Failure] = []

    def add(self, items: Iterable[Any]) -> None:
        for item in items:
            index = self._received
            self._received += 1
            try:
                record, restorable = self._validator.check(index, item, self._groups)
            except InvalidItem as error:
                self._failures.append(Failure(index, item, error.errors))
                continue
            self._valid.append(index)
            self._records.append(record)
            if not restorable:
                self._raw[str(index)] = item

    def submission(self) -> Submission:
        return Submission(
            received=self._received,
            valid=self._valid,
            records=orjson.dumps(self._records),
            raw=dump_exact(self._raw) if self._raw else None,
            failures=self._failures,
        )


def _has_pre_load(schema: Schema, seen: set[type[Schema]]) -> bool:
    """Whether a hook of the schema, or of one nested in it, sees an item before it is loaded."""
    if type(schema) in seen:
        return False
    seen.add(type(schema))
    return bool(schema._hooks.get(PRE_LOAD)) or any(
        _has_pre_load(nested.schema, seen)
        for field in schema.load_fields.values()
        for nested in _nested_in(field)
    )


def _nested_in(field: fields.Field[Any]) -> Iterator[fields.Nested]:
    if isinstance(field, fields.Nested):
        yield field
    inner = [getattr(field, name, None) for name in ("inner", "key_field", "value_field")]
    for each in (*inner, *getattr(field, "tuple_fields", ())):
        if each is not None:
            yield from _nested_in(each)


def _meta(item: dict[str, Any]) -> dict[str, Any]:
    """An item's `meta`, of which all but the version and the group is ignored."""
    meta = item.get(META, {})
    if not isinstance(meta, dict):
        raise InvalidItem([ItemError(WRONG_TYPE, "Not a valid object.", META)])
    return meta


def group_of(meta: dict[str, Any], own: Sequence[str]) -> str | None:
    """The group that a new item is to belong to: the one that it names, or the sender's only one.

    Args:
        own: what the sender is confined to; none for every group.
    """
    group = meta.get("group")
    field = f"{META}.group"
    if group is None:
        if len(own) > 1:
            more = f"Your token has {len(own)} groups: say which of them the item is to belong to."
            raise InvalidItem(
                [ItemError(REQUIRED, "Missing data for required field.", field, more)]
            )
        return own[0] if own else None
    if not isinstance(group, str):
        raise InvalidItem([ItemError(WRONG_TYPE, "Not a valid string.", field)])
    if own and group not in own:
        raise InvalidItem([ItemError(OTHER_GROUP, "Your token is not of this group.", field)])
    if not 1 <= len(group.encode("utf-8", "replace")) <= MAX_GROUP_BYTES:
        message = f"Length must be between 1 and {MAX_GROUP_BYTES} bytes."
        raise InvalidItem([ItemError(BAD_LENGTH, message, field)])
    if "\0" in group:
        raise InvalidItem([ItemError(NOT_STORABLE, "A NUL character cannot be stored.", field)])
    return group


def _version(meta: dict[str, Any]) -> int | None:
    """The version that an item's `meta` says it is at."""
    version = meta.get("version")
    if version is None:
        return None
    if not isinstance(version, int) or isinstance(version, bool):
        raise InvalidItem([ItemError(WRONG_TYPE, "Not a valid integer.", f"{META}.version")])
    # No stored version is that large: whatever is sent beyond it has moved on, too.
    return min(max(version, INT64_MIN), INT64_MAX)


def _collect(errors: list[ItemError], step: Callable[[], Any]) -> Any:
    try:
        return step()
    except InvalidItem as error:
        errors.extend(error.errors)


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
