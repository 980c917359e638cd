"""One item of each collection as an example: as it is sent, shown, changed and deleted.

It is drawn from the JSON Schema of the collection and then loaded by its marshmallow schema, which
has the last word: fields whose drawn value is refused are left out. A collection for which nothing
is accepted has no examples, until its fields bring some in their `metadata`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError

from ingest.describe.components import Object
from ingest.describe.drawn import draw
from ingest.exactjson import dump_exact, load_exact
from ingest.resources.columns import ColumnType
from ingest.resources.dumping import showing_nulls
from ingest.resources.exact import json_form
from ingest.resources.leaving_out import forbidden_null, left_out
from ingest.resources.resource import META, Resource

KEY = "01933b2e-7c00-7000-8000-000000000001"
"""The key that the service seems to have made."""
BATCH = "01933b2e-7c00-7000-8000-0000000000ba"


@dataclass(frozen=True, slots=True)
class Example:
    """An item that the collection takes."""

    key: Any
    sent: Object
    """What POST sends; with a key of the client's own where it may bring one, so that what is done
    by key can be tried next."""
    shown: Object
    """What GET shows of it."""
    changed: Object
    """What PATCH sends."""
    changes: Object
    """What PATCH sends to the path of the item."""
    deleted: Object
    """What DELETE sends."""


def example_of(resource: Resource, schema: Mapping[str, Any]) -> Example | None:
    """Args: `schema` is the JSON Schema of what POST sends."""
    sent = _accepted(resource, _drawn(resource, schema))
    shown = None if sent is None else _shown(resource, sent)
    if sent is None or shown is None:
        return None
    name = resource.key.data_key
    others = [field for field in sent if field != name]
    changes = {field: sent[field] for field in others[:1]}
    found = {name: shown[name]}
    sent = found | sent if brings_key(resource) else sent
    return Example(shown[name], sent, shown, found | changes, changes, found)


def brings_key(resource: Resource) -> bool:
    """Whether a new item may bring its key."""
    return resource.own_key or not resource.key.field.dump_only


def _drawn(resource: Resource, schema: Mapping[str, Any]) -> Object:
    drawn = draw(schema)
    if not isinstance(drawn, dict):  # code of the user's reads what is sent
        return {}
    made = resource.key.data_key if resource.server_key else None
    return {
        name: each for name, each in drawn.items() if name not in (made, META) and each is not None
    }


def _accepted(resource: Resource, item: Object) -> Object | None:
    """The item without the fields that its schema refuses; None where that is not enough."""
    for _ in range(len(item) + 1):
        try:
            resource.schema.load(_loadable(resource, item))
        except ValidationError as error:
            refused = [name for name in item if name in error.messages_dict]
            if not refused:
                return None
            item = {name: each for name, each in item.items() if name not in refused}
        except Exception:  # noqa: BLE001 - it is the user's code
            return None
        else:
            return item
    return None


def _loadable(resource: Resource, item: Object) -> Object:
    """A copy, which hooks may change, without a key that the schema does not load."""
    own = resource.key.data_key if resource.key_apart else None
    copy: Object = load_exact(dump_exact(item))
    return {name: each for name, each in copy.items() if name != own}


def _shown(resource: Resource, sent: Object) -> Object | None:
    """What GET shows of an item; None where user code does not dump it, or each time otherwise."""
    made = 1 if resource.key.type is ColumnType.BIGINT else KEY
    key = {resource.key.data_key: sent.get(resource.key.data_key, made)}
    try:
        first, second = (_dumped(resource, sent) for _ in range(2))
    except Exception:  # noqa: BLE001 - it is the user's code
        return None
    if first != second:  # it has a time or a random value of its own
        return None
    hidden = resource.selection.hidden
    return {name: each for name, each in (key | first | key).items() if name not in hidden}


def _dumped(resource: Resource, sent: Object) -> Object:
    loaded = resource.schema.load(_loadable(resource, sent))
    dumped = json_form(showing_nulls(resource.schema).dump(loaded))
    shown: Object = left_out(resource.schema, dumped, forbidden_null)
    dump_exact(shown)
    return shown
