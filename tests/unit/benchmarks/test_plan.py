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


def test_a_goal_in_time_is_met_by_less() -> None:
    goal = Goal("under 5 ms", "p50", "a", most=5)
    assert goal.measured({"a": _cell(4.2)}) == 4.2
    assert goal.met(4.2)
    assert not goal.met(5.1)


@pytest.mark.parametrize("cells", [{"a": _cell(1)}, {"a": _cell(1), "b": _cell(1, void=True)}])
def test_a_goal_says_nothing_without_both_cells(cells: dict[str, Any]) -> None:
    assert Goal("half of it", "itemsPerSecond", "a", "b", least=0.5).measured(cells) is None


def test_every_goal_is_measured_by_a_full_run() -> None:
    names = {cell.name for cell in FULL_CELLS}
    assert len(names) == len(FULL_CELLS)
    for goal in GOALS:
        assert {goal.of, goal.to} - {""} <= names
    assert set(QUICK_CELLS) <= set(FULL_CELLS)
