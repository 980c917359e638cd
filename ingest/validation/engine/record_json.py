"""What a column stores of a loaded value that is a JSON value, or becomes one in its place.

A jsonb column holds what the schema dumps. Of plain fields that is the loaded value itself; of
identifiers and times inside of a list or an object it is their text, which takes their place there.
"""

import datetime as dt
import uuid
from contextlib import nullcontext
from typing import Any

from marshmallow import INCLUDE, RAISE, Schema, fields, missing
from marshmallow.decorators import POST_DUMP, PRE_DUMP

from ingest.resources.columns import INT64_MAX, INT64_MIN
from ingest.resources.dumping import DUMPING, overridden
from ingest.resources.exact import jsonb_keeps
from ingest.validation.engine.source import Source, Uncompiled

TEXTS = frozenset({fields.String, fields.Email, fields.Url})
_TEXT_OF: dict[type, tuple[type, str]] = {
    fields.UUID: (uuid.UUID, "str({})"),
    fields.Date: (dt.date, "{}.isoformat()"),
    fields.Time: (dt.time, "{}.isoformat()"),
    fields.DateTime: (dt.datetime, "{}.isoformat()"),
    fields.AwareDateTime: (dt.datetime, "{}.isoformat()"),
    fields.NaiveDateTime: (dt.datetime, "{}.isoformat()"),
}
"""The class that a field loads, and how marshmallow dumps it."""
_ISO: tuple[Any, ...] = (dt.date.isoformat, dt.time.isoformat, dt.datetime.isoformat)


def write_storable(
    source: Source, field: Any, var: str, *, place: str = "", shown: bool = True
) -> bool:
    """Write what falls back where the compiled load's value in `var`, not None, is not storable,
    and what puts a text in its place where that is stored.

    Args:
        place: where the value stands; empty for a column, which holds no text in place of a value.
        shown: whether what is dumped is stored.

    Returns:
        Whether such a value is also what was received, as JSON.

    Raises:
        Uncompiled: `field` dumps something else than it loads.
    """
    kind = type(field)
    if kind in TEXTS:
        return True
    if kind is fields.Boolean:
        return False
    if kind is fields.Integer and not field.as_string:
        source.fall_back_if(f"not {INT64_MIN} <= {var} <= {INT64_MAX}")
        return bool(field.strict)
    if kind is fields.Float and not field.as_string and not field.allow_nan:
        if place:
            source.fall_back_if(f"not {source.bind('jsonb_keeps', jsonb_keeps)}({var})")
        return False
    if kind in _TEXT_OF and place and shown:
        return _write_text(source, field, var, place)
    if kind is fields.List:
        return _write_each(source, field.inner, var, f"enumerate({var})", shown)
    if kind is fields.Dict and field.key_field and field.value_field:
        if type(field.key_field) not in TEXTS or field.key_field.allow_none:
            raise Uncompiled("keys that are no texts")
        return _write_each(source, field.value_field, var, f"{var}.items()", shown)
    if kind is fields.Nested:
        return _write_nested(source, field, var, shown)
    raise Uncompiled(f"{kind.__name__} dumps something else than it loads")


def _write_text(source: Source, field: Any, var: str, place: str) -> bool:
    if isinstance(field, fields.DateTime | fields.Time) and (  # a Date is a DateTime
        field.SERIALIZATION_FUNCS.get(field.format or field.DEFAULT_FORMAT) not in _ISO
    ):
        raise Uncompiled("a time that is dumped in a format of its own")
    loaded, text = _TEXT_OF[type(field)]
    source.fall_back_if(f"type({var}) is not {source.bind('loaded', loaded)}")
    source.line(f"{place} = {text.format(var)}")
    return False


def _write_each(source: Source, field: Any, var: str, members: str, shown: bool) -> bool:
    name, each = source.fresh("name"), source.fresh("each")
    nullable = f"if {each} is not None:" if field.allow_none else None
    with (
        source.optional_block(f"for {name}, {each} in {members}:"),
        source.optional_block(nullable) if nullable else nullcontext(),
    ):
        return write_storable(source, field, each, place=f"{var}[{name}]", shown=shown)


def _write_nested(source: Source, field: fields.Nested, var: str, shown: bool) -> bool:
    schema = field.schema
    unknown = schema.unknown if field.unknown is None else field.unknown
    _check_dumping(schema, unknown)
    many = field.many or schema.many
    each = source.fresh("each") if many else var
    with source.optional_block(f"for {each} in {var}:") if many else nullcontext():
        return _write_object(source, schema, each, shown) and unknown == RAISE


def _write_object(source: Source, schema: Schema, var: str, shown: bool) -> bool:
    as_received = True
    for name, field in schema.dump_fields.items():
        _check_place(schema, name, field)
        value, place = source.fresh("inner"), f"{var}[{name!a}]"
        with source.optional_block(f"if ({value} := {var}.get({name!a})) is not None:"):
            as_received &= write_storable(source, field, value, place=place, shown=shown)
    return as_received


def _check_dumping(schema: Schema, unknown: str) -> None:
    if overridden(schema, DUMPING) or schema._hooks.get(PRE_DUMP) or schema._hooks.get(POST_DUMP):
        raise Uncompiled("the nested schema has a way of its own to dump")
    if schema.dict_class is not dict or unknown == INCLUDE:
        raise Uncompiled("the nested schema loads more than it dumps")
    if schema.load_fields.keys() != schema.dump_fields.keys():
        raise Uncompiled("the nested schema loads other fields than it dumps")


def _check_place(schema: Schema, name: str, field: Any) -> None:
    """Make sure that a field is found where it is shown, and only where it was sent.

    marshmallow looks for an absent `items` among the methods of a dict, too.
    """
    if field.data_key not in (None, name) or field.attribute not in (None, name):
        raise Uncompiled(f"{name} is loaded into another place than it is shown at")
    if "." in name or hasattr(schema.dict_class, name):
        raise Uncompiled(f"{name} is looked up in another way")
    if field.load_default is not missing or field.dump_default is not missing:
        raise Uncompiled(f"{name} has a default")
