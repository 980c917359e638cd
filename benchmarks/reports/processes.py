"""What another process adds, as tables."""

from typing import Any

from benchmarks.reports.sheet import Sheet, figure, number

_PARTS = ("client", "api", "worker", "postgres", "redis")
_FLOOR = "floor"


def sheets(results: dict[str, Any]) -> list[Sheet]:
    """For each load: rates, and how many cores each part keeps busy."""
    cores = results["machine"]["cores"]
    return [_load(f"{title}, on {cores} cores", found) for title, found in _loads(results).items()]


def _loads(results: dict[str, Any]) -> dict[str, Any]:
    """By load, what was measured: one process of each first, the floor last."""
    return {
        title: dict(sorted(found.items(), key=lambda each: (each[0] == _FLOOR, each[0])))
        for title, found in results["loads"].items()
    }


def _load(title: str, found: dict[str, Any]) -> Sheet:
    rates = {name: each["itemsPerSecond"]["median"] for name, each in found.items()}
    one = next(iter(rates.values()))
    rows = []
    for name, each in found.items():
        cores = [number(each["cores"].get(part), 2) for part in _PARTS]
        total = sum(each["cores"].values())
        rows.append(
            (
                name,
                figure(each, "itemsPerSecond"),
                "–" if name == _FLOOR else f"{rates[name] / one:.2f}",
                f"{rates[name] / rates[_FLOOR]:.2f}",
                *cores,
                number(total, 2) if total else "–",
            )
        )
    columns = ("processes", "items/s (spread)", "÷ one of each", "÷ floor")
    busy = ("client cores", "API", "worker", "PostgreSQL", "Redis", "all")
    return Sheet(title, (*columns, *busy), rows)
