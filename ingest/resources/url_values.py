"""Values in URLs, filters and keys, as the database driver takes them for a column."""

import datetime as dt
import ipaddress
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from marshmallow import fields

from ingest.resources.columns import ColumnType, NotStorable, converter

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
        value = _PARSERS[type_](text)
        converter(type_)(value)
    except (ArithmeticError, KeyError, NotStorable) as error:
        raise ValueError(f"not a value of type {type_.value}") from error
    return value


def _enum_name(field: fields.Enum[Any], text: str) -> str:
    for member in field.enum:
        if str(field._serialize(member, None, None)) == text:
            return str(member.name)
    raise ValueError("not a choice")


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError("not an integer")
    return int(text)


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError("not a number")
    return text


def _moment(text: str) -> dt.datetime:
    # A plus sign in a query that was not escaped arrives as a space.
    return dt.datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)


_PARSERS: dict[ColumnType, Callable[[str], Any]] = {
    ColumnType.TEXT: str,
    ColumnType.BIGINT: _integer,
    ColumnType.DOUBLE: lambda text: float(_number(text)),
    ColumnType.NUMERIC: lambda text: Decimal(_number(text)),
    ColumnType.BOOLEAN: lambda text: {"true": True, "false": False}[text],
    ColumnType.UUID: uuid.UUID,
    ColumnType.TIMESTAMPTZ: _moment,
    ColumnType.TIMESTAMP: dt.datetime.fromisoformat,
    ColumnType.DATE: dt.date.fromisoformat,
    ColumnType.TIME: dt.time.fromisoformat,
    ColumnType.INET: ipaddress.ip_interface,
}
