"""A service that is offered too much, as a table and plots."""

from pathlib import Path
from typing import Any

from benchmarks.reports.plot import figure_of, save
from benchmarks.reports.sheet import Sheet, number

Results = dict[str, Any]


def sheets(results: Results) -> list[Sheet]:
    """What was offered, accepted, refused, and what became of it."""
    accepted, stored = results["accepted"], results["stored"]
    latencies = [each["max"] for each in results["latencies"]]
    lost = "none" if accepted == stored else f"VOID: {accepted:,} accepted, {stored:,} stored"
    rows = [
        ("sustainable before, items/s", number(results["sustainable"])),
        ("to be offered, items/s", number(results["wanted"])),
        ("offered by 256 clients, items/s", number(results["offered"])),
        ("limit of the backlog, items", number(results["backlogLimit"])),
        ("greatest backlog, items", number(max(each["items"] for each in results["samples"]))),
        ("requests", number(results["requests"])),
        ("of these refused (503)", number(results["refused"])),
        ("accepted, items", number(accepted)),
        ("accepted and not stored", lost),
        ("longest time from acceptance to commit, s", number(max(latencies, default=None), 2)),
        ("backlog empty again after, s", number(results["recovery"], 1)),
        ("sustainable afterwards, items/s", number(results["sustainableAfter"])),
        ("other answers", "; ".join(results["errors"])[:100] or "none"),
    ]
    return [Sheet(f"Offered {results['times']:g} times the sustainable rate", ("", "value"), rows)]


def draw(results: Results, folder: Path) -> list[Path]:
    """Rates, the backlog, and latencies over time."""
    return [
        _draw_rates(results, folder / "backpressure-rates.svg"),
        _draw_backlog(results, folder / "backpressure-backlog.svg"),
        _draw_latencies(results, folder / "backpressure-latency.svg"),
    ]


def _draw_rates(results: Results, path: Path) -> Path:
    drawing, axes = figure_of("Items/s: accepted, refused, committed", "s", "items/s")
    offered = results["offeredTimeline"]
    seconds = [each["second"] for each in offered]
    axes.plot(seconds, [each["accepted"] for each in offered], label="accepted")
    axes.plot(seconds, [each["refused"] for each in offered], label="refused (503)")
    commits = results["commits"]
    axes.plot(
        [each["second"] for each in commits],
        [each["items"] for each in commits],
        label="committed",
    )
    axes.axhline(results["sustainable"], linestyle="--", color="grey", label="sustainable")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7)
    return save(drawing, path)


def _draw_backlog(results: Results, path: Path) -> Path:
    drawing, axes = figure_of("Accepted and not yet committed", "s", "items")
    samples = results["samples"]
    axes.plot([each["second"] for each in samples], [each["items"] for each in samples])
    axes.axhline(results["backlogLimit"], linestyle="--", color="grey", label="limit")
    axes.axvline(results["seconds"], linestyle=":", color="grey", label="load ends")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7)
    return save(drawing, path)


def _draw_latencies(results: Results, path: Path) -> Path:
    drawing, axes = figure_of("Of what is accepted", "s when it came", "s")
    found = results["latencies"]
    seconds = [each["second"] for each in found]
    axes.plot(seconds, [each["p50"] for each in found], label="to the commit, p50")
    axes.plot(seconds, [each["max"] for each in found], label="to the commit, greatest")
    answers = [each for each in results["offeredTimeline"] if each["answerP50"] is not None]
    axes.plot(
        [each["second"] for each in answers],
        [each["answerP50"] / 1000 for each in answers],
        label="to the answer, p50",
    )
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7)
    return save(drawing, path)
