"""An outage is two lines of the log, however many calls fail."""

from functools import partial

import pytest

from ingest import outage
from ingest.outage import Outage


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(outage.time, "monotonic", lambda: now[0])
    return now


def test_it_is_said_once_when_it_begins_and_once_when_it_is_over(clock: list[float]) -> None:
    said: list[object] = []
    part = Outage(lambda seconds: said.append(seconds))
    part.passed()
    for _ in range(3):
        part.failed("away", partial(said.append, "away"))
        clock[0] += 20
    assert part.goes_on
    part.passed()
    part.passed()
    assert said == ["away", 60]


def test_another_cause_is_said_and_what_comes_and_goes_is_not_each_time(
    clock: list[float],
) -> None:
    said: list[object] = []
    part = Outage(lambda seconds: said.append("over"))
    for cause in ("a", "b"):
        part.failed(cause, partial(said.append, cause))
        clock[0] += 1
    for _ in range(100):
        part.passed()
        part.failed("a", partial(said.append, "a"))
    assert said == ["a", "b", "over"]
    clock[0] += 10
    part.failed("a", partial(said.append, "a"))
    assert said == ["a", "b", "over", "a"]
