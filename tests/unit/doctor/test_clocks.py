"""Clocks that are compared across a call."""

import time

import pytest

from ingest.doctor.clocks import difference


@pytest.mark.parametrize("ahead", [-90.0, 90.0])
async def test_another_clock_is_off_by_what_no_call_explains(ahead: float) -> None:
    async def theirs() -> float:
        return time.time() + ahead

    assert await difference(theirs) == pytest.approx(ahead, abs=1)


async def test_the_time_of_the_call_itself_is_no_difference() -> None:
    assert await difference(_now) == 0


async def _now() -> float:
    return time.time()
