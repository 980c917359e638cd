"""The methods of the user's that take part in a load."""

from collections.abc import Callable, Iterator
from functools import partial as bind
from types import SimpleNamespace
from typing import Any

from marshmallow import Schema
from marshmallow.decorators import PRE_LOAD
from marshmallow.error_store import ErrorStore

from ingest.resources.resource import nested_in
from ingest.validation.engine.load import Load
from ingest.validation.engine.source import FALLBACK

_PARTS = (
    "_hooks",
    "_invoke_field_validators",
    "_invoke_load_processors",
    "_invoke_schema_validators",
    "handle_error",
    "partial",
)
"""What `Schema._do_load` takes from its schema, beside `_deserialize`."""


def with_hooks(load: Load, load_fields: Callable[..., Any]) -> Callable[[Any], Any]:
    """marshmallow's own load of one item, with its hooks, around `load_fields`.

    Args:
        load: of a schema whose `_do_load` is marshmallow's.
        load_fields: from raw data and an ErrorStore to the loaded fields, or FALLBACK.
    """
    schema = load.schema

    def deserialize(data: Any, *, error_store: ErrorStore, **options: Any) -> Any:
        loaded = load_fields(data, error_store)
        if loaded is FALLBACK:
            return schema._deserialize(data, error_store=error_store, **options)
        return loaded

    parts: Any = SimpleNamespace(**{name: getattr(schema, name) for name in _PARTS})
    parts._deserialize = deserialize
    do_load: Callable[..., Any] = Schema._do_load
    return bind(do_load, parts, many=False, partial=load.partial, unknown=load.unknown)


def has_pre_load(schema: Schema) -> bool:
    """Whether a hook of the schema, or of one nested in it, sees an item before it is loaded."""
    return any(each._hooks.get(PRE_LOAD) for each in _schemas_in(schema))


def count_fields(schema: Schema) -> int:
    """How many fields a schema loads, those of nested schemas included."""
    return sum(len(each.load_fields) for each in _schemas_in(schema))


def _schemas_in(schema: Schema, around: tuple[type[Schema], ...] = ()) -> Iterator[Schema]:
    """The schema and those nested in it, each once within itself."""
    if type(schema) in around:
        return
    yield schema
    for field in schema.load_fields.values():
        for nested in nested_in(field):
            yield from _schemas_in(nested.schema, (*around, type(schema)))
