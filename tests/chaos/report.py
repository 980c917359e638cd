"""What an experiment showed, and the table of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos.checks import Verdict
from tests.chaos.client import Ledger

_COLUMNS = (
    "experiment",
    "injected",
    "batches",
    "lost",
    "doubled",
    "partial",
    "stuck",
    "recovery",
)


@dataclass
class Result:
    """One row of the table; `broken` says which other promise did not hold."""

    experiment: str
    injected: str
    verdict: Verdict
    recovery: float = 0.0
    """Seconds from the end of the last fault until no batch was unfinished."""
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        return self.verdict.clean and not self.broken

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note a promise of this experiment that did not hold."""
        if not holds:
            self.broken.append(otherwise)

    def expect_converged(self, ledger: Ledger) -> None:
        """Every client got its answer, and none that it could not understand."""
        self.expect(ledger.settled == len(ledger.sent), "a client did not converge")
        self.broken += ledger.unexpected[:5]

    def complaints(self) -> list[str]:
        """Everything that is wrong, in words."""
        found = self.verdict
        wrong = {
            "lost": found.lost,
            "doubled": found.doubled,
            "partial": found.partial,
            "stuck": found.stuck,
        }
        named = [f"{kind}: {each}" for kind, all_ in wrong.items() for each in all_[:5]]
        return [*named, *self.broken]

    def row(self) -> tuple[str, ...]:
        found = self.verdict
        counts = (found.batches, *map(len, (found.lost, found.doubled, found.partial, found.stuck)))
        return (self.experiment, self.injected, *map(str, counts), f"{self.recovery:.1f} s")


def table(results: Sequence[Result]) -> str:
    """All results as one table in Markdown, then what did not hold."""
    rows = [_COLUMNS, tuple("---" for _ in _COLUMNS), *(result.row() for result in results)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    for result in results:
        lines += [f"{result.experiment}: {each}" for each in result.notes]
        lines += [f"{result.experiment}: BROKEN {each}" for each in result.complaints()]
    return "\n".join(lines)
