"""Which cells are measured, and what is to be reached in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SERVICE, FLOOR = "a", "b"
"""Letters of those that goals are about and that all are compared with."""
SIZES = (1, 10, 100, 1_000, 10_000)
CLIENTS = (1, 8, 64)
PEERS = "cdefgh"
PEERS_SIZES = (1, 100, 1_000)
PEERS_CLIENTS = 8
DEFAULT_SIZES = (100, 1_000, 10_000)
"""Items a request that the service answers with all of them, too."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to measure.

    Args:
        letter: who is measured.
        size: items a request.
        bad: whether 1 % of the rows is bad.
        full: whether the service gives its default answer, with all items.
    """

    letter: str
    size: int
    clients: int
    bad: bool = False
    full: bool = False

    @property
    def name(self) -> str:
        kind = f"{' bad' if self.bad else ''}{' default' if self.full else ''}"
        return f"{self.letter} {self.size}x{self.clients}{kind}"


def _cells() -> list[Cell]:
    grid = [(size, clients) for size in SIZES for clients in CLIENTS]
    cells = [Cell(SERVICE, *each, bad) for each in grid for bad in (False, True)]
    cells += [Cell(FLOOR, *each) for each in grid]
    cells += [Cell(letter, size, PEERS_CLIENTS) for letter in PEERS for size in PEERS_SIZES]
    cells += [Cell(SERVICE, size, PEERS_CLIENTS, full=True) for size in DEFAULT_SIZES]
    # What goals compare with beyond that.
    cells += [Cell(letter, 10_000, PEERS_CLIENTS) for letter in "cfg"]
    cells += [Cell("c", 1, 1), Cell("c", 1, 64), Cell("g", 1, 64)]
    return cells


def _quick() -> list[Cell]:
    cells = [
        Cell(letter, *each)
        for letter in (SERVICE, FLOOR)
        for each in ((1, 8), (100, 8), (100, 64), (1_000, 8), (10_000, 8))
    ]
    cells += [Cell(SERVICE, 1, 1), Cell(SERVICE, 1, 64), Cell(SERVICE, 1_000, 8, True)]
    cells += [Cell(SERVICE, 1_000, 8, full=True)]
    cells += [Cell(letter, 1_000, 8) for letter in "cdefg"]
    cells += [Cell("c", 1, 64), Cell("h", 100, 8)]
    return cells


FULL_CELLS = _cells()
QUICK_CELLS = _quick()


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio (or a time) that is to be reached.

    Args:
        of, to: names of cells; without `to`, the figure itself counts.
        least: the smallest ratio; for times `most`, in milliseconds.
    """

    title: str
    figure: str
    of: str
    to: str = ""
    least: float = 0.0
    most: float = 0.0

    def measured(self, results: Mapping[str, Mapping[str, Any]]) -> float | None:
        """None where a cell was not measured, or its rows were not all there."""
        cells = [results.get(name) for name in (self.of, self.to) if name]
        if any(cell is None or cell["void"] for cell in cells):
            return None
        values = [cell[self.figure]["median"] for cell in cells if cell is not None]
        if len(values) == 1:
            return float(values[0])
        return float(values[0] / values[1]) if values[1] else None

    def met(self, measured: float) -> bool:
        return measured <= self.most if self.most else measured >= self.least


def _rate_goals() -> list[Goal]:
    goals = []
    for size in (1_000, 10_000):
        ours = f"a {size}x8"
        for letter, least, words in (
            (FLOOR, 0.5, "of the floor"),
            ("c", 3.0, "x (c)"),
            ("f", 3.0, "x (f)"),
            ("g", 1.0, "x (g): ahead of it"),
        ):
            goals.append(
                Goal(
                    f"{size:,} x 8: at least {least:g} {words}",
                    "itemsPerSecond",
                    ours,
                    f"{letter} {size}x8",
                    least,
                )
            )
    return goals


GOALS = (
    *_rate_goals(),
    Goal("100 x 64: at least 0.35 of the floor", "itemsPerSecond", "a 100x64", "b 100x64", 0.35),
    Goal("1 x 64: at least (c)'s requests/s", "requestsPerSecond", "a 1x64", "c 1x64", 1.0),
    Goal("1 x 1: p50 under 5 ms", "p50", "a 1x1", most=5.0),
)
