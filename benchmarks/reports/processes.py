"""What another process adds, as a table and a plot."""

from pathlib import Path
from typing import Any

from benchmarks.reports.plot import figure_of, save
from benchmarks.reports.sheet import Sheet, figure, number

_PARTS = ("client", "api", "worker", "postgres", "redis")


def sheets(results: dict[str, Any]) -> list[Sheet]:
    """Rates, and how many cores each part keeps busy."""
    combinations = results["combinations"]
    floor = combinations["floor"]["itemsPerSecond"]["median"]
    rows = []
    for name, found in combinations.items():
        rate = found["itemsPerSecond"]["median"]
        cores = [number(found["cores"].get(part), 2) for part in _PARTS]
        total = sum(found["cores"].values())
        rows.append(
            (
                name,
                figure(found, "itemsPerSecond"),
                f"{rate / floor:.2f}",
                *cores,
                number(total, 2) if total else "–",
            )
        )
    columns = ("processes", "items/s (spread)", "÷ floor")
    busy = ("client cores", "API", "worker", "PostgreSQL", "Redis", "all")
    title = f"1,000 items × 8 clients, on {results['machine']['cores']} cores"
    return [Sheet(title, (*columns, *busy), rows)]


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    """One bar each; what the cores do is in the table."""
    drawing, axes = figure_of("Items/s after commit, 1,000 items × 8 clients", "", "items/s")
    found = {name: each["itemsPerSecond"] for name, each in results["combinations"].items()}
    medians = [each["median"] for each in found.values()]
    spread = [
        [each["median"] - each["min"] for each in found.values()],
        [each["max"] - each["median"] for each in found.values()],
    ]
    colours = ["#222222" if name == "floor" else "#d62728" for name in found]
    axes.bar(list(found), medians, yerr=spread, capsize=4, color=colours)
    return [save(drawing, folder / "processes.svg")]
