"""One column of a generated record function: from a loaded value to what the record holds.

In the text, `item` is the raw item, `loaded` what became of it, `record` the record, and `same`
whether every value so far is stored just as it was received.
"""

import re
from contextlib import nullcontext
from enum import Enum
from typing import Any

from marshmallow import fields, missing

from ingest.resources.columns import INT64_MAX, INT64_MIN, ColumnType
from ingest.resources.encoding import FieldEncoder
from ingest.validation.engine.source import Source, Uncompiled
from ingest.validation.engine.storable import BEYOND_INT64, TEXTS, write_storable
from ingest.validation.engine.values import compiled_class

_MOST_BYTES_OF_A_CHARACTER = 4
PLAIN_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
"""Whether a text is a UUID as Python and PostgreSQL write it."""


class Received(Enum):
    """How to see whether a stored value is also what was received."""

    ALWAYS = "it always is"
    IDENTICAL = "raw is value"
    EQUAL = "raw == value"
    AS_JSON = "both are the same JSON"
    SEEN = "was seen to already"


def write_unknown(source: Source, encode: FieldEncoder) -> None:
    """Write a column whose loaded value may be anything, or absent."""
    field = encode.field
    value, nothing = source.fresh("value"), source.bind("MISSING", missing)
    source.comment(field.type.value, field.data_key)
    if "." in field.source:
        source.line(f"{value} = {source.bind('value_of', encode.value_of)}(loaded)")
    else:
        source.line(f"{value} = loaded.get({field.source!a}, {nothing})")
    with source.block(f"if {value} is not {nothing}:"):
        plain = _plain_values(encode, value)
        with source.block(f"if not ({plain}):") if plain else nullcontext():
            source.line(f"{value} = {source.bind('encode', encode)}({value})")
        source.line(f"record[{field.column!a}] = {value}")
        _write_comparison(source, encode, value, Received.AS_JSON)


def _plain_values(encode: FieldEncoder, value: str) -> str | None:
    """What holds of values that need no encoder; most of them do not."""
    kind = encode.field.type
    if kind is ColumnType.TEXT:
        fits = "" if encode.limit is None else f" and len({value}) <= {encode.limit}"
        return f"type({value}) is str and {value}.isascii() and '\\0' not in {value}{fits}"
    if kind is ColumnType.BIGINT:
        return f"type({value}) is int and {INT64_MIN} <= {value} <= {INT64_MAX}"
    if kind is ColumnType.BOOLEAN:
        return f"{value} is True or {value} is False"
    return None


def write_known(source: Source, encode: FieldEncoder, *, required: bool, in_place: bool) -> None:
    """Write a column whose value a compiled load has made of the item's own, if it has made one.

    Args:
        source: takes the lines; none where the value stays what and where it is.
        encode: the column.
        required: whether the load has refused items without it.
        in_place: whether `record` is `loaded` itself, and the column is called as its source.
    """
    field = encode.field
    start = len(source.lines)
    value, nothing = source.fresh("value"), source.bind("MISSING", missing)
    source.comment(field.type.value, field.data_key)
    if required:
        source.line(f"{value} = loaded[{field.source!a}]")
    else:
        source.line(f"{value} = loaded.get({field.source!a}, {nothing})")
    with nullcontext() if required else source.block(f"if {value} is not {nothing}:"):
        before = len(source.lines)
        nullable = f"if {value} is not None:"
        with source.optional_block(nullable) if field.field.allow_none else nullcontext():
            received, converted = _write_conversion(source, encode, value)
        if converted or not in_place:
            source.line(f"record[{field.column!a}] = {value}")
        _write_comparison(source, encode, value, received)
        untouched = len(source.lines) == before
    if untouched:
        del source.lines[start:]


def _write_comparison(source: Source, encode: FieldEncoder, value: str, received: Received) -> None:
    if received in (Received.ALWAYS, Received.SEEN):
        return
    raw = f"item.get({encode.field.data_key!a}, {source.bind('MISSING', missing)})"
    condition = f"if {raw} is not {value}"
    if received is Received.EQUAL:
        condition = f"if {raw} != {value}"
    elif received is Received.AS_JSON:
        condition += f" and not {source.bind('unchanged', encode.unchanged)}(item, {value})"
    with source.block(f"{condition}:"):
        source.line("same = False")


def _write_conversion(source: Source, encode: FieldEncoder, value: str) -> tuple[Received, bool]:
    """Write the way of a value that is not None; also tells whether the variable has changed."""
    field: Any = encode.field.field
    kind = compiled_class(field)
    if encode.field.type is ColumnType.TEXT and kind in TEXTS:
        if encode.limit is not None:
            source.refuse_if(f"len({value}) > {encode.limit // _MOST_BYTES_OF_A_CHARACTER}")
        return Received.ALWAYS, False
    if kind is fields.Integer:
        source.refuse_if(BEYOND_INT64.format(value))
        return (Received.ALWAYS if field.strict else Received.IDENTICAL), False
    if kind is fields.Boolean:
        return Received.IDENTICAL, False
    if kind is fields.Float:
        if field.allow_nan is not False:
            source.line(f"{value} = {source.bind('encode', encode)}({value})")
        return Received.IDENTICAL, False
    if kind is fields.UUID:
        _write_uuid(source, encode, value)
        return Received.SEEN, True
    if encode.field.type is ColumnType.JSONB:
        try:
            with source.attempt():
                as_received = write_storable(source, field, value)
        except Uncompiled:
            source.line(f"{value} = {source.bind('encode', encode)}({value})")
            return Received.AS_JSON, True
        return (Received.ALWAYS if as_received else Received.AS_JSON), False
    source.line(f"{value} = {source.bind('encode', encode)}({value})")
    return Received.EQUAL, True


def _write_uuid(source: Source, encode: FieldEncoder, value: str) -> None:
    """A UUID that was sent as it is stored is stored as it was sent: a text is written faster."""
    raw = source.fresh("raw")
    source.line(f"{raw} = item[{encode.field.data_key!a}]")
    source.refuse_if(f"type({raw}) is not str")
    with source.block(f"if {source.bind('plain_uuid', PLAIN_UUID)}({raw}):"):
        source.line(f"{value} = {raw}")
    with source.block("else:"):
        source.line("same = False")
