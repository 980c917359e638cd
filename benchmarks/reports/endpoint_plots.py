"""The endpoint benchmark as plots."""

from pathlib import Path
from typing import Any

from benchmarks.plan import CLIENTS, FLOOR, SIZES
from benchmarks.reports.cells import Results, valid
from benchmarks.reports.plot import COLOURS, figure_of, save


def draw(results: Results, folder: Path) -> list[Path]:
    """The plots of a run."""
    return [
        _draw_sizes(results, folder / "endpoints-throughput.svg"),
        _draw_ratios(results, folder / "endpoints-floor.svg"),
        _draw_latency(results, folder / "endpoints-latency.svg"),
    ]


def _draw_sizes(results: Results, path: Path) -> Path:
    drawing, axes = figure_of("Items/s after commit, 8 clients", "items a request", "items/s")
    for letter, title in results["contestants"].items():
        cells = {size: valid(results, letter, size, 8) for size in SIZES}
        found = {size: cell["itemsPerSecond"] for size, cell in cells.items() if cell}
        if not found:
            continue
        medians = [each["median"] for each in found.values()]
        spread = [
            [each["median"] - each["min"] for each in found.values()],
            [each["max"] - each["median"] for each in found.values()],
        ]
        axes.errorbar(
            list(found),
            medians,
            yerr=spread,
            marker="o",
            markersize=4,
            capsize=2,
            label=f"({letter}) {title}",
            color=COLOURS[letter],
            linewidth=2.5 if letter == "a" else 1.2,
        )
    return _save_logarithmic(drawing, axes, path)


def _draw_ratios(results: Results, path: Path) -> Path:
    drawing, axes = figure_of("Share of the floor's items/s, 1,000 items × 8 clients", "", "÷ (b)")
    floor = valid(results, FLOOR, 1_000, 8)
    names, values = [], []
    for letter, title in results["contestants"].items():
        cell = valid(results, letter, 1_000, 8)
        if cell and floor:
            names.append((letter, title))
            values.append(cell["itemsPerSecond"]["median"] / floor["itemsPerSecond"]["median"])
    labels = [f"({letter}) {title}" for letter, title in names]
    bars = axes.barh(labels, values, color=[COLOURS[letter] for letter, _ in names])
    axes.margins(x=0.1)
    axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("÷ (b)")
    axes.set_ylabel("")
    return save(drawing, path)


def _draw_latency(results: Results, path: Path) -> Path:
    drawing, axes = figure_of("(a) this service: time to the answer", "items a request", "ms")
    for number_of, clients in enumerate(CLIENTS):
        for name, style in (("p50", "-"), ("p99", ":")):
            cells = {size: valid(results, "a", size, clients) for size in SIZES}
            found = {size: cell[name]["median"] for size, cell in cells.items() if cell}
            _draw_line(axes, found, style, number_of, f"{clients} clients, {name}")
    return _save_logarithmic(drawing, axes, path)


def _draw_line(axes: Any, found: dict[int, float], style: str, number_of: int, label: str) -> None:
    axes.plot(
        list(found), list(found.values()), style, marker="o", markersize=4,
        color=f"C{number_of}", label=label,
    )  # fmt: skip


def _save_logarithmic(drawing: Any, axes: Any, path: Path) -> Path:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.legend(fontsize=7)
    return save(drawing, path)
