"""A cell of the endpoint benchmark in relation to the floor's."""

from typing import Any

_FIGURES = ("itemsPerSecond", "requestsPerSecond", "p50", "p99")
_OF_THE_FLOOR = ("client", "postgres")  # parts that it has, too


def sum_of(cell: dict[str, Any], name: str) -> float:
    """A figure that is measured by part, such as `cpuMicroseconds`, of all parts together."""
    return float(sum(part["median"] for part in cell[name].values()))


def ratios(cell: Any, floor: Any) -> dict[str, Any] | None:
    """Each figure divided by the floor's; None where one of both is missing or void.

    Processor time and memory are those of all parts, the servers included; `parts` has the
    processor time of those parts that the floor has, too. A figure that the floor has none of is
    None.
    """
    if cell is None or floor is None or cell["void"] or floor["void"]:
        return None
    found: dict[str, Any] = {
        name: _quotient(cell[name]["median"], floor[name]["median"]) for name in _FIGURES
    }
    for name in ("cpuMicroseconds", "peakBytes"):
        found[name] = _quotient(sum_of(cell, name), sum_of(floor, name))
    ours, theirs = cell["cpuMicroseconds"], floor["cpuMicroseconds"]
    found["parts"] = {
        part: _quotient(ours[part]["median"], theirs[part]["median"])
        for part in _OF_THE_FLOOR
        if part in ours and part in theirs
    }
    return found


def _quotient(ours: float, theirs: float) -> float | None:
    return round(ours / theirs, 3) if theirs else None
