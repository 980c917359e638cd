"""Formats beside their parsers, as a table."""

from typing import Any

from benchmarks.reports.sheet import Sheet

_OURS = {"decode": "as items", "staged": "until it is staged"}


def page(results: dict[str, Any]) -> list[Sheet]:
    """A line a format, each with its ratio to what its parser takes alone."""
    rows = [
        (
            media_type,
            results["parsers"][media_type],
            f"{times['parser']:.1f}",
            *(f"{times[each]:.1f} ({times[each] / times['parser']:.1f})" for each in _OURS),
        )
        for media_type, times in results["microseconds"].items()
    ]
    columns = ("format", "parser", "alone", *(f"{each} (÷ alone)" for each in _OURS.values()))
    return [Sheet("µs an item, all in one body", columns, rows, left=2)]
