"""An account that works much rests while others have requests under way, and only then."""

import asyncio
import contextlib
import gc
import time
import weakref

import pytest

from ingest.loop_time import LoopTime

WORK = 0.03  # seconds, more than any account may owe


async def test_who_has_worked_rests_for_twice_as_long() -> None:
    loop_time = LoopTime()
    with loop_time.under_way("a"), loop_time.under_way("flood"):
        loop_time.spend("flood", WORK)
        began = time.monotonic()
        await loop_time.turn("flood")
        assert time.monotonic() - began > WORK


async def test_others_do_not_rest() -> None:
    loop_time = LoopTime()
    with loop_time.under_way("a"), loop_time.under_way("flood"):
        loop_time.spend("flood", 1000.0)
        resting = asyncio.create_task(loop_time.turn("flood"))
        await loop_time.turn("a")
        assert not resting.done()
        resting.cancel()


async def test_an_account_that_is_alone_does_not_rest() -> None:
    loop_time = LoopTime()
    with loop_time.under_way("flood"):
        loop_time.spend("flood", 1000.0)
        with loop_time.under_way("a"):
            async with asyncio.timeout(WORK):
                await loop_time.turn("flood")


async def test_it_goes_on_soon_once_the_others_have_gone() -> None:
    loop_time = LoopTime()
    with loop_time.under_way("flood"):
        with loop_time.under_way("a"):
            loop_time.spend("flood", 1000.0)
            resting = asyncio.create_task(loop_time.turn("flood"))
            await asyncio.sleep(0)
        async with asyncio.timeout(2):  # and not for thousands of seconds
            await resting


async def test_its_requests_go_on_one_after_another() -> None:
    loop_time = LoopTime()
    done = 0

    async def work() -> None:
        nonlocal done
        await loop_time.turn("flood")
        loop_time.spend("flood", 1000.0)
        done += 1

    with loop_time.under_way("a"), loop_time.under_way("flood"):
        loop_time.spend("flood", WORK)
        tasks = [asyncio.create_task(work()) for _ in range(5)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)
        assert done == 1
        for task in tasks:
            task.cancel()


async def test_what_a_coroutine_takes_is_counted_and_its_result_is_passed_on() -> None:
    loop_time = LoopTime()

    async def work() -> str:
        ends = time.thread_time() + WORK
        while time.thread_time() < ends:
            pass
        await asyncio.sleep(0)
        return "done"

    with loop_time.under_way("a"), loop_time.under_way("flood"):
        assert await loop_time.counted("flood", work()) == "done"
        began = time.monotonic()
        await loop_time.turn("flood")
        assert time.monotonic() - began > WORK / 2


async def test_a_counted_coroutine_raises_and_is_cancelled_as_it_is() -> None:
    loop_time = LoopTime()
    ended: list[str] = []

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("its own")

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("finally")

    async def run(work: object) -> None:
        await loop_time.counted("flood", work)  # type: ignore[arg-type]

    with loop_time.under_way("a"), loop_time.under_way("flood"):
        with pytest.raises(ValueError, match="its own"):
            await run(fail())
        task = asyncio.create_task(run(wait()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ended == ["finally"]


async def test_a_thread_rests_too() -> None:
    loop_time = LoopTime()
    assert not loop_time.is_beside
    assert await asyncio.to_thread(lambda: loop_time.is_beside)
    with loop_time.under_way("a"), loop_time.under_way("flood"):
        loop_time.spend("flood", WORK)
        began = time.monotonic()
        await asyncio.to_thread(loop_time.rest, "flood")
        assert time.monotonic() - began > WORK


async def test_an_error_keeps_nothing_of_a_counted_coroutine() -> None:
    """What a refused request held must be free before cycles are looked for."""
    loop_time = LoopTime()

    class Body:
        """What takes much memory."""

    bodies: list[weakref.ref[Body]] = []

    def refuse() -> None:
        raise ValueError("in a thread")

    async def fail() -> None:
        body = Body()
        bodies.append(weakref.ref(body))
        await asyncio.to_thread(refuse)

    gc.disable()
    try:
        with contextlib.suppress(ValueError):
            await loop_time.counted("flood", fail())
        async with asyncio.timeout(10):
            while bodies[0]() is not None:  # noqa: ASYNC110 - the thread lets go by itself
                await asyncio.sleep(0)
    finally:
        gc.enable()
