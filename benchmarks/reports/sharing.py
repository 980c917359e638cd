"""What batches share, as a table."""

from typing import Any

from benchmarks.reports.sheet import Sheet, number

_COUNTED = {
    "transactions": "transactions that write",
    "redisReads": "Redis round trips",
    "jobs": "arq jobs",
}


def sheets(results: dict[str, Any]) -> list[Sheet]:
    """What each batch costs in things that several can share."""
    counts = results.get("counts") or {"without keys": results["clients"]}
    rows = [
        (
            clients,
            name,
            number(counted["batches"]),
            *(_each(counted, what) for what in _COUNTED),
        )
        for name, by_clients in counts.items()
        for clients, counted in by_clients.items()
    ]
    columns = ("clients", "", "batches", *(f"{what} a batch" for what in _COUNTED.values()))
    return [Sheet("Batches of one item", columns, rows, left=2)]


def _each(counted: dict[str, int], what: str) -> str:
    return number(counted[what] / counted["batches"], 2) if what in counted else "–"
