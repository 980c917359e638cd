"""Which PostgreSQL type stores a marshmallow field, and which loaded values it can hold.

A value that PostgreSQL would refuse is refused here, before its batch is accepted.
"""

import datetime as dt
import enum
import ipaddress
import math
import uuid
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import orjson
from marshmallow import fields

from ingest.errors import NOT_STORABLE, OUT_OF_RANGE, ErrorCode
from ingest.resources.exact import NotExact, json_key, scalar_form

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
# PostgreSQL's numeric: 131,072 digits before the decimal point and 16,383 after it.
NUMERIC_DIGITS_BEFORE, NUMERIC_DIGITS_AFTER = 131_072, 16_383
ANY_DIGITS = NUMERIC_DIGITS_BEFORE + NUMERIC_DIGITS_AFTER


class ColumnType(enum.StrEnum):
    """The PostgreSQL type of a column (contract 1)."""

    TEXT = "text"
    BIGINT = "bigint"
    DOUBLE = "double precision"
    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    UUID = "uuid"
    TIMESTAMPTZ = "timestamp with time zone"
    TIMESTAMP = "timestamp without time zone"
    DATE = "date"
    TIME = "time without time zone"
    INET = "inet"
    JSONB = "jsonb"


KEY_TYPES = frozenset(ColumnType) - {ColumnType.JSONB, ColumnType.BOOLEAN, ColumnType.DOUBLE}

# Families, most special first: a subclass of the user's is stored as its family is.
_FAMILIES: tuple[tuple[type[fields.Field[Any]], ColumnType], ...] = (
    (fields.Enum, ColumnType.TEXT),
    (fields.String, ColumnType.TEXT),
    (fields.Integer, ColumnType.BIGINT),
    (fields.Float, ColumnType.DOUBLE),
    (fields.Decimal, ColumnType.NUMERIC),
    (fields.Boolean, ColumnType.BOOLEAN),
    (fields.UUID, ColumnType.UUID),
    (fields.NaiveDateTime, ColumnType.TIMESTAMP),
    (fields.DateTime, ColumnType.TIMESTAMPTZ),
    (fields.Date, ColumnType.DATE),
    (fields.Time, ColumnType.TIME),
    (fields.IP, ColumnType.INET),
    (fields.IPInterface, ColumnType.INET),
)


def column_type(field: fields.Field[Any]) -> ColumnType:
    """The type of the column that stores `field`: jsonb for anything but a known scalar."""
    for family, type_ in _FAMILIES:
        if isinstance(field, family):
            return type_
    return ColumnType.JSONB


class NotStorable(Exception):
    """A loaded value that its column cannot hold.

    `path` leads from the field to the place inside a nested value, outermost first.
    """

    def __init__(
        self, message: str, description: str | None = None, code: ErrorCode = NOT_STORABLE
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.description = description
        self.path: list[str] = []
        self.of_class: type | None = None
        """The class of the value, where that is what cannot be stored."""


Converter = Callable[[Any], Any]


def converter(type_: ColumnType, digits: int = ANY_DIGITS) -> Converter:
    """A function from a loaded value (never None) to what orjson writes for the column.

    Args:
        digits: the most digits of a number, written out.

    Raises (the function):
        NotStorable: PostgreSQL would refuse the value, or would not give it back unchanged.
    """
    if type_ in (ColumnType.NUMERIC, ColumnType.JSONB):
        bounded: Callable[..., Any] = _CONVERTERS[type_]
        return partial(bounded, digits=digits)
    return _CONVERTERS[type_]


def _text(value: Any) -> str:
    if isinstance(value, enum.Enum):
        value = value.name
    if not isinstance(value, str):
        raise _wrong(value, "a string")
    if "\0" in value:
        raise NotStorable("The NUL character cannot be stored.", "Remove \\u0000 from the text.")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise NotStorable("A lone surrogate cannot be stored.") from error
    return value


def _bigint(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(value, "an integer")
    if not INT64_MIN <= value <= INT64_MAX:
        raise NotStorable(
            "Integers beyond 64 bits cannot be stored.",
            f"Send a number from {INT64_MIN} to {INT64_MAX}.",
        )
    return value


def _double(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong(value, "a number")
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise NotStorable("Only finite numbers can be stored.")
    return float(value)


def _numeric(value: Any, digits: int = ANY_DIGITS) -> str:
    _require(value, Decimal, "a decimal number")
    if not value.is_finite():
        raise NotStorable("Only finite numbers can be stored.")
    before, after = max(value.adjusted() + 1, 1), max(-int(value.as_tuple().exponent), 0)
    if before > NUMERIC_DIGITS_BEFORE or after > NUMERIC_DIGITS_AFTER:
        raise NotStorable(
            "The number has too many digits to be stored.",
            f"At most {NUMERIC_DIGITS_BEFORE} digits before the decimal point "
            f"and {NUMERIC_DIGITS_AFTER} after it.",
        )
    if before + after > digits:
        raise NotStorable(
            f"The number has more than {digits} digits where it is written out.",
            "A few bytes with an exponent would become very many.",
            OUT_OF_RANGE,
        )
    return str(value)


def _boolean(value: Any) -> Any:
    return _require(value, bool, "a boolean")


def _uuid(value: Any) -> Any:
    return _require(value, uuid.UUID, "a UUID")


def _timestamptz(value: Any) -> str:
    _require(value, dt.datetime, "a date and time")
    if value.utcoffset() is None:
        raise NotStorable(
            "A date and time without an offset cannot be stored.",
            "Send an offset, such as 2026-11-22T10:00:00Z, or declare the field as NaiveDateTime.",
        )
    try:
        return str(value.astimezone(dt.UTC).isoformat())
    except OverflowError as error:
        raise NotStorable("The time is outside the years 1 to 9999 in UTC.") from error


def _timestamp(value: Any) -> str:
    _require(value, dt.datetime, "a date and time")
    if value.tzinfo is not None:
        raise NotStorable("An offset cannot be stored in this field.", "Send a time without one.")
    return str(value.isoformat())


def _date(value: Any) -> str:
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise _wrong(value, "a date")
    return value.isoformat()


def _time(value: Any) -> str:
    _require(value, dt.time, "a time")
    if value.tzinfo is not None:
        raise NotStorable("The offset of a time cannot be stored.", "Send a time without one.")
    return str(value.isoformat())


def _inet(value: Any) -> str:
    _require(value, ipaddress.IPv4Address | ipaddress.IPv6Address, "an IP address")
    if getattr(value, "scope_id", None) is not None:
        raise NotStorable("The zone of an IPv6 address cannot be stored.", "Leave out the %zone.")
    return str(value)


def json_value(value: Any, digits: int = ANY_DIGITS) -> Any:
    """A JSON value as orjson and jsonb can both hold it; dict keys become strings.

    Args:
        digits: the most digits of a number, written out.

    Raises:
        NotStorable: at the first place that cannot be held; `path` leads there.
    """
    kind = value.__class__
    if kind is str:
        return _text(value)
    if kind is int:
        return _bigint(value)
    if value is None or kind is bool:
        return value
    if kind is float:
        return _double(value)
    if kind is Decimal:
        return orjson.Fragment(_numeric(value, digits).encode())
    if isinstance(value, dict):
        return {
            _text(name): _step(name, each, digits)
            for name, each in ((json_key(key), each) for key, each in value.items())
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_step(str(index), each, digits) for index, each in enumerate(value)]
    if isinstance(value, enum.Enum):
        return json_value(value.value, digits)
    for base in (str, int, float, Decimal):
        if isinstance(value, base):
            return json_value(base(value), digits)
    try:
        return scalar_form(value)
    except NotExact:
        raise _wrong(value, "a JSON value") from None


def _step(name: str, value: Any, digits: int) -> Any:
    try:
        return json_value(value, digits)
    except NotStorable as error:
        error.path.insert(0, name)
        raise


def _require(value: Any, kind: Any, wanted: str) -> Any:
    if not isinstance(value, kind):
        raise _wrong(value, wanted)
    return value


def _wrong(value: Any, wanted: str) -> NotStorable:
    error = NotStorable(
        f"The field's value is stored as {wanted}, and was loaded as {type(value).__name__}.",
        "The schema loads this field into something that its column cannot hold.",
    )
    error.of_class = type(value)
    return error


_CONVERTERS: dict[ColumnType, Converter] = {
    ColumnType.TEXT: _text,
    ColumnType.BIGINT: _bigint,
    ColumnType.DOUBLE: _double,
    ColumnType.NUMERIC: _numeric,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.UUID: _uuid,
    ColumnType.TIMESTAMPTZ: _timestamptz,
    ColumnType.TIMESTAMP: _timestamp,
    ColumnType.DATE: _date,
    ColumnType.TIME: _time,
    ColumnType.INET: _inet,
    ColumnType.JSONB: json_value,
}
READ: dict[ColumnType, Converter] = {
    ColumnType.NUMERIC: Decimal,
    ColumnType.DOUBLE: float,
    ColumnType.UUID: uuid.UUID,
    ColumnType.TIMESTAMPTZ: dt.datetime.fromisoformat,
    ColumnType.TIMESTAMP: dt.datetime.fromisoformat,
    ColumnType.DATE: dt.date.fromisoformat,
    ColumnType.TIME: dt.time.fromisoformat,
    ColumnType.INET: ipaddress.ip_interface,
}
"""From what is stored, as JSON shows it, to the loaded value; the others are the same."""
