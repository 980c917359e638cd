"""Planned faults: read from a plan, drawn from a seed, injected into the service."""

import asyncio
import signal
import subprocess
import sys

import pytest

from tests.chaos.faults import Fault, FaultInjected, Faults, Point, parse_faults
from tests.chaos.injection import TARGETS, injected


def test_a_plan_is_read() -> None:
    planned = parse_faults(
        "after_stage=crash@0.05, before_commit=stall:5@0.1,before_reply=raise", ""
    )
    assert planned.planned == {
        Point.AFTER_STAGE: Fault("crash", 0.0, 0.05),
        Point.BEFORE_COMMIT: Fault("stall", 5.0, 0.1),
        Point.BEFORE_REPLY: Fault("raise", 0.0, 1.0),
    }
    assert parse_faults("", "").planned == {}


@pytest.mark.parametrize(
    "wrong",
    [
        "after_stage",
        "nowhere=crash",
        "after_stage=burn",
        "after_stage=stall",
        "after_stage=stall:soon",
        "after_stage=stall:-1",
        "after_stage=raise:3",
        "after_stage=raise@2",
        "after_stage=raise@often",
    ],
)
def test_what_cannot_be_read_is_named(wrong: str) -> None:
    with pytest.raises(ValueError, match="POINT=ACTION") as refused:
        parse_faults(f"before_ring=raise,{wrong}", "")
    assert repr(wrong) in str(refused.value)


@pytest.mark.parametrize("point", Point)
async def test_without_faults_nothing_happens(point: Point) -> None:
    await Faults().reached(point)
    await parse_faults("before_reply=raise", "").reached(Point.AFTER_CLAIM)


async def _pattern(faults: Faults, visits: int = 200) -> str:
    seen = ""
    for _ in range(visits):
        try:
            await faults.reached(Point.AFTER_RING)
            seen += "."
        except FaultInjected:
            seen += "x"
    return seen


async def test_the_same_seed_fails_at_the_same_visits() -> None:
    first, again, other = [
        await _pattern(parse_faults("after_ring=raise@0.2", seed)) for seed in ("7", "7", "8")
    ]
    assert first == again != other
    assert 10 < first.count("x") < 80


async def test_a_stall_stops_no_other_task() -> None:
    stalled = asyncio.create_task(parse_faults("after_ring=stall:60", "").reached(Point.AFTER_RING))
    await asyncio.sleep(0)
    assert not stalled.done()
    stalled.cancel()


def test_a_crash_is_a_kill() -> None:
    program = (
        "import asyncio; from tests.chaos.faults import *; "
        "asyncio.run(parse_faults('after_ring=crash', '').reached(Point.AFTER_RING))"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL


def test_every_point_is_injected_somewhere() -> None:
    assert {point for each in TARGETS for point in (*each.before, *each.after)} == set(Point)


async def test_what_is_injected_is_gone_afterwards() -> None:
    before = [each.function() for each in TARGETS]
    with injected(Faults()):
        assert all(each.function() is not was for each, was in zip(TARGETS, before, strict=True))
    assert [each.function() for each in TARGETS] == before
