"""Where the time goes, as tables."""

from typing import Any

from benchmarks.reports.sheet import Sheet, number

_PARTS = {"client": "client", "api": "API", "worker": "worker", "postgres": "PostgreSQL"}
_TITLES = {
    "api": "the API's time",
    "worker": "the worker's time",
    "postgres": "PostgreSQL: the clock's time",
}


def sheets(results: dict[str, Any]) -> list[Sheet]:
    """One table of all cells, then one of each: what runs, by its share of the time."""
    return [_parts(results), *(_cell(name, found) for name, found in results["cells"].items())]


def _parts(results: dict[str, Any]) -> Sheet:
    rows = []
    for name, found in results["cells"].items():
        used = found["cpuMicroseconds"]
        rows.append(
            (
                _title(name),
                number(found["itemsPerSecond"]),
                *(number(used[part], 2) for part in (*_PARTS, "redis")),
                number(sum(used.values()), 2),
                number(sum(used.values()) * found["itemsPerSecond"] / 1e6, 2),
            )
        )
    columns = ("items × clients", "items/s", *_PARTS.values(), "Redis", "all", "cores busy")
    return Sheet("CPU µs an item by part, while it is sampled", columns, rows)


def _cell(name: str, found: dict[str, Any]) -> Sheet:
    rows = []
    ends = []
    for part, title in _TITLES.items():
        rows += [(title, place, f"{share:.1%}") for place, share in found[part]]
        ends.append(len(rows))
    return Sheet(_title(name), ("of", "what", "share"), rows, frozenset(ends), left=2)


def _title(name: str) -> str:
    size, clients = name.split("x")
    return f"{int(size):,} × {clients}"
