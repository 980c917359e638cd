"""How reports find a cell of the endpoint benchmark."""

from typing import Any

from benchmarks.plan import Cell
from benchmarks.samples import PEOPLE

PARTS = ("client", "api", "worker", "postgres", "redis")
Results = dict[str, Any]


def find(
    results: Results, letter: str, size: int, clients: int, kind: str = "", sample: str = PEOPLE
) -> Any:
    """What was measured there; None where nothing was."""
    return results["cells"].get(Cell(letter, size, clients, kind, sample).name)


def valid(results: Results, *which: Any) -> Any:
    """The same; None where its rows were not all there, too."""
    cell = find(results, *which)
    return None if cell is None or cell["void"] else cell
