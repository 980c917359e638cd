"""Tasks end when they are asked to, and finish what must be finished first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from ingest.tasks import ahead, end, finish


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


async def test_the_next_value_is_made_while_one_is_used() -> None:
    made: list[int] = []

    async def numbers() -> AsyncIterator[int]:
        for number in range(3):
            made.append(number)
            yield number

    seen = []
    async with aclosing(ahead(numbers())) as values:
        async for number in values:
            await asyncio.sleep(0)
            seen.append((number, [*made]))
    assert seen == [(0, [0, 1]), (1, [0, 1, 2]), (2, [0, 1, 2])]


async def test_what_was_made_ahead_ends_with_its_reader() -> None:
    stopped = asyncio.Event()

    async def numbers() -> AsyncIterator[int]:
        yield 1
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with aclosing(ahead(numbers())) as values:
        async for _ in values:
            await asyncio.sleep(0)
            break
    assert stopped.is_set()


async def test_an_error_of_what_is_made_ahead_is_raised() -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1
        raise ValueError("no more")

    values = ahead(numbers())
    assert await anext(values) == 1
    with pytest.raises(ValueError, match="no more"):
        await anext(values)
