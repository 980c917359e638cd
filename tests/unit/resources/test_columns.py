"""Which column stores a field, and what it can hold."""

import datetime as dt
import ipaddress
import uuid
from collections import OrderedDict
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import orjson
import pytest
from marshmallow import Schema, fields

from ingest.resources.columns import ColumnType, NotStorable, column_type, converter, json_value


class Colour(Enum):
    red = 1
    blue = 2


class Level(IntEnum):
    low = 1


class Shout(fields.String):
    pass


class Odd(fields.Field[Any]):
    pass


TYPES: list[tuple[fields.Field[Any], str]] = [
    (fields.String(), "text"),
    (fields.Str(), "text"),
    (fields.Email(), "text"),
    (fields.Url(), "text"),
    (Shout(), "text"),
    (fields.Enum(Colour), "text"),
    (fields.Enum(Colour, by_value=True), "text"),
    (fields.Integer(), "bigint"),
    (fields.Float(), "double precision"),
    (fields.Decimal(), "numeric"),
    (fields.Boolean(), "boolean"),
    (fields.UUID(), "uuid"),
    (fields.DateTime(), "timestamp with time zone"),
    (fields.AwareDateTime(), "timestamp with time zone"),
    (fields.NaiveDateTime(), "timestamp without time zone"),
    (fields.Date(), "date"),
    (fields.Time(), "time without time zone"),
    (fields.IP(), "inet"),
    (fields.IPv4(), "inet"),
    (fields.IPv6Interface(), "inet"),
    (fields.List(fields.Integer()), "jsonb"),
    (fields.Dict(), "jsonb"),
    (fields.Nested(Schema()), "jsonb"),
    (fields.Tuple((fields.Integer(),)), "jsonb"),
    (fields.Raw(), "jsonb"),
    (Odd(), "jsonb"),
]


@pytest.mark.parametrize(("field", "type_"), TYPES, ids=lambda each: type(each).__name__)
def test_the_type_of_a_column(field: fields.Field[Any], type_: str) -> None:
    assert column_type(field).value == type_


def _at(hours: int) -> dt.timezone:
    return dt.timezone(dt.timedelta(hours=hours))


STORED: list[tuple[ColumnType, Any, Any]] = [
    (ColumnType.TEXT, "é\u2028😀", "é\u2028😀"),
    (ColumnType.TEXT, Colour.red, "red"),
    (ColumnType.BIGINT, 2**63 - 1, 2**63 - 1),
    (ColumnType.BIGINT, -(2**63), -(2**63)),
    (ColumnType.DOUBLE, 1, 1.0),
    (ColumnType.DOUBLE, 1.7976931348623157e308, 1.7976931348623157e308),
    (ColumnType.NUMERIC, Decimal("1.10"), "1.10"),
    (ColumnType.NUMERIC, Decimal("1E+131071"), "1E+131071"),
    (ColumnType.NUMERIC, Decimal("1E-16383"), "1E-16383"),
    (ColumnType.NUMERIC, Decimal("0E-20"), "0E-20"),
    (ColumnType.BOOLEAN, False, False),
    (ColumnType.UUID, uuid.UUID(int=5), uuid.UUID(int=5)),
    (
        ColumnType.TIMESTAMPTZ,
        dt.datetime(2026, 1, 1, 1, tzinfo=_at(2)),
        "2025-12-31T23:00:00+00:00",
    ),
    (ColumnType.TIMESTAMP, dt.datetime(1, 1, 1), "0001-01-01T00:00:00"),  # noqa: DTZ001
    (ColumnType.DATE, dt.date(9999, 12, 31), "9999-12-31"),
    (ColumnType.TIME, dt.time(23, 59, 59, 1), "23:59:59.000001"),
    (ColumnType.INET, ipaddress.ip_address("::1"), "::1"),
    (ColumnType.INET, ipaddress.ip_interface("10.0.0.1/8"), "10.0.0.1/8"),
    (ColumnType.JSONB, {"a": [1, None, True, "x", 1.5]}, {"a": [1, None, True, "x", 1.5]}),
]


@pytest.mark.parametrize(("type_", "value", "stored"), STORED)
def test_what_a_column_holds(type_: ColumnType, value: Any, stored: Any) -> None:
    assert converter(type_)(value) == stored


REFUSED: list[tuple[ColumnType, Any]] = [
    (ColumnType.TEXT, "a\0b"),
    (ColumnType.TEXT, "\ud800"),
    (ColumnType.TEXT, 5),
    (ColumnType.TEXT, b"x"),
    (ColumnType.BIGINT, 2**63),
    (ColumnType.BIGINT, -(2**63) - 1),
    (ColumnType.BIGINT, True),
    (ColumnType.BIGINT, 1.0),
    (ColumnType.BIGINT, "1"),
    (ColumnType.DOUBLE, float("nan")),
    (ColumnType.DOUBLE, float("-inf")),
    (ColumnType.DOUBLE, 10**400),
    (ColumnType.DOUBLE, True),
    (ColumnType.NUMERIC, Decimal("NaN")),
    (ColumnType.NUMERIC, Decimal("sNaN")),
    (ColumnType.NUMERIC, Decimal("-Infinity")),
    (ColumnType.NUMERIC, Decimal("1E+131072")),
    (ColumnType.NUMERIC, Decimal("1E-16384")),
    (ColumnType.NUMERIC, 1.5),
    (ColumnType.BOOLEAN, 1),
    (ColumnType.UUID, "0191d7a0-0000-7000-8000-00000000abcd"),
    (ColumnType.TIMESTAMPTZ, dt.datetime(2026, 1, 1)),  # noqa: DTZ001
    (ColumnType.TIMESTAMPTZ, dt.datetime(1, 1, 1, tzinfo=_at(14))),
    (ColumnType.TIMESTAMPTZ, dt.datetime(9999, 12, 31, 23, tzinfo=_at(-14))),
    (ColumnType.TIMESTAMP, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    (ColumnType.DATE, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    (ColumnType.TIME, dt.time(1, tzinfo=dt.UTC)),
    (ColumnType.INET, ipaddress.ip_address("fe80::1%eth0")),
    (ColumnType.INET, ipaddress.ip_network("10.0.0.0/8")),
    (ColumnType.JSONB, object()),
    (ColumnType.JSONB, b"x"),
]


@pytest.mark.parametrize(("type_", "value"), REFUSED)
def test_what_a_column_cannot_hold(type_: ColumnType, value: Any) -> None:
    with pytest.raises(NotStorable) as raised:
        converter(type_)(value)
    assert raised.value.message.endswith(".")
    assert raised.value.path == []


def test_a_moment_without_an_offset_says_what_to_do() -> None:
    with pytest.raises(NotStorable) as raised:
        converter(ColumnType.TIMESTAMPTZ)(dt.datetime(2026, 1, 1))  # noqa: DTZ001
    assert "offset" in (raised.value.description or "")
    assert "NaiveDateTime" in (raised.value.description or "")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [0, {"b": "\0"}]}, ["a", "1", "b"]),
        ([[2**63]], ["0", "0"]),
        ({1: float("inf")}, ["1"]),
        ((1, Decimal("NaN")), ["1"]),
        ({"a": {"b": object()}}, ["a", "b"]),
    ],
)
def test_the_place_inside_a_nested_value_is_named(value: Any, path: list[str]) -> None:
    with pytest.raises(NotStorable) as raised:
        json_value(value)
    assert raised.value.path == path


def test_a_name_with_a_nul_is_refused() -> None:
    with pytest.raises(NotStorable):
        json_value({"a": {"b\0": 1}})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1.10"), b"1.10"),
        ({2: 1, True: 0}, b'{"2":1,"true":0}'),
        ((1, "x"), b'[1,"x"]'),
        ({uuid.UUID(int=1)}, b'["00000000-0000-0000-0000-000000000001"]'),
        (Colour.blue, b"2"),
        (Level.low, b"1"),
        (OrderedDict(b=1, a=2), b'{"b":1,"a":2}'),
        (dt.date(2026, 1, 2), b'"2026-01-02"'),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), b'"2026-01-02T00:00:00+00:00"'),
        (1e300, b"1e+300"),
    ],
)
def test_values_inside_json(value: Any, written: bytes) -> None:
    assert orjson.dumps(json_value(value), option=orjson.OPT_NON_STR_KEYS) == written
