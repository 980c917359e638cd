"""Calls that are made together."""

import asyncio
from collections.abc import Sequence

import pytest

from ingest.batches.coalescing import Coalescer


class Recorder:
    """Answers questions with themselves when it is let, and remembers which came together."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[str]]] = []
        self.may_answer = asyncio.Event()

    async def together(self, account: str, asked: Sequence[str]) -> Sequence[str | Exception]:
        self.calls.append((account, list(asked)))
        await self.may_answer.wait()
        if "all fail" in asked:
            raise RuntimeError("no call gets a result")
        return [ValueError(each) if each == "bad" else each for each in asked]


async def begun(recorder: Recorder, calls: int) -> None:
    async with asyncio.timeout(60):
        while len(recorder.calls) < calls:  # noqa: ASYNC110 - it starts by itself
            await asyncio.sleep(0)


async def test_what_is_asked_during_a_call_shares_the_next_one() -> None:
    recorder = Recorder()
    coalescer: Coalescer[str, str] = Coalescer(recorder.together, at_once=1, at_most=10)
    first = asyncio.create_task(coalescer.call("acme", "1"))
    await begun(recorder, 1)
    later = [asyncio.create_task(coalescer.call("acme", each)) for each in "234"]
    await asyncio.sleep(0)
    recorder.may_answer.set()
    assert await asyncio.gather(first, *later) == ["1", "2", "3", "4"]
    assert recorder.calls == [("acme", ["1"]), ("acme", ["2", "3", "4"])]


async def test_a_call_is_for_one_account_and_they_take_turns() -> None:
    recorder = Recorder()
    recorder.may_answer.set()
    coalescer: Coalescer[str, str] = Coalescer(recorder.together, at_once=1, at_most=2)
    questions = [("acme", "1"), ("acme", "2"), ("acme", "3"), ("rival", "4")]
    await asyncio.gather(*(coalescer.call(*each) for each in questions))
    assert recorder.calls == [("acme", ["1", "2"]), ("rival", ["4"]), ("acme", ["3"])]


async def test_calls_of_one_account_leave_room_for_one_of_another() -> None:
    recorder = Recorder()
    coalescer: Coalescer[str, str] = Coalescer(recorder.together, at_once=1, at_most=1)
    asked = [asyncio.create_task(coalescer.call("flood", each)) for each in "123"]
    await begun(recorder, 1)
    asked.append(asyncio.create_task(coalescer.call("rival", "4")))
    await begun(recorder, 2)
    assert recorder.calls == [("flood", ["1"]), ("rival", ["4"])]
    recorder.may_answer.set()
    assert await asyncio.gather(*asked) == ["1", "2", "3", "4"]


async def test_large_questions_are_not_put_together() -> None:
    recorder = Recorder()
    recorder.may_answer.set()
    coalescer: Coalescer[str, str] = Coalescer(
        recorder.together, at_once=1, at_most=9, at_most_bytes=10
    )
    await asyncio.gather(*(coalescer.call("acme", each, 6) for each in "123"))
    await coalescer.call("acme", "huge", 1_000)
    assert [asked for _, asked in recorder.calls] == [["1"], ["2"], ["3"], ["huge"]]


async def test_an_error_is_its_askers_alone() -> None:
    recorder = Recorder()
    recorder.may_answer.set()
    coalescer: Coalescer[str, str] = Coalescer(recorder.together, at_once=1, at_most=9)
    good, bad = await asyncio.gather(
        coalescer.call("acme", "good"), coalescer.call("acme", "bad"), return_exceptions=True
    )
    assert good == "good"
    assert isinstance(bad, ValueError)
    with pytest.raises(RuntimeError):
        await coalescer.call("acme", "all fail")
    assert await coalescer.call("acme", "again") == "again"


async def test_whoever_goes_away_leaves_the_others_their_answers() -> None:
    recorder = Recorder()
    coalescer: Coalescer[str, str] = Coalescer(recorder.together, at_once=1, at_most=9)
    leaving, staying = (asyncio.create_task(coalescer.call("acme", each)) for each in "12")
    await begun(recorder, 1)
    leaving.cancel()
    recorder.may_answer.set()
    assert await staying == "2"
    with pytest.raises(asyncio.CancelledError):
        await leaving
