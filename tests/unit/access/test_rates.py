"""What a window says it allows, and when, against the library's own arithmetic over time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.access.rates import Rates, Window
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
