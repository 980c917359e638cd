"""What is measured, and which goals are met."""

from typing import Any

import pytest

from benchmarks.plan import FULL_CELLS, GOALS, QUICK_CELLS, Goal


def _cell(value: float, *, void: bool = False) -> dict[str, Any]:
    return {"itemsPerSecond": {"median": value}, "p50": {"median": value}, "void": void}


def test_a_goal_compares_two_cells() -> None:
    goal = Goal("half of it", "itemsPerSecond", "a", "b", least=0.5)
    assert goal.measured({"a": _cell(40), "b": _cell(100)}) == pytest.approx(0.4)
    assert not goal.met(0.4)
    assert goal.met(0.5)


def test_a_goal_with_a_most_is_met_by_less() -> None:
    goal = Goal("at most twice", "p50", "a", "b", most=2)
    assert goal.measured({"a": _cell(4.2), "b": _cell(2)}) == 2.1
    assert not goal.met(2.1)
    assert goal.met(2.0)


def test_the_clients_processor_time_does_not_count() -> None:
    parts = {"client": {"median": 100.0}, "api": {"median": 2.0}, "postgres": {"median": 1.0}}
    cells = {"a": {"cpuMicroseconds": parts, "void": False}}
    assert Goal("as much", "cpuMicroseconds", "a", "a", most=1).measured(cells) == 1
    cells["b"] = {"cpuMicroseconds": {"api": {"median": 6.0}}, "void": False}
    assert Goal("half", "cpuMicroseconds", "a", "b", most=1).measured(cells) == 0.5


@pytest.mark.parametrize("cells", [{"a": _cell(1)}, {"a": _cell(1), "b": _cell(1, void=True)}])
def test_a_goal_says_nothing_without_both_cells(cells: dict[str, Any]) -> None:
    assert Goal("half of it", "itemsPerSecond", "a", "b", least=0.5).measured(cells) is None


def test_every_goal_is_measured_by_a_full_run() -> None:
    names = {cell.name for cell in FULL_CELLS}
    assert len(names) == len(FULL_CELLS)
    for goal in GOALS:
        assert {goal.of, goal.to} <= names
    assert set(QUICK_CELLS) <= set(FULL_CELLS)
