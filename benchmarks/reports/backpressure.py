"""A service that is offered too much, as a table and a plot."""

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


def page(results: Results) -> list[Sheet]:
    """What was offered, accepted, refused, and what became of it."""
    greatest = max(each["items"] for each in results["samples"])
    longest = max(each["max"] for each in results["latencies"])
    unsaved = results["accepted"] - results["stored"]
    rows = [
        ("sustainable before, items/s", number(results["sustainable"])),
        ("sustainable afterwards, items/s", number(results["sustainableAfter"])),
        ("offered ÷ sustainable", number(pressure(results), 2)),
        ("requests refused (503)", f"{results['refused']:,} of {results['requests']:,}"),
        ("items accepted", number(results["accepted"])),
        ("items accepted and not stored", number(unsaved)),
        ("limit of the backlog, items", number(results["backlogLimit"])),
        ("greatest backlog, items", number(greatest)),
        ("longest time to the commit, s", number(longest, 2)),
        ("void", "; ".join(void(results)) or "no"),
    ]
    title = "VOID" if void(results) else f"Offered {results['times']:g} times the sustainable rate"
    return [Sheet(title, ("", "value"), rows)]


def draw(results: Results, folder: Path) -> list[Path]:
    """What was accepted, refused and committed, second by second."""
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
    return [save(drawing, folder / "backpressure.svg")]
