"""From a raw item to its record, or to every error of it."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cached_property
from threading import local
from traceback import walk_tb
from typing import Any
from uuid import UUID

import structlog
from marshmallow import ValidationError, missing
from marshmallow.decorators import PRE_LOAD

from ingest.errors import INVALID, NULL_NOT_ALLOWED, UNKNOWN_FIELD, WRONG_TYPE
from ingest.ids import uuid7_texts
from ingest.model import Action, ItemError, Options, Rewritten, Unreadable
from ingest.resources.columns import ANY_DIGITS
from ingest.resources.identity import alters, may_alter
from ingest.resources.layout import StoredField
from ingest.resources.records import InvalidItem, Recorded, RecordWriter, check_all
from ingest.resources.resource import META, Resource
from ingest.validation.engine.compiler import compile_load
from ingest.validation.engine.known import count_fields, may_change_items
from ingest.validation.engine.load import Partial
from ingest.validation.engine.long_texts import shorten_rules
from ingest.validation.engine.record_functions import generate_accept, generate_write
from ingest.validation.engine.typed.items import typed_items
from ingest.validation.messages import explain, explain_field
from ingest.validation.meta import read_meta

log = structlog.get_logger(__name__)

Taken = Mapping[str, Any]


class ItemValidator:
    """Validates the items of one resource, action and set of options, for many requests."""

    def __init__(
        self, resource: Resource, action: Action, options: Options, digits: int = ANY_DIGITS
    ) -> None:
        """Args: `digits` is the most that a number may have, written out."""
        shorten_rules(resource.schema)
        self.resource = resource
        self.action = action
        self._identity = resource.identity(options.matching)
        creates = action is Action.CREATE and not options.upserts
        self._key_is_made = resource.key.field.dump_only and creates
        # PATCH excuses missing fields of the top level only: a nested value is replaced whole.
        partial: Partial = (
            frozenset(resource.schema.load_fields) if action is Action.UPDATE else None
        )
        self._prepares = bool(resource.schema._hooks[PRE_LOAD])
        self._seen = local()
        see = self._see if self._prepares else None
        self._load = compile_load(resource.schema, partial, see=see).load
        self._copies = may_change_items(resource.schema)
        finders = dict.fromkeys((resource.key, self._identity))
        self._altering = [each for each in finders if may_alter(each.field)]
        self._writer = RecordWriter(resource, action, options, digits)
        self.write = generate_write(resource, self._writer)
        """From a loaded item to its record; None, and an answer of None, leave it to the writer."""
        self.accept = generate_accept(resource, self._writer, partial)
        """From a raw item to its record; None, and an answer of None, leave it to `check`."""
        at_speed = self.accept is not None or action is Action.DELETE
        self.typed = typed_items(resource, self._writer, partial) if at_speed else None
        """Whole bodies of items; None where the schema needs more than that."""

    @cached_property
    def fields(self) -> int:
        """How many fields the schema loads, those of nested schemas included."""
        return count_fields(self.resource.schema)

    def make_keys(self, count: int) -> Sequence[str | None]:
        """Keys for items that come without one, where the server makes them."""
        resource = self.resource
        makes = resource.server_key and not resource.database_key
        return uuid7_texts(count) if makes and self.action is Action.CREATE else [None] * count

    def check(
        self, index: int, item: Any, made: str | None = None, groups: Sequence[str] = ()
    ) -> Recorded:
        """One item as a record.

        Args:
            index: the item's index in the request.
            made: a key for it in case it has none; one is made where that is left out.
            groups: what the sender is confined to; what it creates belongs to one of them.

        Raises:
            InvalidItem: with every error of the item.
        """
        if isinstance(item, Unreadable):
            raise InvalidItem(item.errors)
        if isinstance(item, Rewritten):
            return self._check_rewritten(index, item, made, groups)
        if not isinstance(item, dict):
            if self.action is Action.DELETE:
                return self._check_identity(index, {}, item)
            raise InvalidItem(
                [ItemError(WRONG_TYPE, "An item must be an object.", description=_shape(item))]
            )
        if META not in item and not (groups and self.action is Action.CREATE):
            return self._check(index, item, made)
        body = {name: value for name, value in item.items() if name != META}
        columns, (record, restorable) = check_all(
            lambda: read_meta(item, self.action, groups), lambda: self._check(index, body, made)
        )
        return record | columns, restorable and META not in item

    def _check_rewritten(
        self, index: int, given: Rewritten, made: str | None, groups: Sequence[str]
    ) -> Recorded:
        """An item with rewritten texts; what it has in place of one that is wrong says nothing."""
        errors = [*given.errors]
        named = {each.field for each in errors}
        try:
            record, _ = self.check(index, given.item, made, groups)
        except InvalidItem as invalid:
            errors += [each for each in invalid.errors if each.field not in named]
        if errors:
            raise InvalidItem(errors)
        return record, False

    def _check(self, index: int, item: dict[str, Any], made: str | None) -> Recorded:
        if self.action is Action.DELETE:
            return self._check_identity(index, item, item.get(self._identity.data_key, missing))
        key = self.resource.key
        if key.data_key in item and self.resource.key_apart:
            return self._check_apart(index, item)
        loaded, taken = self._load_fields(item, item)
        if key.data_key in taken or not self.resource.server_key:
            return self._write(index, loaded, item, taken, missing)
        made = made or self.make_keys(1)[0]
        return self._write(index, loaded, item, taken, missing if made is None else UUID(made))

    def _check_apart(self, index: int, item: dict[str, Any]) -> Recorded:
        """An item with a key that its schema does not load."""
        key = self.resource.key
        body = {name: value for name, value in item.items() if name != key.data_key}
        sent, (loaded, taken) = check_all(
            lambda: self._load_key(item[key.data_key]), lambda: self._load_fields(body, item)
        )
        return self._write(index, loaded, item, taken, sent)

    def _load_key(self, value: Any) -> Any:
        """A key that its schema does not load; one that is only shown is made for a new item."""
        key = self.resource.key
        if self._key_is_made:
            message = str(self.resource.schema.error_messages["unknown"])
            more = "The service makes the keys of new items: leave it out."
            raise InvalidItem([ItemError(UNKNOWN_FIELD, message, key.data_key, more)])
        return self._load_field(key, value)

    def _check_identity(self, index: int, item: dict[str, Any], value: Any) -> Recorded:
        """DELETE reads what identifies an item, and nothing else."""
        field = self._identity
        if value is None:
            message = str(field.field.error_messages["null"])
            raise InvalidItem([ItemError(NULL_NOT_ALLOWED, message, field.data_key)])
        loaded = {} if value is missing else {field.source: self._load_field(field, value)}
        if value is not missing and field in self._altering and alters(field.field, value):
            raise InvalidItem([_altered(field)])
        return self._write(index, loaded, item, item, missing)

    def _load_fields(self, item: dict[str, Any], received: dict[str, Any]) -> tuple[Any, Taken]:
        """What is loaded of an item, and what its fields took it from.

        Args:
            item: what the schema is given.
            received: the item, with a key that the schema does not load.
        """
        self._seen.item = None
        try:
            # Code of the user's may change what it is given, and `rawData` is as received.
            loaded = self._load(deepcopy(item) if self._copies else item)
        except ValidationError as error:
            raise InvalidItem(self._wrong(error, item, received)) from None
        except Exception as error:
            raise _rule_failed(self.resource, error) from error
        taken = self._taken(received)
        if taken is None:
            self._see(self._prepared(item))
            taken = self._taken(received) or received
        if self._altering and (altered := self._altered(taken)):
            raise InvalidItem(altered)
        return loaded, taken

    def _see(self, prepared: Any) -> None:
        self._seen.item = prepared

    def _prepared(self, item: dict[str, Any]) -> Any:
        """What the `pre_load` hooks make of an item that an override of `load` has loaded: it is
        not seen what the fields get inside of that."""
        schema = self.resource.schema
        try:
            return schema._invoke_load_processors(
                PRE_LOAD,
                deepcopy(item),
                many=False,
                unknown=schema.unknown,
                original_data=item,
                partial=None,
            )
        except Exception:  # noqa: BLE001 - the override may have kept the item from them
            return item

    def _taken(self, received: dict[str, Any]) -> Taken | None:
        """What the fields took an item from: what its `pre_load` hooks made of it; None where that
        is not known."""
        if not self._prepares:
            return received
        seen: Any = self._seen.item
        if not isinstance(seen, Mapping):
            return None
        key = self.resource.key.data_key
        if self.resource.key_apart and key in received:
            return {**seen, key: received[key]}
        return seen

    def _wrong(
        self, error: ValidationError, item: dict[str, Any], received: dict[str, Any]
    ) -> list[ItemError]:
        """Every error of an item that was not loaded."""
        taken = self._taken(received)
        seen = item if taken is None or taken is received else self._seen.item
        errors = explain(self.resource.schema, seen, error.messages)
        named = {each.field for each in errors}
        altered = [each for each in self._altered(seen) if each.field not in named]
        also = self._writer.also_wrong(error.valid_data, received, taken, errors)
        return [*errors, *altered, *also]

    def _altered(self, item: Mapping[str, Any]) -> list[ItemError]:
        """Errors of what identifies the item, where it would be loaded as another value."""
        return [
            _altered(each) for each in self._altering if alters(each.field, item.get(each.data_key))
        ]

    def _load_field(self, field: StoredField, value: Any) -> Any:
        try:
            return field.field.deserialize(value)
        except ValidationError as error:
            raise InvalidItem(explain_field(field.field, value, error.messages)) from None
        except Exception as error:
            raise _rule_failed(self.resource, error) from error

    def _write(
        self, index: int, loaded: Any, item: dict[str, Any], taken: Taken, key: Any
    ) -> Recorded:
        if self.write is not None and taken.keys() == item.keys():
            written = self.write(index, loaded, item, key)
            if written is not None:
                return written
        try:
            return self._writer.write(index, loaded, item, key, taken)
        except InvalidItem:
            raise
        except Exception as error:
            raise _rule_failed(self.resource, error) from error


def _altered(field: StoredField) -> ItemError:
    message = "The value would be read as another one, which may be that of another item."
    return ItemError(WRONG_TYPE, message, field.data_key, "Send it exactly as GET shows it.")


def _rule_failed(resource: Resource, error: Exception) -> InvalidItem:
    """The answer where the user's code raised something else than ValidationError."""
    *_, (frame, line) = walk_tb(error.__traceback__)
    # Only where, never what: the message of an exception may quote the item.
    log.warning(
        "schema code raised",
        collection=resource.name,
        error=type(error).__name__,
        where=f"{frame.f_code.co_qualname}:{line}",
    )
    return InvalidItem([ItemError(INVALID, "A rule of the schema could not be applied to it.")])


def _shape(item: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return f"This element is {names.get(type(item), 'a number')}."
