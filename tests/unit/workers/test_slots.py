"""Commits run in slots: bounded, not cancelled with their jobs, drained at the end."""

import asyncio

import pytest

from workers.slots import Slots


class Commit:
    """A commit that waits until it may go on."""

    def __init__(self) -> None:
        self.started, self.go_on, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        self.started.set()
        await self.go_on.wait()
        self.ended.set()


async def test_no_more_run_than_there_are_slots() -> None:
    slots, first, second = Slots(1), Commit(), Commit()
    await slots.start(first)
    starting = asyncio.create_task(slots.start(second))
    await first.started.wait()
    assert not starting.done()
    assert not second.started.is_set()
    first.go_on.set()
    await starting
    await second.started.wait()
    second.go_on.set()
    await slots.drain(10)


async def test_a_cancelled_job_does_not_cancel_its_commit() -> None:
    slots, commit = Slots(1), Commit()

    async def job() -> None:
        await (await slots.start(commit))

    task = asyncio.create_task(job())
    await commit.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    commit.go_on.set()
    await slots.drain(10)
    assert commit.ended.is_set()


async def test_what_outlasts_the_grace_is_cancelled() -> None:
    slots, commit = Slots(1), Commit()
    await slots.start(commit)
    await slots.drain(0)
    assert not commit.ended.is_set()
    await slots.start(Commit())  # the slot is free again
    await slots.drain(0)
