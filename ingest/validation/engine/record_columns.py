"""One column of a generated record function: from a loaded value to what the record holds.

In the text, `item` is the raw item, `loaded` what became of it, `record` the record, and `same`
whether every value so far is stored just as it was received.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from marshmallow import fields

from ingest.resources.columns import INT64_MAX, INT64_MIN, ColumnType
from ingest.resources.conversion import FieldConverter
from ingest.validation.engine.source import Source, Uncompiled
from ingest.validation.engine.storable import BEYOND_INT64, TEXTS, write_storable
from ingest.validation.engine.values import compiled_class

_MOST_BYTES_OF_A_CHARACTER = 4
PLAIN_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
"""Whether a text is a UUID as Python and PostgreSQL write it."""


def write_unknown(source: Source, converter: FieldConverter) -> None:
    """Write a column whose loaded value may be anything, or absent."""
    with _loaded_value(source, converter) as value:
        plain = _plain_values(converter, value)
        with source.block(f"if not ({plain}):") if plain else nullcontext():
            _write_convert(source, converter, value)
        source.line(f"record[{converter.column!a}] = {value}")
        with source.block(f"if {_differs_as_json(source, converter, value)}:"):
            source.line("same = False")


@contextmanager
def _loaded_value(
    source: Source, converter: FieldConverter, *, required: bool = False
) -> Iterator[str]:
    """The variable with the loaded value, and a block for where there is one."""
    field = converter.field
    value = source.fresh("value")
    source.line(f"# {field.data_key!a}: {field.type.value}")
    if required:
        source.line(f"{value} = loaded[{field.source!a}]")
        yield value
        return
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


def write_known(
    source: Source, converter: FieldConverter, *, required: bool, in_place: bool
) -> None:
    """Write a column whose value a compiled load has made of the item's own, if it has made one.

    Args:
        source: takes the lines; none where the value stays what and where it is.
        converter: the column's.
        required: whether the load takes no items without it.
        in_place: whether `record` is `loaded` itself, and the column is called as its source.
    """
    start = len(source.lines)
    with _loaded_value(source, converter, required=required) as value:
        before = len(source.lines)
        nullable = f"if {value} is not None:" if converter.field.field.allow_none else None
        with source.optional_block(nullable) if nullable else nullcontext():
            differs, replaced = _write_conversion(source, converter, value)
        if replaced or not in_place:
            source.line(f"record[{converter.column!a}] = {value}")
        if differs is not None:
            with source.block(f"if {differs}:"):
                source.line("same = False")
        untouched = len(source.lines) == before
    if untouched:
        del source.lines[start:]


def _write_conversion(
    source: Source, converter: FieldConverter, value: str
) -> tuple[str | None, bool]:
    """Write the way of a value that is not None.

    Returns:
        The condition under which the stored value is not what was received (None: it always is, or
        that is written already), and whether the variable has changed.
    """
    field: Any = converter.field.field
    kind = compiled_class(field)
    is_other = f"{_raw(converter)} is not {value}"
    if converter.field.type is ColumnType.TEXT and kind in TEXTS:
        if converter.limit is not None:
            source.fall_back_if(f"len({value}) > {converter.limit // _MOST_BYTES_OF_A_CHARACTER}")
        return None, False
    if kind is fields.Integer:
        source.fall_back_if(BEYOND_INT64.format(value))
        return (None if field.strict else is_other), False
    if kind is fields.Boolean:
        return is_other, False
    if kind is fields.Float:
        if field.allow_nan is not False:
            _write_convert(source, converter, value)
        return is_other, False
    if kind is fields.UUID:
        _write_uuid(source, converter, value)
        return None, True
    if converter.field.type is ColumnType.JSONB:
        differs = _differs_as_json(source, converter, value)
        try:
            with source.undone_if_uncompiled():
                as_received = write_storable(source, field, value)
        except Uncompiled:
            _write_convert(source, converter, value)
            return differs, True
        return (None if as_received else differs), False
    _write_convert(source, converter, value)
    return f"{_raw(converter)} != {value}", True


def _write_convert(source: Source, converter: FieldConverter, value: str) -> None:
    source.line(f"{value} = {source.bind('convert', converter.convert)}({value})")


def _raw(converter: FieldConverter) -> str:
    return f"item.get({converter.field.data_key!a}, MISSING)"


def _differs_as_json(source: Source, converter: FieldConverter, value: str) -> str:
    unchanged = source.bind("unchanged", converter.unchanged)
    return f"{_raw(converter)} is not {value} and not {unchanged}(item, {value})"


def _write_uuid(source: Source, converter: FieldConverter, value: str) -> None:
    """A UUID that was sent as it is stored is stored as it was sent: a text is written faster."""
    raw = source.fresh("raw")
    source.line(f"{raw} = item[{converter.field.data_key!a}]")
    source.fall_back_if(f"type({raw}) is not str")
    with source.block(f"if {source.bind('plain_uuid', PLAIN_UUID)}({raw}):"):
        source.line(f"{value} = {raw}")
    with source.block("else:"):
        source.line("same = False")
