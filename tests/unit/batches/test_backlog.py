"""How fast a backlog drains, and the Retry-After that follows from it."""

import datetime as dt

import pytest

from ingest.batches import backlog
from ingest.batches.backlog import Backlog, DrainRate
from ingest.errors import Overloaded
from ingest.settings import Settings
from ingest.store.backlog import Waiting
from ingest.store.pool import open_pool
from tests.waiting import TIMEOUT, until

BOUND = 100
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def waiting(second: float, items: int, known: int = 0) -> Waiting:
    """A backlog at a time of ours, in batches of one item of ten bytes."""
    asked_at = NOON + dt.timedelta(seconds=second)
    return Waiting(
        batches=items,
        items=items,
        bytes=10 * items,
        oldest=NOON if items else None,
        newest=asked_at if items else None,
        known_items=known,
        known_bytes=10 * known,
        asked_at=asked_at,
        seconds=0.001,
    )


def test_the_rate_is_what_is_gone_of_the_earlier_backlog() -> None:
    rate = DrainRate()
    rate.add(waiting(0, 1000), waiting(1, 5000, known=700))  # 4,300 came, which does not count
    assert (rate.items, rate.bytes) == (300, 3000)
    rate.add(waiting(1, 5000), waiting(3, 4500, known=4500))
    assert rate.items == pytest.approx((300 + 500) / 3)


def test_the_rate_forgets() -> None:
    rate = DrainRate()
    rate.add(waiting(0, 1000), waiting(1, 0, known=0))
    assert rate.items == 1000
    rate.add(waiting(8, 500), waiting(9.5, 500, known=500))
    assert rate.items == 1000 / 2.5
    rate.add(waiting(9.5, 500), waiting(12, 500, known=500))
    assert rate.items == 0


def test_two_readings_that_are_far_apart_count_until_the_next() -> None:
    """Without writes, Prometheus alone has the backlog read, four times a minute."""
    rate = DrainRate()
    rate.add(waiting(0, 90_000), waiting(15, 60_000, known=60_000))
    assert (rate.items, rate.bytes) == (2_000, 20_000)
    rate.add(waiting(15, 60_000), waiting(30, 15_000, known=15_000))
    assert rate.items == 3_000
    rate.add(waiting(30, 15_000), waiting(31, 14_000, known=14_000))
    assert rate.items == 1_000


def test_without_a_backlog_nothing_is_learnt() -> None:
    rate = DrainRate()
    rate.add(waiting(0, 0), waiting(1, 10))
    assert rate.items is None


def test_a_backlog_that_was_gone_when_it_was_read_tells_nothing() -> None:
    rate = DrainRate()
    rate.add(waiting(0, 1_000), waiting(15, 700, known=700))
    rate.add(waiting(15, 700), waiting(500, 5_000))  # no reading for minutes
    assert rate.items is None


@pytest.mark.parametrize(
    ("excess", "rate", "seconds"),
    [(10, 100, 1), (150, 100, 2), (100_000, 100, 60), (10, 0, 60), (10, None, 5)],
)
async def test_retry_after_is_the_time_that_draining_takes(
    monkeypatch: pytest.MonkeyPatch, excess: int, rate: int | None, seconds: int
) -> None:
    """Until there is room for a tenth of the bound, at the rate of the last readings."""
    items = BOUND * 9 // 10 + excess
    readings = [waiting(1, items, known=items)]
    if rate is not None:
        readings.insert(0, waiting(0, items + rate))

    async def read(*_: object) -> Waiting:
        return readings.pop(0)

    monkeypatch.setattr(backlog, "read_waiting", read)
    settings = Settings(database_url="", redis_url="", max_backlog_items=BOUND)
    async with open_pool(settings) as pool:
        writes = Backlog(pool, settings)

        async def is_read() -> bool:
            await writes.refresh(TIMEOUT)
            return not readings

        await until(is_read)
        with pytest.raises(Overloaded) as refused:
            writes.check("contacts")
    assert refused.value.retry_after == seconds
