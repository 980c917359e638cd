"""How fast a backlog drains, and the Retry-After that follows from it."""

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ingest.batches import backlog
from ingest.batches.backlog import Backlog
from ingest.batches.drain_rate import DrainRate
from ingest.errors import BodyTooLarge, Overloaded
from ingest.settings import Settings
from ingest.store.backlog import Pending, Waiting
from ingest.store.pool import Pool, open_pool
from tests.waiting import TIMEOUT, until

BOUND = 100
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def pending(items: int, known: int = 0) -> Pending:
    """Batches of one item of ten bytes."""
    return Pending(items, items, 10 * items, known, 10 * known)


def waiting(second: float, *accounts: Pending) -> Waiting:
    """A backlog at a time of ours, of accounts `a0`, `a1`, …"""
    asked_at = NOON + dt.timedelta(seconds=second)
    items = sum(each.items for each in accounts)
    return Waiting(
        total=pending(items, sum(each.known_items for each in accounts)),
        accounts={f"a{number}": each for number, each in enumerate(accounts)},
        oldest=NOON if items else None,
        newest=asked_at if items else None,
        asked_at=asked_at,
        seconds=0.001,
    )


def learn(rate: DrainRate, since: float, before: Pending, until_: float, now: Pending) -> None:
    rate.add(before, now, NOON + dt.timedelta(seconds=since), NOON + dt.timedelta(seconds=until_))


def test_the_rate_is_what_is_gone_of_the_earlier_backlog() -> None:
    rate = DrainRate()
    learn(rate, 0, pending(1000), 1, pending(5000, known=700))  # 4,300 came, which does not count
    assert (rate.items, rate.bytes) == (300, 3000)
    learn(rate, 1, pending(5000), 3, pending(4500, known=4500))
    assert rate.items == pytest.approx((300 + 500) / 3)


def test_the_rate_forgets() -> None:
    rate = DrainRate()
    learn(rate, 0, pending(1000), 1, pending(0, known=0))
    assert rate.items == 1000
    learn(rate, 8, pending(500), 9.5, pending(500, known=500))
    assert rate.items == 1000 / 2.5
    learn(rate, 9.5, pending(500), 12, pending(500, known=500))
    assert rate.items == 0


def test_two_readings_that_are_far_apart_count_until_the_next() -> None:
    """Without writes, Prometheus alone has the backlog read, four times a minute."""
    rate = DrainRate()
    learn(rate, 0, pending(90_000), 15, pending(60_000, known=60_000))
    assert (rate.items, rate.bytes) == (2_000, 20_000)
    learn(rate, 15, pending(60_000), 30, pending(15_000, known=15_000))
    assert rate.items == 3_000
    learn(rate, 30, pending(15_000), 31, pending(14_000, known=14_000))
    assert rate.items == 1_000


def test_without_a_backlog_nothing_is_learnt() -> None:
    rate = DrainRate()
    learn(rate, 0, pending(0), 1, pending(10))
    assert rate.items is None


def test_a_backlog_that_was_gone_when_it_was_read_tells_nothing() -> None:
    rate = DrainRate()
    learn(rate, 0, pending(1_000), 15, pending(700, known=700))
    learn(rate, 15, pending(700), 500, pending(5_000))  # no reading for minutes
    assert rate.items is None


async def reading(
    monkeypatch: pytest.MonkeyPatch, pool: Pool, settings: Settings, readings: list[Waiting]
) -> Backlog:
    """A backlog that has taken these readings."""

    async def read(*_: object) -> Waiting:
        return readings.pop(0)

    monkeypatch.setattr(backlog, "read_waiting", read)
    writes = Backlog(pool, settings)

    async def is_read() -> bool:
        await writes.refresh(TIMEOUT)
        return not readings

    await until(is_read)
    return writes


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    async with open_pool(bounded()) as opened:
        yield opened


def bounded(**more: Any) -> Settings:
    return Settings(database_url="", redis_url="", max_backlog_items=BOUND, **more)


@pytest.mark.parametrize(
    ("excess", "rate", "seconds"),
    [(10, 100, 1), (150, 100, 2), (100_000, 100, 60), (10, 0, 60), (10, None, 5)],
)
@pytest.mark.parametrize("share", [1.0, 0.8])
async def test_retry_after_is_the_time_that_draining_takes(
    monkeypatch: pytest.MonkeyPatch,
    pool: Pool,
    share: float,
    excess: int,
    rate: int | None,
    seconds: int,
) -> None:
    """Until there is room for a tenth of the bound, at the rate of the last readings."""
    items = int(BOUND * share) * 9 // 10 + excess
    readings = [waiting(1, pending(items, known=items))]
    if rate is not None:
        readings.insert(0, waiting(0, pending(items + rate)))
    writes = await reading(monkeypatch, pool, bounded(account_share=share), readings)
    with pytest.raises(Overloaded) as refused:
        writes.check("a0", "contacts")
    assert refused.value.retry_after == seconds


async def test_an_account_at_its_share_leaves_room_for_others(
    monkeypatch: pytest.MonkeyPatch, pool: Pool
) -> None:
    writes = await reading(monkeypatch, pool, bounded(), [waiting(0, pending(10 * BOUND))])
    with pytest.raises(Overloaded, match="this account"):
        writes.check("a0", "contacts")
    writes.check("a1", "contacts")
    writes.accepted("a1", BOUND // 5 - 1, 1)
    writes.check("a2", "contacts")
    writes.accepted("a1", 1, 1)
    with pytest.raises(Overloaded, match="what was accepted"):
        writes.check("a2", "contacts")


async def test_what_is_staged_counts_until_it_is_accepted_or_given_up(
    monkeypatch: pytest.MonkeyPatch, pool: Pool
) -> None:
    writes = await reading(monkeypatch, pool, bounded(), [waiting(0)])
    with writes.staging("a0", "contacts") as room:
        room.take(BOUND, 1, saves=True)
        room.take(BOUND, 1, saves=True)  # it does not stand in its own way
        with pytest.raises(Overloaded), writes.staging("a0", "contacts") as other:
            other.take(1, 1, saves=True)
        with writes.staging("a0", "contacts") as tried:
            tried.take(1, 1, saves=False)
    writes.check("a0", "contacts")


async def test_what_can_never_fit_is_too_large(monkeypatch: pytest.MonkeyPatch, pool: Pool) -> None:
    settings = bounded(max_backlog_bytes=1000)
    writes = await reading(monkeypatch, pool, settings, [waiting(0)])
    with writes.staging("a0", "contacts") as room:
        room.take(1, 800, saves=True)
        with pytest.raises(BodyTooLarge, match="more than 800 bytes"):
            room.take(1, 1, saves=True)
