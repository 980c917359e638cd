"""Which loaded JSON values are stored just as they were loaded, and what must be looked at first.

A jsonb column holds what the schema dumps. For plain fields that is the loaded value itself, and
`dump` can be spared. NUL and lone surrogates are not looked for here: they show in the bytes of a
whole chunk of records.
"""

from typing import Any

from marshmallow import EXCLUDE, INCLUDE, Schema, fields, missing
from marshmallow.decorators import POST_DUMP, PRE_DUMP

from ingest.resources.columns import INT64_MAX, INT64_MIN
from ingest.validation.engine.known import overridden
from ingest.validation.engine.source import Source, Uncompiled

TEXTS = frozenset({fields.String, fields.Email, fields.Url})
BEYOND_INT64 = f"not {INT64_MIN} <= {{}} <= {INT64_MAX}"

_DUMPING = (
    "__getattribute__",
    "_invoke_dump_processors",
    "_invoke_processors",
    "_serialize",
    "dump",
    "get_attribute",
)


def write_storable(source: Source, field: Any, var: str) -> bool:
    """Write what falls back where the compiled load's value in `var`, not None, is not storable.

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
        source.fall_back_if(BEYOND_INT64.format(var))
        return bool(field.strict)
    if kind is fields.Float and not field.as_string and not field.allow_nan:
        return False
    if kind is fields.List:
        return _write_each(source, field.inner, var)
    if kind is fields.Dict and field.key_field and field.value_field:
        if type(field.key_field) not in TEXTS or field.key_field.allow_none:
            raise Uncompiled("keys that are no texts")
        return _write_each(source, field.value_field, f"{var}.values()")
    if kind is fields.Nested:
        return _write_nested(source, field, var)
    raise Uncompiled(f"{kind.__name__} dumps something else than it loads")


def _write_each(source: Source, field: Any, values: str) -> bool:
    each = source.fresh("each")
    with source.optional_block(f"for {each} in {values}:"):
        return _write_nullable(source, field, each)


def _write_nullable(source: Source, field: Any, var: str) -> bool:
    if not field.allow_none:
        return write_storable(source, field, var)
    with source.optional_block(f"if {var} is not None:"):
        return write_storable(source, field, var)


def _write_nested(source: Source, field: fields.Nested, var: str) -> bool:
    schema = field.schema
    unknown = schema.unknown if field.unknown is None else field.unknown
    _check_dumping(schema, unknown)
    if not field.many and not schema.many:
        return _write_object(source, schema, var) and unknown != EXCLUDE
    each = source.fresh("each")
    with source.optional_block(f"for {each} in {var}:"):
        return _write_object(source, schema, each) and unknown != EXCLUDE


def _write_object(source: Source, schema: Schema, var: str) -> bool:
    as_received = True
    for name, field in schema.dump_fields.items():
        _check_place(schema, name, field)
        value = source.fresh("inner")
        with source.optional_block(f"if ({value} := {var}.get({name!a})) is not None:"):
            as_received &= write_storable(source, field, value)
    return as_received


def _check_dumping(schema: Schema, unknown: str) -> None:
    if overridden(schema, _DUMPING) or schema._hooks.get(PRE_DUMP) or schema._hooks.get(POST_DUMP):
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
