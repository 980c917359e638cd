"""Items without what some fields of their schema hold, nested schemas included."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any

from marshmallow import Schema, fields

from ingest.resources.resource import nested_in
from ingest.resources.shapes import shape_of

Rule = Callable[[fields.Field[Any], Any], bool]
"""Whether the value of a field is left out."""


def forbidden_null(field: fields.Field[Any], value: Any) -> bool:
    """A null that could not be sent back."""
    return value is None and not field.allow_none and not field.dump_only


def only_shown(field: fields.Field[Any], _: Any) -> bool:
    """What no client sends."""
    return bool(field.dump_only)


def schemas_in(schema: Schema) -> Iterator[Schema]:
    """A schema and all that are nested in it, one of each shape."""
    waiting, seen = [schema], set[Hashable]()
    while waiting:
        found = waiting.pop()
        if (shape := shape_of(found)) not in seen:
            seen.add(shape)
            yield found
            waiting += [each.schema for field in found.fields.values() for each in nested_in(field)]


def left_out(schema: Schema, item: Any, rule: Rule) -> Any:
    """The item, by the names that clients use, without what `rule` leaves out; a copy."""
    if not isinstance(item, dict):
        return item
    known = {
        name if field.data_key is None else field.data_key: field
        for name, field in schema.fields.items()
    }
    return {
        name: value_left_out(known[name], value, rule) if name in known else value
        for name, value in item.items()
        if name not in known or not rule(known[name], value)
    }


def value_left_out(field: fields.Field[Any], value: Any, rule: Rule) -> Any:
    """The same for the value of one field."""
    if isinstance(field, fields.Pluck):
        return value
    if isinstance(field, fields.Nested):
        if isinstance(value, list):
            return [left_out(field.schema, each, rule) for each in value]
        return left_out(field.schema, value, rule)
    if isinstance(field, fields.List) and isinstance(value, list):
        return [value_left_out(field.inner, each, rule) for each in value]
    if isinstance(field, fields.Tuple) and isinstance(value, list | tuple):
        places = zip(field.tuple_fields, value, strict=False)
        return [value_left_out(*place, rule) for place in places] + list(
            value[len(field.tuple_fields) :]
        )
    if isinstance(field, fields.Mapping) and isinstance(value, dict) and field.value_field:
        inner = field.value_field
        return {name: value_left_out(inner, each, rule) for name, each in value.items()}
    return value
