"""Tasks end when they are asked to, and finish what must be finished first."""

import asyncio

import pytest

from ingest.tasks import end, finish


async def test_a_task_that_swallows_a_cancellation_is_asked_again() -> None:
    asked = 0

    async def stubborn() -> None:
        nonlocal asked
        while asked < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                asked += 1

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end([task])
    assert asked == 2
    assert task.done()


async def test_cancelled_twice_the_work_is_finished_and_then_the_task_is_cancelled() -> None:
    may_close, closed = asyncio.Event(), False

    async def close() -> None:
        nonlocal closed
        await may_close.wait()
        closed = True

    task = asyncio.create_task(finish(close()))
    for _ in range(2):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    may_close.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed


async def test_what_ends_the_work_is_raised() -> None:
    async def fail() -> None:
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        await finish(fail())
