"""Texts in URLs, of filters and keys, as values of their column."""

import datetime as dt
import uuid
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from marshmallow import fields

from ingest.resources.columns import column_type
from ingest.resources.url_values import parse


class Colour(Enum):
    red = 1
    blue = 2


READ: list[tuple[fields.Field[Any], str, Any]] = [
    (fields.String(), "a", "a"),
    (fields.String(), "", ""),
    (fields.Integer(), "-5", -5),
    (fields.Float(), "1e-1", 0.1),
    (fields.Decimal(), "1.10", Decimal("1.10")),
    (fields.Boolean(), "false", False),
    (
        fields.UUID(),
        "0191D7A000007000800000000000ABCD",
        uuid.UUID("0191d7a0-0000-7000-8000-00000000abcd"),
    ),
    (fields.DateTime(), "2026-01-01T00:00:00Z", dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    (fields.DateTime(), "2026-01-01T02:00:00 02:00", dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    (fields.NaiveDateTime(), "2026-01-01T00:00", dt.datetime(2026, 1, 1)),  # noqa: DTZ001
    (fields.Date(), "2026-01-01", dt.date(2026, 1, 1)),
    (fields.Time(), "10:00", dt.time(10)),
    (fields.Date(format="%d/%m/%Y"), "29/02/2024", dt.date(2024, 2, 29)),
    (fields.Date(format="%d/%m/%Y"), "2024-02-29", dt.date(2024, 2, 29)),
    (fields.Time(format="%Hh%M"), "10h05", dt.time(10, 5)),
    (
        fields.NaiveDateTime(format="%d.%m.%Y %H:%M"),
        "01.02.2024 10:00",
        dt.datetime(2024, 2, 1, 10),  # noqa: DTZ001
    ),
    (
        fields.DateTime(format="rfc"),
        "Thu, 29 Feb 2024 10:00:00 +0000",
        dt.datetime(2024, 2, 29, 10, tzinfo=dt.UTC),
    ),
    (fields.Boolean(truthy={"ja"}, falsy={"nein"}), "ja", True),
    (fields.Boolean(), "True", True),
    (fields.Enum(Colour), "red", "red"),
    (fields.Enum(Colour, by_value=True), "1", "red"),
]


@pytest.mark.parametrize(("field", "text", "value"), READ)
def test_a_text_in_a_url_is_read(field: fields.Field[Any], text: str, value: Any) -> None:
    assert parse(field, column_type(field), text) == value


UNREAD: list[tuple[fields.Field[Any], str]] = [
    (fields.String(), "\0"),
    (fields.String(), "\udcff"),
    *((fields.Integer(), text) for text in ("", "x", "1.0", "1_0", "٣", "9" * 5000, str(2**63))),
    *((fields.Float(), text) for text in ("", "x", "nan", "inf", "1_0", "1e999")),
    *((fields.Decimal(), text) for text in ("", "x", "NaN", "Infinity", "1e999999", "1_0")),
    *((fields.Boolean(), text) for text in ("", "maybe", "tRue")),
    *((fields.UUID(), text) for text in ("", "x", "0191d7a0")),
    *((fields.DateTime(), text) for text in ("", "x", "2026-01-01", "2026-01-01T00:00:00")),
    (fields.DateTime(), "9999-12-31T23:59:59-23:00"),
    (fields.NaiveDateTime(), "2026-01-01T00:00:00Z"),
    *((fields.Date(), text) for text in ("", "x", "2023-02-29", "2026-01-01T00:00")),
    *((fields.Time(), text) for text in ("", "x", "25:00", "10:00Z", "10:00:00.0000001")),
    (fields.DateTime(), "2026-01-01T00:00:00.1234567Z"),
    (fields.NaiveDateTime(), "2026-01-01T00:00:00,1234567"),
    *((fields.IP(), text) for text in ("", "x", "1.2.3.4.5")),
    *((fields.Enum(Colour), text) for text in ("", "1", "Red")),
]


@pytest.mark.parametrize(("field", "text"), UNREAD)
def test_a_text_that_no_stored_value_could_equal(field: fields.Field[Any], text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the caller tells it apart by its type alone
        parse(field, column_type(field), text)
