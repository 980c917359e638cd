"""Values in URLs, filters and keys, as the database driver takes them for a column."""

import datetime as dt
import ipaddress
import math
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from marshmallow import fields

from ingest.resources.columns import INT64_MAX, INT64_MIN, ColumnType, NotStorable, converter

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")


def parse(field: fields.Field[Any], type_: ColumnType, text: str) -> Any:
    """Read the text of a filter or key.

    Raises:
        ValueError: no stored value could equal it.
    """
    if isinstance(field, fields.Enum):
        return _enum_name(field, text)
    try:
        return _PARSERS[type_](text)
    except (ArithmeticError, KeyError, NotStorable) as error:
        raise ValueError(f"not a value of type {type_.value}") from error


def _enum_name(field: fields.Enum[Any], text: str) -> str:
    for member in field.enum:
        if str(field._serialize(member, None, None)) == text:
            return str(member.name)
    raise ValueError("not a choice")


def _text(text: str) -> str:
    stored: str = converter(ColumnType.TEXT)(text)
    return stored


def _bigint(text: str) -> int:
    value = int(text) if _INTEGER.fullmatch(text) else INT64_MAX + 1
    if not INT64_MIN <= value <= INT64_MAX:
        raise ValueError("not a 64-bit integer")
    return value


def _double(text: str) -> float:
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


def _numeric(text: str) -> Decimal:
    value = Decimal(text) if _NUMBER.fullmatch(text) else Decimal("nan")
    converter(ColumnType.NUMERIC)(value)
    return value


def _timestamptz(text: str) -> dt.datetime:
    # A plus sign in a query that was not escaped arrives as a space.
    value = dt.datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    converter(ColumnType.TIMESTAMPTZ)(value)
    return value.astimezone(dt.UTC)


def _timestamp(text: str) -> dt.datetime:
    value = dt.datetime.fromisoformat(text)
    converter(ColumnType.TIMESTAMP)(value)
    return value


def _time(text: str) -> dt.time:
    value = dt.time.fromisoformat(text)
    converter(ColumnType.TIME)(value)
    return value


_PARSERS: dict[ColumnType, Callable[[str], Any]] = {
    ColumnType.TEXT: _text,
    ColumnType.BIGINT: _bigint,
    ColumnType.DOUBLE: _double,
    ColumnType.NUMERIC: _numeric,
    ColumnType.BOOLEAN: lambda text: {"true": True, "false": False}[text],
    ColumnType.UUID: uuid.UUID,
    ColumnType.TIMESTAMPTZ: _timestamptz,
    ColumnType.TIMESTAMP: _timestamp,
    ColumnType.DATE: dt.date.fromisoformat,
    ColumnType.TIME: _time,
    ColumnType.INET: ipaddress.ip_interface,
}
