"""Values that would be loaded as another one, and those that are only written differently."""

from enum import Enum
from typing import Any

import pytest
from marshmallow import fields

from ingest.resources.identity import alters


class Colour(Enum):
    red = 1


ALTERED: list[tuple[fields.Field[Any], Any]] = [
    (fields.Integer(), 1.5),
    (fields.Decimal(places=2), "1.005"),
    (fields.Float(), 2**53 + 1),
    (fields.Time(), "10:00:00.1234567"),
    (fields.DateTime(), "2026-11-22T10:00:00.0000001Z"),
    (fields.NaiveDateTime(format="timestamp"), 1.0000001),
    (fields.Date(format="%Y-%m-%d %H"), "2026-11-22 10"),
    (fields.Time(format="%d %H"), "22 10"),
    (fields.Enum(Colour, by_value=True), True),
    (fields.Enum(Colour, by_value=fields.Integer()), 1.5),
]
KEPT: list[tuple[fields.Field[Any], Any]] = [
    (fields.Integer(), "5"),
    (fields.Integer(), 5.0),
    (fields.Integer(post_load=[abs]), 1.5),
    (fields.Decimal(places=2), "1.5"),
    (fields.Float(), "0.1"),
    (fields.Time(), "10:00:00.1234560"),
    (fields.DateTime(), "2026-11-22T10:00:00.123456+02:00"),
    (fields.NaiveDateTime(format="timestamp"), 1700000000.123456),
    (fields.UUID(), "0191D7A0-0000-7000-8000-00000000ABCD"),
    (fields.Enum(Colour), "red"),
    (fields.Integer(), "x"),
    (fields.Integer(), None),
]


# Python 3.13 warns of a day without a year, which users may declare.
@pytest.mark.filterwarnings("ignore:Parsing dates involving a day of month:DeprecationWarning")
@pytest.mark.parametrize(("field", "sent"), ALTERED)
def test_a_value_that_is_loaded_as_another(field: fields.Field[Any], sent: Any) -> None:
    assert alters(field, sent)


@pytest.mark.parametrize(("field", "sent"), KEPT)
def test_a_value_that_is_only_written_differently(field: fields.Field[Any], sent: Any) -> None:
    assert not alters(field, sent)
