"""What a window says it allows, and when, against the library's own arithmetic over time."""

import math
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis

from ingest.access.rates import Rates, Window
from ingest.access.rights import Caller
from ingest.errors import ConfigurationError
from ingest.redis import open_redis
from ingest.settings import Settings


def _allows(window: Window, items: int, later: float) -> bool:
    """What the library's script decides after `later` seconds without any request."""
    if later < window.rest:
        previous, current, rest = window.previous, window.current, window.rest - later
    else:
        over = later - window.rest
        previous, current, rest = window.current, 0, max(0.0, window.length - over)
    return math.floor(previous * rest / window.length) + current + items <= window.limit


windows = st.builds(
    Window,
    limit=st.integers(1, 1000),
    length=st.sampled_from([1.0, 2.0, 60.0]),
    previous=st.integers(0, 1000),
    current=st.integers(0, 1000),
    rest=st.floats(0, 1),
)


@given(windows, st.integers(1, 1000))
def test_waiting_that_long_succeeds_and_not_much_less_would(window: Window, items: int) -> None:
    items = min(items, window.limit)
    wait = window.seconds_until(items)
    assert _allows(window, items, wait)
    assert wait <= 2 * window.length + 1
    if wait > 0.05:
        assert not _allows(window, items, wait - 0.05)


@given(windows)
def test_what_is_left_is_allowed_at_once(window: Window) -> None:
    if window.left:
        assert window.seconds_until(window.left) == 0
    if window.left < window.limit:
        assert window.seconds_until(window.left + 1) > 0


@pytest.mark.parametrize("text", ["fast", "10", "0/second", "-1/second", "10/fortnight", "/second"])
async def test_rates_that_are_none_are_refused_by_name(text: str) -> None:
    settings = Settings(
        database_url="postgresql://nowhere", redis_url="redis://nowhere", rate_limit=text
    )
    async with open_redis(settings) as link:
        with pytest.raises(ConfigurationError, match="INGEST_RATE_LIMIT"):
            Rates(settings, link)


LIMIT, LENGTH = 100, 60
CALLER = Caller(UUID(int=1), "acme", "writer", {})


async def test_it_counts_as_the_library_does(settings: Settings) -> None:
    """On the same counters, one of which has just become the previous one."""
    async with open_redis(settings) as link:
        rates = Rates(replace(settings, rate_limit=f"{LIMIT}/minute"), link)
        [(policy, item)] = rates.limits
        pool: Any = link.pool
        storage = RedisStorage(
            "redis://", implementation="redispy", key_prefix="ingest:rate", connection_pool=pool
        )
        library = SlidingWindowCounterRateLimiter(storage)
        identity = (policy, str(CALLER.token))
        assert not (await rates.charge(CALLER, 60)).wait
        assert (await library.get_window_stats(item, *identity)).remaining == LIMIT - 60
        assert await library.hit(item, *identity, cost=30)
        assert (await rates.charge(CALLER, 20)).wait
        key = f"ingest:rate:{{{item.key_for(*identity)}}}"
        redis = Redis(connection_pool=link.pool)
        await redis.pexpire(key, LENGTH * 1000 - 1)  # its window is over
        charge = await rates.charge(CALLER, 1)
        assert not charge.wait
        remaining = (await library.get_window_stats(item, *identity)).remaining
        assert abs(remaining - charge.remaining[0].left) <= 2, (
            "the previous one has faded meanwhile"
        )
        assert await redis.get(key) == b"1"
