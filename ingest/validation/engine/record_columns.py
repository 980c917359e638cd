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

from marshmallow import fields

from ingest.resources.as_sent import EXACT_INTEGER, IS_TEXT_OF
from ingest.resources.columns import INT64_MAX, INT64_MIN, ColumnType
from ingest.resources.conversion import FieldConverter
from ingest.validation.engine.record_json import TEXTS, write_storable
from ingest.validation.engine.source import Source, Uncompiled

MOST_BYTES_OF_A_CHARACTER = 4
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
            as_received = write_storable(source, field, value, shown=converter.dumps_alone)
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
