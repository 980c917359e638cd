"""Which cells are measured, and what is to be reached in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.samples import CONTACTS, GENERATED, PEOPLE

SERVICE, FLOOR = "a", "b"
"""Letters of those that goals are about and that all are compared with."""
SIZES = (1, 10, 100, 1_000, 10_000)
CLIENTS = (1, 8, 64)
SEVERAL = 8
"""The clients of most cells."""
PEERS = "cdefgh"
PEERS_SIZES = (1, 100, 1_000)
BATCHES = (100, 1_000, 10_000)
"""Items a request where bad rows and the default answer are measured, too."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What clients want of the service.

    Args:
        prefer: beside how long they wait.
        bad: whether 1 % of the rows is bad.
        stored_every: of the items, every so manyth is stored before; 0 for none.
        fields, edition: as in `Sample.items`.
        keys: whether each request has an idempotency key.
    """

    title: str
    method: str = "POST"
    prefer: str = "return=minimal"
    bad: bool = False
    stored_every: int = 0
    fields: tuple[str, ...] = ()
    edition: int = 0
    keys: bool = False


KINDS = {
    "": Kind("create"),
    "bad": Kind("1 % bad rows", prefer="return=minimal, handling=lenient", bad=True),
    "default": Kind("all items in the answer", prefer=""),
    "upsert": Kind(
        "upsert, half new",
        prefer="return=minimal, resolution=merge-duplicates",
        stored_every=2,
        edition=1,
    ),
    "patch": Kind(
        "PATCH", "PATCH", stored_every=1, fields=("id", "age", "status", "score"), edition=1
    ),
    "delete": Kind("DELETE", "DELETE", stored_every=1, fields=("id",)),
    "key": Kind("with a key", keys=True),
}
CHANGES = ("upsert", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to measure.

    Args:
        letter: who is measured.
        size: items a request.
        kind: a name in `KINDS`.
        sample: the collection of the items.
    """

    letter: str
    size: int
    clients: int
    kind: str = ""
    sample: str = PEOPLE

    @property
    def name(self) -> str:
        where = f"{self.letter} {self.size}x{self.clients}"
        sample = self.sample if self.sample != PEOPLE else ""
        return " ".join(filter(None, (where, self.kind, sample)))

    @property
    def wanted(self) -> Kind:
        return KINDS[self.kind]

    @property
    def floor(self) -> "Cell":
        """The floor's cell that it is compared with."""
        return Cell(FLOOR, self.size, self.clients, sample=self.sample)


def _grid() -> list[tuple[int, int]]:
    """Sizes and clients of the service and the floor."""
    several = [(size, SEVERAL) for size in SIZES]
    return [*several, *((size, each) for size in (1, 100, 1_000) for each in (1, 64)), (10_000, 1)]


def _cells() -> list[Cell]:
    both = (SERVICE, FLOOR)
    cells = [Cell(letter, *each) for letter in both for each in _grid()]
    cells += [Cell(SERVICE, size, SEVERAL, kind) for size in BATCHES for kind in ("bad", "default")]
    cells += [Cell(SERVICE, 1_000, SEVERAL, kind) for kind in CHANGES]
    cells += [Cell(letter, size, SEVERAL) for letter in PEERS for size in PEERS_SIZES]
    # What goals compare with beyond that.
    cells += [Cell(letter, 10_000, SEVERAL) for letter in "cfg"]
    cells += [Cell(letter, 1, clients) for letter in "cg" for clients in (1, 64)]
    cells += [Cell("c", 100, 64), Cell(SERVICE, 1, 1, "key")]
    kinder = ((1, 1), (1, 64), (100, 64), *((size, SEVERAL) for size in BATCHES))
    cells += [Cell(letter, *each, sample=CONTACTS) for letter in both for each in kinder]
    cells += [
        Cell(letter, size, SEVERAL, sample=CONTACTS) for letter in "cfg" for size in (1_000, 10_000)
    ]
    cells += [Cell(letter, 1_000, SEVERAL, sample=GENERATED) for letter in (*both, "c")]
    return cells


def _quick() -> list[Cell]:
    both = (SERVICE, FLOOR)
    cells = [
        Cell(letter, *each)
        for letter in both
        for each in ((100, 8), (100, 64), (1_000, 8), (10_000, 8))
    ]
    cells += [Cell(letter, 1, clients) for letter in (SERVICE, "c") for clients in (1, 64)]
    cells += [Cell(SERVICE, 1_000, 8, kind) for kind in ("bad", "default", "upsert", "patch")]
    cells += [Cell("c", 1_000, 8), *(Cell("g", size, 8) for size in (1_000, 10_000))]
    cells += [Cell(letter, 1_000, 8, sample=CONTACTS) for letter in (*both, "g")]
    cells += [Cell(letter, 1_000, 8, sample=GENERATED) for letter in both]
    return cells


FULL_CELLS = _cells()
QUICK_CELLS = _quick()


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio that is to be reached.

    Args:
        figure: a name in a cell's results; of processor time, that of all but the client counts.
        of, to: names of cells.
        least, most: the smallest ratio, or the greatest.
    """

    title: str
    figure: str
    of: str
    to: str
    least: float = 0.0
    most: float = 0.0

    def measured(self, results: Mapping[str, Mapping[str, Any]]) -> float | None:
        """None where a cell was not measured, or its rows were not all there."""
        cells = [results.get(name) for name in (self.of, self.to)]
        if any(cell is None or cell["void"] for cell in cells):
            return None
        ours, theirs = (_value(cell[self.figure]) for cell in cells if cell is not None)
        return ours / theirs if theirs else None

    def met(self, measured: float) -> bool:
        return measured <= self.most if self.most else measured >= self.least


def _value(figure: Mapping[str, Any]) -> float:
    if "median" in figure:
        return float(figure["median"])
    return sum(float(part["median"]) for name, part in figure.items() if name != "client")


_RATE, _CPU = "itemsPerSecond", "cpuMicroseconds"
GOALS = (
    Goal("1,000 x 8: at least 0.6 of the floor", _RATE, "a 1000x8", "b 1000x8", 0.6),
    Goal("1,000 x 8: ahead of (g)", _RATE, "a 1000x8", "g 1000x8", 1.0),
    Goal("10,000 x 8: at least 0.6 of the floor", _RATE, "a 10000x8", "b 10000x8", 0.6),
    Goal("10,000 x 8: ahead of (g)", _RATE, "a 10000x8", "g 10000x8", 1.0),
    Goal("100 x 64: at least 0.5 of the floor", _RATE, "a 100x64", "b 100x64", 0.5),
    Goal("1 % bad rows: at least 0.85 of none", _RATE, "a 1000x8 bad", "a 1000x8", 0.85),
    Goal("all items in the answer: at least 0.8 of none", _RATE, "a 1000x8 default",
         "a 1000x8", 0.8),
    Goal("upsert, half new: at least 0.6 of create", _RATE, "a 1000x8 upsert", "a 1000x8", 0.6),
    Goal("PATCH: at least 0.6 of create", _RATE, "a 1000x8 patch", "a 1000x8", 0.6),
    Goal("1 x 64: at least 1.6 x (c)", _RATE, "a 1x64", "c 1x64", 1.6),
    Goal("1 x 1, p50: at most 2 x (c)", "p50", "a 1x1", "c 1x1", most=2.0),
    Goal("1 x 1, processor time: at most 2 x (c)", _CPU, "a 1x1", "c 1x1", most=2.0),
    Goal("100 x 8, time an item: at most 1.5 x 1,000 x 8", _RATE, "a 1000x8",
         "a 100x8", most=1.5),
    Goal("100 x 8, processor time: at most 1.5 x 1,000 x 8", _CPU,
         "a 100x8", "a 1000x8", most=1.5),
)  # fmt: skip
"""All are about people, at 1,000 items of 8 clients unless they say otherwise."""
