"""Ratios to the floor."""

from typing import Any

from benchmarks.ratios import ratios


def _measured(rate: float, *, parts: dict[str, float], void: bool = False) -> dict[str, Any]:
    median = {"median": rate}
    return {
        **dict.fromkeys(("itemsPerSecond", "requestsPerSecond", "p50", "p99"), median),
        "cpuMicroseconds": {part: {"median": used} for part, used in parts.items()},
        "peakBytes": {part: {"median": 10 * used} for part, used in parts.items()},
        "void": void,
    }


def test_a_ratio_to_the_floor_counts_every_part() -> None:
    floor = _measured(200, parts={"client": 1, "postgres": 3, "redis": 0})
    cell = _measured(50, parts={"client": 2, "api": 4, "postgres": 6, "redis": 0})
    assert ratios(cell, floor) == {
        "itemsPerSecond": 0.25,
        "requestsPerSecond": 0.25,
        "p50": 0.25,
        "p99": 0.25,
        "cpuMicroseconds": 3.0,
        "peakBytes": 3.0,
        "parts": {"client": 2.0, "postgres": 2.0},
    }


def test_there_is_no_ratio_to_what_is_void_or_nothing() -> None:
    parts = {"client": 1.0, "postgres": 0.0}
    cell, void = _measured(1, parts=parts), _measured(1, parts=parts, void=True)
    assert ratios(cell, None) is ratios(cell, void) is ratios(void, cell) is None
    assert (ratios(cell, cell) or {})["parts"] == {"client": 1.0, "postgres": None}
