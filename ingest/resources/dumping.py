"""Whether a schema dumps as marshmallow does, field by field, or only its dump as a whole can tell.

Where every part of the dump is marshmallow's own code, a field shows the same whatever stands
beside it. Then a `jsonb` column holds the field as GET shows it, and the database's own JSON can
be the answer.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from copy import copy
from functools import partial
from typing import Any

from marshmallow import INCLUDE, Schema, fields, missing
from marshmallow.decorators import POST_DUMP, POST_LOAD, PRE_DUMP

from ingest.resources.shapes import shape_of

DUMPING = (
    "__getattribute__",
    "_invoke_dump_processors",
    "_invoke_processors",
    "_serialize",
    "dump",
    "get_attribute",
)
"""The methods of a schema that take part in its dump."""
_LOADING = ("_deserialize", "_do_load", "load")
# What marshmallow calls of a field to show it.
_SHOWING = ("_serialize", "_to_string", "get_value", "serialize")
_NO_FLOATS = (
    fields.String,
    fields.Integer,
    fields.Boolean,
    fields.UUID,
    fields.DateTime,
    fields.Date,
    fields.Time,
    fields.IP,
    fields.IPInterface,
)


def dumps_plainly(schema: Schema, around: tuple[Hashable, ...] = ()) -> bool:
    """Whether each field of the schema shows the same without the others."""
    shape = shape_of(schema)
    if shape in around:
        return True
    if overridden(schema, DUMPING) or schema._hooks.get(PRE_DUMP) or schema._hooks.get(POST_DUMP):
        return False
    return all(_shows_plainly(field, (*around, shape)) for field in schema.dump_fields.values())


def shows_itself(field: fields.Field[Any]) -> bool:
    """Whether a field, by itself, shows what marshmallow's own code makes of its value."""
    return _shows_plainly(field, ())


def shows_what_it_loads(field: fields.Field[Any]) -> bool:
    """Whether a field that shows itself shows just the JSON that it loads, as jsonb keeps it."""
    if type(field) is fields.List:
        return shows_what_it_loads(field.inner)
    if type(field) is fields.Integer:
        return not field.as_string
    return type(field) in (fields.String, fields.Email, fields.Url, fields.Boolean)


def showing_nulls(schema: Schema) -> Schema:
    """A copy of the schema that shows null for a field which holds nothing and may be null.

    Code of the user's that takes part in the dump sees the item as it was loaded.
    """
    shown = copy(schema)
    shown.dump_fields = {
        name: _showing_null(field) if field.allow_none else field
        for name, field in schema.dump_fields.items()
    }
    return shown


def showing_stored(schema: Schema, stored: Mapping[str, Any]) -> Schema:
    """A copy of the schema that shows for some fields, by name, what is stored of them."""
    shown = copy(schema)
    fixed = {
        name: _serialized(field, partial(_always, stored[name]))
        for name, field in schema.dump_fields.items()
        if name in stored
    }
    shown.dump_fields = {**schema.dump_fields, **fixed}
    return shown


def shows_alone(field: fields.Field[Any]) -> bool:
    """Whether a field shows the same whatever stands beside it, be it by hooks of its schema."""
    if isinstance(field, fields.Function | fields.Method) or shows_in_its_own_way(field):
        return False
    return isinstance(field, fields.Nested) or all(map(shows_alone, _inner(field)))


def loads_in_its_own_way(schema: Schema) -> bool:
    """Whether code of the user's decides what an item is loaded into: an object, or more keys."""
    return bool(schema._hooks.get(POST_LOAD) or overridden(schema, _LOADING))


def keeps_unknown(schema: Schema) -> bool:
    """Whether what is loaded may hold more than the schema's fields."""
    return schema.unknown == INCLUDE or loads_in_its_own_way(schema)


def may_hold_floats(field: fields.Field[Any], around: tuple[Hashable, ...] = ()) -> bool:
    """Whether JSON of the field may hold numbers that jsonb changes."""
    if isinstance(field, fields.List):
        return may_hold_floats(field.inner, around)
    if not isinstance(field, fields.Nested):
        return not isinstance(field, _NO_FLOATS)
    shape = shape_of(field.schema)
    return shape not in around and any(
        may_hold_floats(each, (*around, shape)) for each in field.schema.dump_fields.values()
    )


def overridden(schema: Schema, names: Iterable[str]) -> list[str]:
    """Which of some methods are not those of `Schema`."""
    return [
        name
        for name in names
        if getattr(type(schema), name) is not getattr(Schema, name) or name in vars(schema)
    ]


def _showing_null(field: fields.Field[Any]) -> fields.Field[Any]:
    def serialize(*arguments: Any, **options: Any) -> Any:
        value = field.serialize(*arguments, **options)
        return None if value is missing else value

    return _serialized(field, serialize)


def _serialized(field: fields.Field[Any], serialize: Callable[..., Any]) -> fields.Field[Any]:
    """A copy of the field that another function serializes."""
    shown = copy(field)
    vars(shown)["serialize"] = serialize
    return shown


def _always(value: Any, *_: Any, **_options: Any) -> Any:
    return value


def _shows_plainly(field: fields.Field[Any], around: tuple[Hashable, ...]) -> bool:
    if isinstance(field, fields.Function | fields.Method) or field.dump_default is not missing:
        return False
    if shows_in_its_own_way(field):
        return False
    if isinstance(field, fields.Nested):
        return dumps_plainly(field.schema, around)
    return all(_shows_plainly(inner, around) for inner in _inner(field))


def shows_in_its_own_way(field: fields.Field[Any]) -> bool:
    """Whether a subclass of the user's, or the object itself, shows in a way of its own."""
    if type(field).__module__.startswith("marshmallow."):
        return False
    theirs = next(
        kind for kind in type(field).__mro__ if kind.__module__.startswith("marshmallow.")
    )
    if theirs is fields.Field:
        return True
    return any(
        getattr(type(field), name, None) is not getattr(theirs, name, None) or name in vars(field)
        for name in _SHOWING
    )


def _inner(field: fields.Field[Any]) -> Iterator[fields.Field[Any]]:
    for name in ("inner", "key_field", "value_field"):
        if (inner := getattr(field, name, None)) is not None:
            yield inner
    yield from getattr(field, "tuple_fields", ())
    if isinstance(field, fields.Enum):
        yield field.field
