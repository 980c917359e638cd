"""Intake as tables: a column for each sample."""

from typing import Any

from benchmarks.reports.sheet import Sheet, number

_PARTS = {
    "stages": "Stages by themselves, µs an item",
    "guides": "Libraries in C alone, µs an item",
    "bytes": "Bytes an item",
}


def page(results: dict[str, Any]) -> list[Sheet]:
    """The whole way of a body by kind, then what the rest can be compared with."""
    samples = results["samples"]
    columns = ("", *samples)
    wholes = [
        (kind, *(_beside(each["microseconds"][kind]) for each in samples.values()))
        for kind in _lines(samples, "microseconds")
    ]
    title = "µs an item (marshmallow's way, how many times as long)"
    return [Sheet(title, columns, wholes)] + [
        Sheet(
            title,
            columns,
            [
                (line, *(number(each[part].get(line), 1) for each in samples.values()))
                for line in _lines(samples, part)
            ],
        )
        for part, title in _PARTS.items()
    ]


def _lines(samples: dict[str, Any], part: str) -> list[str]:
    return list(next(iter(samples.values()))[part])


def _beside(times: dict[str, float]) -> str:
    ours, theirs = times["ingest"], times["marshmallow"]
    return f"{ours:.1f} ({theirs:.1f}, {theirs / ours:.1f} x)"
