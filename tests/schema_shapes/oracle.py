"""What marshmallow says that an item shows, and how it differs from what is shown.

An item is what `schema.load` made of it; what a change says of it is what `load(change, partial=…)`
made of that. It shows `schema.dump` of the whole; a field that holds nothing is null where it may
be sent as null, and left out where it may not. Three differences are documented, and no others
are let through: times in a `timestamptz` column come back in UTC, a whole number in a `Float`
column comes back as an integer, and JSON objects inside of values come in any order.
"""

import datetime as dt
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import copy, deepcopy
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, missing
from marshmallow.decorators import PRE_LOAD
from marshmallow.utils import get_value, set_value

from ingest.resources.layout import StoredField
from ingest.resources.resource import Resource

Document = dict[str, Any]


class Held:
    """One item, as marshmallow alone would hold it."""

    def __init__(self, resource: Resource, item: Mapping[str, Any]) -> None:
        """
        Raises:
            marshmallow.ValidationError: the schema does not take the item.
        """
        self._resource = resource
        self._schema = resource.schema
        self._sent = self._prepared(item)
        self._loaded = self._load(item, partial=None)
        self.key: Any = missing
        """The key that the service has made, as it is shown."""

    @property
    def is_object(self) -> bool:
        """Whether the schema loads items into objects of the user's."""
        return not isinstance(self._loaded, dict)

    def change(self, change: Mapping[str, Any]) -> None:
        """Take what a sparse update says.

        Raises:
            marshmallow.ValidationError: the schema does not take it.
        """
        changed = self._load(change, partial=tuple(self._schema.load_fields))
        self._take(change, changed, defaults=True)

    def merge(self, item: Mapping[str, Any]) -> None:
        """Take what an upsert says: of what it does not carry, no default changes what is there.

        Raises:
            marshmallow.ValidationError: the schema does not take it.
        """
        self._take(item, self._load(item, partial=None), defaults=False)

    def value(self, field: StoredField) -> Any:
        """What was loaded for a field; None where there is nothing."""
        return get_value(self._loaded, field.source, None)

    def shown(self) -> Document:
        """What the item shows."""
        loaded = self._loaded if self.is_object else self._in_utc()
        shown: Document = as_json(showing_nulls(self._schema).dump(loaded))
        if self._resource.own_key:
            return {"id": self.key, **shown}
        return shown

    def _load(self, item: Mapping[str, Any], partial: Any) -> Any:
        key = self._resource.key.data_key
        apart = self._resource.key_apart
        body = {name: value for name, value in item.items() if not (apart and name == key)}
        return self._schema.load(deepcopy(body), partial=partial)

    def _prepared(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """The item after `pre_load`."""
        processed = self._schema._invoke_load_processors(
            PRE_LOAD,
            deepcopy(dict(item)),
            many=False,
            unknown=self._schema.unknown,
            original_data=item,
            partial=None,
        )
        return dict(processed) if isinstance(processed, dict) else dict(item)

    def _take(self, item: Mapping[str, Any], loaded: Any, *, defaults: bool) -> None:
        taken = self._prepared(item)
        self._sent |= taken
        if self.is_object:
            self._loaded = self._load(self._sent, partial=None)
            return
        places = set()
        for name, field in self._schema.fields.items():
            source = field.attribute or name
            places.add(source.partition(".")[0])
            value = get_value(loaded, source, missing)
            if value is missing or not (defaults or carries(taken, name, field)):
                continue
            if not (value is None and self._shows_null(field, source)):
                set_value(self._loaded, source, value)
        self._loaded |= {name: value for name, value in loaded.items() if name not in places}

    def _shows_null(self, field: fields.Field[Any], source: str) -> bool:
        """Whether a field shows null as it is: then null that is sent changes nothing."""
        nothing = get_value(self._loaded, source, None) is None
        return nothing and field.allow_none and field.dump_default is missing

    def _in_utc(self) -> Any:
        """What was loaded, as columns give it back."""
        loaded = deepcopy(self._loaded)
        for name, field in self._schema.fields.items():
            source = field.attribute or name
            value = get_value(loaded, source, None)
            if isinstance(field, fields.DateTime) and isinstance(value, dt.datetime):
                pattern = field.format or ""
                local = "%" in pattern and "%z" not in pattern
                zone = getattr(field, "default_timezone", None) if local else None
                if value.tzinfo is not None:
                    set_value(loaded, source, value.astimezone(zone or dt.UTC))
        own = self._resource.key
        if self.key is not missing and not self._resource.own_key:
            loaded[own.source] = own.field.deserialize(self.key)
        return loaded


def messages_of(resource: Resource, item: Mapping[str, Any], *, partial: bool) -> Counter[str]:
    """Every message that the schema has for an item; none where code of the user's breaks."""
    key = resource.key.data_key
    body = {name: value for name, value in item.items() if not resource.key_apart or name != key}
    try:
        resource.schema.load(
            deepcopy(body), partial=tuple(resource.schema.load_fields) if partial else None
        )
    except ValidationError as error:
        return Counter(_texts(error.messages))
    except Exception:  # noqa: BLE001 - then the service has a message of its own
        return Counter()
    return Counter()


def _texts(messages: Any) -> Iterator[str]:
    if isinstance(messages, dict):
        messages = messages.values()
    elif not isinstance(messages, list | tuple):
        yield str(messages)
        return
    for each in messages:
        yield from _texts(each)


def showing_nulls(schema: Schema) -> Schema:
    """A schema that shows null where a field holds nothing and may be null, as answers do."""
    shown = copy(schema)
    shown.dump_fields = {name: copy(field) for name, field in schema.dump_fields.items()}
    for field in shown.dump_fields.values():
        if field.allow_none and field.dump_default is missing:
            field.dump_default = None
    return shown


def carries(taken: Mapping[str, Any], name: str, field: fields.Field[Any]) -> bool:
    """Whether a value comes from an item or its hooks: a `load_default` is for new items."""
    key = name if field.data_key is None else field.data_key
    return key in taken or field.load_default is missing


def as_json(value: Any) -> Any:
    """What is dumped, as JSON holds it; Decimals stand for numbers with all their digits."""
    if isinstance(value, Mapping):
        return {json_key(key): as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(each) for each in value]
    if isinstance(value, Enum):
        return as_json(value.value)
    if value is None or isinstance(value, bool | str | int | float | Decimal):
        return value
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, UUID | IPv4Address | IPv6Address | IPv4Interface | IPv6Interface):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def json_key(key: Any) -> str:
    if isinstance(key, Enum):
        key = key.value
    if key is None or isinstance(key, bool):
        return json.dumps(key)
    return key.isoformat() if isinstance(key, dt.date | dt.time) else str(key)


def read_json(body: bytes) -> Any:
    """A JSON document in which fractions are Decimals, with all their digits."""
    return json.loads(
        body,
        parse_float=Decimal,
        parse_int=lambda text: Decimal(text) if text == "-0" else int(text),
    )


def differences(resource: Resource, expected: Document, shown: Document) -> Iterator[str]:
    """Where a document that is shown is not the one expected."""
    declared = {each.data_key: each.field for each in resource.fields}
    for name in {**expected, **shown}:
        field = declared.get(name)
        if name not in shown:
            if not (expected[name] is None and field is not None and not field.allow_none):
                yield f"{name}: {expected[name]!r} is not shown"
        elif name not in expected:
            yield f"{name}: {shown[name]!r} is shown"
        elif not _same(field, expected[name], shown[name]):
            yield f"{name}: {shown[name]!r} is shown in place of {expected[name]!r}"
    order = [name for name in expected if name in shown and name in declared]
    if order != [name for name in shown if name in order]:
        yield f"in the order {list(shown)} in place of {list(expected)}"


def _same(field: fields.Field[Any] | None, expected: Any, shown: Any) -> bool:
    if isinstance(field, fields.Float) and isinstance(expected, float) and type(shown) is int:
        return shown == expected
    return equal(expected, shown)


def equal(expected: Any, shown: Any) -> bool:
    """Whether JSON that was read is a value: numbers of its kind, with its sign and digits."""
    if isinstance(expected, dict):
        return (
            isinstance(shown, dict)
            and expected.keys() == shown.keys()
            and all(equal(expected[name], shown[name]) for name in expected)
        )
    if isinstance(expected, list):
        return (
            isinstance(shown, list)
            and len(expected) == len(shown)
            and all(map(equal, expected, shown))
        )
    if isinstance(expected, float):
        sign = math.copysign(1, expected)
        return (
            isinstance(shown, Decimal)
            and float(shown) == expected
            and math.copysign(1, shown) == sign
        )
    if isinstance(expected, Decimal):
        return isinstance(shown, int | Decimal) and expected == shown
    return (
        isinstance(shown, type(expected) if expected is not None else type(None))
        and expected == shown
        and isinstance(expected, bool) == isinstance(shown, bool)
    )
