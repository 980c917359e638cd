"""One column of a generated record function: from a loaded value to what the record holds.

In the text, `item` is the raw item, `loaded` what became of it, `record` the record, and `same`
whether every value so far is stored just as it was received.

A jsonb column holds what the schema dumps. For plain fields that is the loaded value itself, and
`dump` can be spared. NUL and lone surrogates are not looked for here where a load has made the
value: they show in the bytes of a whole chunk of records.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from marshmallow import INCLUDE, RAISE, Schema, fields, missing
from marshmallow.decorators import POST_DUMP, PRE_DUMP

from ingest.resources.as_sent import EXACT_INTEGER, IS_TEXT_OF
from ingest.resources.columns import INT64_MAX, INT64_MIN, ColumnType
from ingest.resources.conversion import FieldConverter
from ingest.resources.dumping import DUMPING, overridden
from ingest.resources.exact import jsonb_keeps
from ingest.validation.engine.source import Source, Uncompiled

MOST_BYTES_OF_A_CHARACTER = 4
TEXTS = frozenset({fields.String, fields.Email, fields.Url})
PLAIN_UUID_TEXT = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PLAIN_UUID = re.compile(PLAIN_UUID_TEXT).fullmatch
"""Whether a text is a UUID as Python and PostgreSQL write it."""


def write_unknown(source: Source, converter: FieldConverter) -> None:
    """Write a column whose loaded value may be anything, or absent."""
    with _loaded_value(source, converter) as value:
        plain = _plain_values(converter, value)
        with source.block(f"if not ({plain}):") if plain else nullcontext():
            _write_convert(source, converter, value)
        source.line(f"record[{converter.column!a}] = {value}")
        _write_comparison(source, converter, value)


def write_known(source: Source, converter: FieldConverter, *, in_place: bool) -> None:
    """Write a column whose value a compiled load has made of the item's own, if it has made one.

    Nothing is written where `record` is `loaded` itself (`in_place`) and holds what is stored.
    """
    start = len(source.lines)
    with _loaded_value(source, converter) as value:
        before = len(source.lines)
        if converter.field.field.allow_none and converter.null_matters:
            source.fall_back_if(f"{value} is None")
        nullable = f"if {value} is not None:" if converter.field.field.allow_none else None
        with source.optional_block(nullable) if nullable else nullcontext():
            as_received, replaced = _write_conversion(source, converter, value)
        if replaced or not in_place:
            source.line(f"record[{converter.column!a}] = {value}")
        if not as_received:
            _write_comparison(source, converter, value)
        untouched = len(source.lines) == before
    if untouched:
        del source.lines[start:]


@contextmanager
def _loaded_value(source: Source, converter: FieldConverter) -> Iterator[str]:
    """The variable with the loaded value, and a block for where there is one."""
    field = converter.field
    value = source.fresh("value")
    source.line(f"# {field.data_key!a}: {field.type.value}")
    taken = f"loaded.get({field.source!a}, MISSING)"
    if "." in field.source:
        taken = f"{source.bind('value_of', converter.value_of)}(loaded)"
    source.line(f"{value} = {taken}")
    with source.block(f"if {value} is not MISSING:"):
        yield value


def _plain_values(converter: FieldConverter, value: str) -> str | None:
    """What holds of values that are stored as they are; most of them are."""
    kind = converter.field.type
    if kind is ColumnType.TEXT:
        fits = "" if converter.limit is None else f" and len({value}) <= {converter.limit}"
        return f"type({value}) is str and {value}.isascii() and '\\0' not in {value}{fits}"
    if kind is ColumnType.BIGINT:
        return f"type({value}) is int and {INT64_MIN} <= {value} <= {INT64_MAX}"
    if kind is ColumnType.BOOLEAN:
        return f"{value} is True or {value} is False"
    return None


def _write_conversion(source: Source, converter: FieldConverter, value: str) -> tuple[bool, bool]:
    """Write the way of a value that is not None.

    Returns:
        Whether the stored value is surely what was received, or that is written already; and
        whether the variable has changed.
    """
    field = converter.field.field
    if type(field) is fields.UUID:
        _write_uuid(source, converter, value)
        return True, True
    if converter.takes_sent and converter.field.type in IS_TEXT_OF:
        _write_text(source, converter, value)
        return True, True
    if converter.limit is not None and type(field) in TEXTS:
        source.fall_back_if(f"len({value}) > {converter.limit // MOST_BYTES_OF_A_CHARACTER}")
    try:
        with source.undone_if_uncompiled():
            if converter.differs:
                raise Uncompiled("the column holds another form than the dump has to be given")
            as_received = _write_storable(source, field, value)
            if converter.takes_sent and converter.field.type is ColumnType.DOUBLE:
                _write_double(source, converter, value)
                return True, True
            return as_received, False
    except Uncompiled:
        _write_convert(source, converter, value)
        return False, True


def _write_convert(source: Source, converter: FieldConverter, value: str) -> None:
    if converter.takes_sent:
        convert = source.bind("convert", converter.convert_sent)
        received = f"item.get({converter.field.data_key!a}, MISSING)"
        source.line(f"{value} = {convert}({value}, {received})")
    else:
        source.line(f"{value} = {source.bind('convert', converter.convert_plain)}({value})")


def _write_comparison(source: Source, converter: FieldConverter, value: str) -> None:
    raw = f"item.get({converter.field.data_key!a}, MISSING)"
    unchanged = source.bind("unchanged", converter.unchanged)
    with source.block(f"if {raw} is not {value} and not {unchanged}(item, {value}):"):
        source.line("same = False")


def _write_uuid(source: Source, converter: FieldConverter, value: str) -> None:
    """A UUID that was sent as it is stored is stored as it was sent: a text is written faster."""
    raw = source.fresh("raw")
    source.line(f"{raw} = item[{converter.field.data_key!a}]")
    source.fall_back_if(f"type({raw}) is not str")
    with source.block(f"if {source.bind('plain_uuid', PLAIN_UUID)}({raw}):"):
        source.line(f"{value} = {raw}")
    with source.block("else:"):
        source.line("same = False")


def _write_text(source: Source, converter: FieldConverter, value: str) -> None:
    """A time that was sent as its column reads it is stored as it was sent."""
    raw = source.fresh("raw")
    matches = source.bind("is_text_of", IS_TEXT_OF[converter.field.type])
    source.line(f"{raw} = item[{converter.field.data_key!a}]")
    with source.block(f"if type({raw}) is str and {matches}({raw}):"):
        source.line(f"{value} = {raw}")
    with source.block("else:"):
        source.line(f"{value} = {source.bind('convert', converter.convert_plain)}({value})")
        _write_comparison(source, converter, value)


def _write_double(source: Source, converter: FieldConverter, value: str) -> None:
    """An integer that was sent for a double is stored as the integer."""
    raw = source.fresh("raw")
    source.line(f"{raw} = item[{converter.field.data_key!a}]")
    with source.block(f"if type({raw}) is int and {-EXACT_INTEGER} <= {raw} <= {EXACT_INTEGER}:"):
        source.line(f"{value} = {raw}")
    with source.block("else:"):
        _write_comparison(source, converter, value)


def _write_storable(source: Source, field: Any, var: str) -> bool:
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
        source.fall_back_if(f"not {INT64_MIN} <= {var} <= {INT64_MAX}")
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


def check_storable(field: fields.Field[Any]) -> None:
    """Make sure that jsonb holds what the field loads just as it was sent, but for what its value
    may fall back on.

    Raises:
        Uncompiled: `field` dumps something else than it loads.
    """
    _write_storable(Source("check", ""), field, "value")


def _write_each(source: Source, field: Any, values: str) -> bool:
    each = source.fresh("each")
    nullable = f"if {each} is not None:" if field.allow_none else None
    with (
        source.optional_block(f"for {each} in {values}:"),
        source.optional_block(nullable) if nullable else nullcontext(),
    ):
        return _write_part(source, field, each)


def _write_part(source: Source, field: Any, var: str) -> bool:
    """The same of a part of a jsonb value."""
    if type(field) is fields.Float:
        source.fall_back_if(f"not {source.bind('jsonb_keeps', jsonb_keeps)}({var})")
    return _write_storable(source, field, var)


def _write_nested(source: Source, field: fields.Nested, var: str) -> bool:
    schema = field.schema
    unknown = schema.unknown if field.unknown is None else field.unknown
    _check_dumping(schema, unknown)
    many = field.many or schema.many
    each = source.fresh("each") if many else var
    with source.optional_block(f"for {each} in {var}:") if many else nullcontext():
        return _write_object(source, schema, each) and unknown == RAISE


def _write_object(source: Source, schema: Schema, var: str) -> bool:
    as_received = True
    for name, field in schema.dump_fields.items():
        _check_place(schema, name, field)
        value = source.fresh("inner")
        with source.optional_block(f"if ({value} := {var}.get({name!a})) is not None:"):
            as_received &= _write_part(source, field, value)
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
