"""What travels to its column as it was sent is read there as what its field loads of it."""

import datetime as dt
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import fields

from ingest.resources.as_sent import AS_SENT, is_read_as
from ingest.resources.columns import ColumnType
from ingest.store.pool import Pool

FIELDS: dict[ColumnType, fields.Field[Any]] = {
    ColumnType.TIMESTAMPTZ: fields.AwareDateTime(),
    ColumnType.TIMESTAMP: fields.NaiveDateTime(),
    ColumnType.TIME: fields.Time(),
    ColumnType.DOUBLE: fields.Float(),
    ColumnType.NUMERIC: fields.Decimal(),
}
AS_IT_IS = [
    (ColumnType.TIMESTAMPTZ, "2026-11-29T10:00:00Z"),
    (ColumnType.TIMESTAMPTZ, "2026-11-29T10:00:56.055+00:00"),
    (ColumnType.TIMESTAMPTZ, "2026-11-29 23:59:59.999999-14:59"),
    (ColumnType.TIMESTAMPTZ, "1000-01-01T00:00:00+14:59"),
    (ColumnType.TIMESTAMPTZ, "2999-12-31T23:59:59.1-14:59"),
    (ColumnType.TIMESTAMPTZ, "2024-02-29T12:30:00.500+05:45"),
    (ColumnType.TIMESTAMP, "2026-11-29T10:00:00"),
    (ColumnType.TIMESTAMP, "2026-11-29 10:00:00.5"),
    (ColumnType.TIME, "10:00:00"),
    (ColumnType.TIME, "23:59:59.120"),
    (ColumnType.DOUBLE, 0),
    (ColumnType.DOUBLE, -(2**53)),
    (ColumnType.NUMERIC, 12.5),
    (ColumnType.NUMERIC, 1e22),
    (ColumnType.NUMERIC, -0.0001),
    (ColumnType.NUMERIC, 2**63 - 1),
]
CONVERTED = [
    (ColumnType.TIMESTAMPTZ, "2026-11-29T10:00Z"),
    (ColumnType.TIMESTAMPTZ, "2026-11-29T10:00:00.1234567Z"),
    (ColumnType.TIMESTAMPTZ, "0001-01-01T00:00:00+14:00"),
    (ColumnType.TIMESTAMPTZ, "2026-11-29T10:00:00+15:30"),
    (ColumnType.TIMESTAMPTZ, "2026-11-29T10:00:00+0100"),
    (ColumnType.TIMESTAMPTZ, "20261129T100000Z"),
    (ColumnType.TIMESTAMPTZ, "2026-W48-7T10:00:00Z"),
    (ColumnType.TIMESTAMPTZ, "2026-11-29T10:00:00.5+01:00:30"),
    (ColumnType.TIMESTAMP, "2026-11-29T10:00"),
    (ColumnType.TIME, "10:00"),
    (ColumnType.DOUBLE, 2**53 + 2),
    (ColumnType.DOUBLE, "5"),
    (ColumnType.NUMERIC, "1.5"),
    (ColumnType.NUMERIC, 2**63),
]
_READ = """
SELECT value::text FROM json_to_recordset($1::text::json) AS given (value {kind})
"""


async def read(pool: Pool, kind: ColumnType, sent: Any) -> str:
    """What a column makes of a value in a record, as PostgreSQL writes it in UTC."""
    async with pool.transaction("acme") as connection:
        text = orjson.dumps([{"value": sent}]).decode()
        found: str = await connection.fetchval(_READ.format(kind=kind.value), text)
        return found


def test_every_kind_that_is_taken_as_it_was_sent_is_looked_at() -> None:
    assert FIELDS.keys() == AS_SENT


@pytest.mark.parametrize(("kind", "sent"), AS_IT_IS)
async def test_it_is_stored_as_what_its_field_loads(
    operator: Pool, kind: ColumnType, sent: Any
) -> None:
    loaded = FIELDS[kind].deserialize(sent)
    assert is_read_as(kind, loaded, sent)
    written = loaded if kind is ColumnType.DOUBLE else str(loaded)
    assert await read(operator, kind, sent) == await read(operator, kind, written)


@pytest.mark.parametrize(("kind", "sent"), CONVERTED)
def test_other_forms_are_converted(kind: ColumnType, sent: Any) -> None:
    assert not is_read_as(kind, FIELDS[kind].deserialize(sent), sent)


@pytest.mark.parametrize(
    ("kind", "sent", "loaded"),
    [
        (
            ColumnType.TIMESTAMPTZ,
            "2026-11-29T10:00:00Z",
            dt.datetime(2026, 11, 29, 11, tzinfo=dt.UTC),
        ),
        (ColumnType.TIMESTAMP, "2026-11-29T10:00:00", dt.datetime(2026, 11, 29, tzinfo=dt.UTC)),
        (ColumnType.NUMERIC, 12.5, Decimal("12.50")),
        (ColumnType.NUMERIC, 12.345, Decimal("12.35")),
        (ColumnType.DOUBLE, 5, 6.0),
    ],
)
def test_what_is_loaded_as_something_else_is_converted(
    kind: ColumnType, sent: Any, loaded: Any
) -> None:
    assert not is_read_as(kind, loaded, sent)


@settings(max_examples=300, deadline=None)
@given(
    moment=st.datetimes(dt.datetime(1000, 1, 2), dt.datetime(2999, 12, 30)),  # noqa: DTZ001
    minutes=st.integers(-14 * 60 - 59, 14 * 60 + 59),
    digits=st.integers(0, 6),
)
def test_any_moment_that_matches_is_the_one_that_is_loaded(
    moment: dt.datetime, minutes: int, digits: int
) -> None:
    fraction = f".{moment.microsecond:06}"[: digits + 1] if digits else ""
    sign, (hours, rest) = "-+"[minutes >= 0], divmod(abs(minutes), 60)
    text = f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}{sign}{hours:02}:{rest:02}"
    assert is_read_as(ColumnType.TIMESTAMPTZ, dt.datetime.fromisoformat(text), text)
