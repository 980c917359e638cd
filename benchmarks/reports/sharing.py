"""What batches share, as a table."""

from pathlib import Path
from typing import Any

from benchmarks.reports.sheet import Sheet, number

_COUNTED = {
    "transactions": "transactions that write",
    "roundTrips": "Redis round trips",
    "jobs": "arq jobs",
}


def sheets(results: dict[str, Any]) -> list[Sheet]:
    """What each batch costs in things that several can share."""
    rows = [
        (
            clients,
            number(counted["batches"]),
            *(number(counted[name] / counted["batches"], 2) for name in _COUNTED),
        )
        for clients, counted in results["clients"].items()
    ]
    columns = ("clients", "batches", *(f"{what} a batch" for what in _COUNTED.values()))
    return [Sheet("Batches of one item", columns, rows)]


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    """Nothing: the table says it all."""
    return []
