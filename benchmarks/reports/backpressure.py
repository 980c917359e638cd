"""A service that is offered too much, as a table and plots."""

from pathlib import Path
from typing import Any

from benchmarks.reports.plot import figure_of, save
from benchmarks.reports.sheet import Sheet, number

Results = dict[str, Any]


def sustainable(results: Results) -> float:
    """Items a second that can be committed: the mean of what was measured before and after."""
    return float(results["sustainable"] + results["sustainableAfter"]) / 2


def pressure(results: Results) -> float:
    """How many times the sustainable rate was offered."""
    return float(results["offered"] / sustainable(results))


def void(results: Results) -> list[str]:
    """Why a run shows nothing; empty where it does."""
    accepted, stored, times = results["accepted"], results["stored"], results["times"]
    reasons = []
    if pressure(results) < times:
        reasons.append(f"less than {times:g} times the sustainable rate was offered")
    if not results["refused"]:
        reasons.append("nothing was refused")
    elif not all(results.get("retryAfter", ())):
        reasons.append("a refusal had no Retry-After")
    if accepted != stored:
        reasons.append(f"{accepted:,} items were accepted, {stored:,} are stored")
    if results["errors"]:
        reasons.append(f"other answers: {'; '.join(results['errors'])[:100]}")
    return reasons


def sheets(results: Results) -> list[Sheet]:
    """What was offered, accepted, refused, and what became of it."""
    rate = sustainable(results)
    latencies = [each["max"] for each in results["latencies"]]
    retry_after = "–".join(f"{each:g}" for each in sorted(set(results.get("retryAfter", ()))))
    committed = results["accepted"] / (results["seconds"] + results["recovery"])
    rows = [
        ("sustainable before, items/s", number(results["sustainable"])),
        ("sustainable afterwards, items/s", number(results["sustainableAfter"])),
        (f"offered by {results.get('clients', 256)} clients, items/s", number(results["offered"])),
        ("offered ÷ sustainable (mean of both)", number(pressure(results), 2)),
        ("requests", number(results["requests"])),
        ("of these refused (503)", number(results["refused"])),
        ("Retry-After of these, s", retry_after or "–"),
        ("accepted, items", number(results["accepted"])),
        ("of these not stored in the end", number(results["accepted"] - results["stored"])),
        ("committed meanwhile and until the backlog is empty, items/s", number(committed)),
        ("limit of the backlog, items", number(results["backlogLimit"])),
        ("greatest backlog, items", number(max(each["items"] for each in results["samples"]))),
        ("limit ÷ sustainable, s", number(results["backlogLimit"] / rate, 2)),
        ("longest time from validated to committed, s", number(max(latencies, default=None), 2)),
        ("backlog empty again after, s", number(results["recovery"], 1)),
        ("void", "; ".join(void(results)) or "no"),
    ]
    title = "VOID" if void(results) else f"Offered {results['times']:g} times the sustainable rate"
    return [Sheet(title, ("", "value"), rows)]


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
    axes.axhline(sustainable(results), linestyle="--", color="grey", label="sustainable")
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
    drawing, axes = figure_of("Of what is accepted", "s when it was validated", "s")
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
