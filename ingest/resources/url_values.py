"""Values in URLs, filters and keys, as the database driver takes them for a column."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from marshmallow import fields

from ingest.resources.columns import READ, ColumnType, NotStorable, converter
from ingest.resources.identity import finer_than_stored

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
_MOMENTS = frozenset(
    {ColumnType.DATE, ColumnType.TIME, ColumnType.TIMESTAMP, ColumnType.TIMESTAMPTZ}
)
_SHOWN_IN_FORMS = _MOMENTS | {ColumnType.BOOLEAN}
"""Types of fields with formats or words of their own, in which GET shows their values."""
_FORMS = {
    ColumnType.BIGINT: re.compile(r"[+-]?[0-9]{1,19}"),
    ColumnType.DOUBLE: _NUMBER,
    ColumnType.NUMERIC: _NUMBER,
}


def parse(field: fields.Field[Any], type_: ColumnType, text: str) -> Any:
    """Read the text of a filter or key.

    Raises:
        ValueError: no stored value could equal it.
    """
    if isinstance(field, fields.Enum):
        return _enum_name(field, text)
    if type_ in _MOMENTS and finer_than_stored(text):
        raise ValueError("finer than any stored value")
    if type_ in _FORMS and not _FORMS[type_].fullmatch(text):
        raise ValueError(f"not a value of type {type_.value}")
    try:
        value = _PARSERS[type_](text)
        converter(type_)(value)
    except (ArithmeticError, KeyError, NotStorable, ValueError) as error:
        if type_ in _SHOWN_IN_FORMS:
            return _as_shown(field, type_, text)
        raise ValueError(f"not a value of type {type_.value}") from error
    return value


def _as_shown(field: fields.Field[Any], type_: ColumnType, text: str) -> Any:
    """Read a text in the field's own format, or one of its own words."""
    try:
        value = field.deserialize(text)
        converter(type_)(value)
    except Exception as error:  # the user's code may raise anything
        raise ValueError(f"not a value of type {type_.value}") from error
    return value


def shown_choices(field: fields.Field[Any]) -> list[str]:
    """What GET shows of a choice, for each; empty where the field has none."""
    if not isinstance(field, fields.Enum):
        return []
    return [str(field._serialize(member, None, None)) for member in field.enum]


def as_text(field: fields.Field[Any], stored: Any) -> str:
    """A value of a column, as the driver gives it, as `parse` reads it."""
    if isinstance(field, fields.Enum):
        return str(field._serialize(field.enum[stored], None, None))
    return stored.isoformat() if isinstance(stored, dt.date | dt.time) else str(stored)


def _enum_name(field: fields.Enum[Any], text: str) -> str:
    for member in field.enum:
        if str(field._serialize(member, None, None)) == text:
            return str(member.name)
    raise ValueError("not a choice")


def _moment(text: str) -> dt.datetime:
    # A plus sign in a query that was not escaped arrives as a space.
    return dt.datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)


_PARSERS: dict[ColumnType, Callable[[str], Any]] = {
    **READ,
    ColumnType.TEXT: str,
    ColumnType.BIGINT: int,
    ColumnType.BOOLEAN: {"true": True, "false": False}.__getitem__,
    ColumnType.TIMESTAMPTZ: _moment,
}
