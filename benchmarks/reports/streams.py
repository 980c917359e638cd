"""Streams beside batches of JSON, as a table."""

from typing import Any

from benchmarks.reports.sheet import Sheet, number

GOALS = {"NDJSON": 0.9, "NDJSON, gzip": 0.9, "CSV": 0.7}
"""The least ratio to batches of JSON."""


def page(results: dict[str, Any]) -> list[Sheet]:
    """A line a form."""
    rows = []
    for name, figures in results["measured"].items():
        ratio, least = results["ofJson"].get(name), GOALS.get(name)
        met = "–" if ratio is None or least is None else ("yes" if ratio >= least else "NO")
        grown = (number(figures[part]) for part in ("api", "worker"))
        rows.append(
            (name, number(figures["rows/s"]), number(ratio, 2), number(least, 1), met, *grown)
        )
    columns = ("body", "rows/s", "÷ JSON", "goal", "met", "API grew, MiB", "worker grew, MiB")
    return [Sheet(f"{results['rows']:,} items until they are committed", columns, rows)]
