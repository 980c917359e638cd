"""The endpoint benchmark as tables and plots."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.plan import CLIENTS, GOALS, SIZES
from benchmarks.reports.plot import COLOURS, figure_of, save
from benchmarks.reports.sheet import Sheet, figure, number

PARTS = ("client", "api", "worker", "postgres", "redis")
_SHOWN = ("api", "worker")  # whose memory is the contestant's own
_MIB = 2**20
_FLOOR = "b"
_DRAWN_CPU = 1_000  # µs an item; whoever takes more would make all others look alike
Results = dict[str, Any]


def sheets(results: Results) -> list[Sheet]:
    """Goals, the comparison, the service's own grid."""
    return [_goals(results), _comparison(results), _parts(results), _grid(results)]


def _cell(results: Results, letter: str, size: int, clients: int, bad: bool = False) -> Any:
    return results["cells"].get(f"{letter} {size}x{clients}{' bad' if bad else ''}")


def _valid(results: Results, *which: Any) -> Any:
    cell = _cell(results, *which)
    return None if cell is None or cell["void"] else cell


def _goals(results: Results) -> Sheet:
    rows = []
    for goal in GOALS:
        measured = goal.measured(results["cells"])
        if measured is None:
            missed = all(name in results["cells"] for name in (goal.of, goal.to) if name)
            rows.append((goal.title, "void" if missed else "not measured here", "–"))
            continue
        unit = " ms" if goal.most else ""
        rows.append((goal.title, f"{measured:.2f}{unit}", "yes" if goal.met(measured) else "NO"))
    return Sheet("Goals of (a)", ("goal", "measured", "met"), rows)


def _groups(results: Results) -> Iterator[tuple[int, int, list[str]]]:
    """Size, clients, and who was measured there, without bad rows."""
    for clients in CLIENTS:
        for size in SIZES:
            letters = [
                each for each in results["contestants"] if _cell(results, each, size, clients)
            ]
            if letters:
                yield size, clients, letters


def _ratio(cell: Any, floor: Any, name: str) -> str:
    if floor is None or floor["void"] or not floor[name]["median"]:
        return "–"
    return f"{cell[name]['median'] / floor[name]['median']:.2f}"


def _void(cell: Any) -> str:
    why = cell["errors"][0] if cell["errors"] else f"{cell['rows']:,} of {cell['items']:,} rows"
    return f"void: {' '.join(why.split())[:60]}"


def total_cpu(cell: Any) -> float:
    """Microseconds of processor time of all parts for one item."""
    return float(sum(part["median"] for part in cell["cpuMicroseconds"].values()))


def own_memory(cell: Any) -> float | None:
    """Peak memory of the contestant's own processes; None for the floor, which has none."""
    peaks = [peak["median"] for part, peak in cell["peakBytes"].items() if part in _SHOWN]
    return sum(peaks) / _MIB if peaks else None


def _comparison(results: Results) -> Sheet:
    columns = (
        "items × clients",
        "who",
        "items/s (spread)",
        "÷ (b)",
        "requests/s",
        "p50 ms",
        "÷ (b)",
        "p99 ms",
        "÷ (b)",
        "peak MiB",
        "CPU µs/item",
        "÷ (b)",
    )
    rows: list[tuple[str, ...]] = []
    ends = set()
    for size, clients, letters in _groups(results):
        floor = _cell(results, _FLOOR, size, clients)
        for letter in letters:
            where = f"{size:,} × {clients}"
            rows.append((where, *_row(results, letter, size, clients, floor)))
        ends.add(len(rows))
    skipped = [
        ("–", f"({letter}) {results['contestants'][letter]}", f"skipped: needs {', '.join(names)}")
        for letter, names in results["skipped"].items()
    ]
    rows += [(*row, *[""] * (len(columns) - len(row))) for row in skipped]
    return Sheet("Everybody, without bad rows", columns, rows, frozenset(ends), left=2)


def _row(results: Results, letter: str, size: int, clients: int, floor: Any) -> tuple[str, ...]:
    cell = _cell(results, letter, size, clients)
    who = f"({letter}) {results['contestants'][letter]}"
    if cell["void"]:
        return (who, _void(cell), *["–"] * 9)
    cpu = total_cpu(cell)
    floor_cpu = total_cpu(floor) if floor and not floor["void"] else 0
    return (
        who,
        figure(cell, "itemsPerSecond"),
        _ratio(cell, floor, "itemsPerSecond"),
        number(cell["requestsPerSecond"]["median"], 1 if size >= 100 else 0),
        number(cell["p50"]["median"], 1),
        _ratio(cell, floor, "p50"),
        number(cell["p99"]["median"], 1),
        _ratio(cell, floor, "p99"),
        number(own_memory(cell)),
        number(cpu, 1),
        f"{cpu / floor_cpu:.2f}" if floor_cpu else "–",
    )


def _parts(results: Results) -> Sheet:
    """Processor time by part, and each as a ratio to the floor's same part where it has one."""
    rows: list[tuple[str, ...]] = []
    ends = set()
    for size, clients, letters in _groups(results):
        floor = _valid(results, _FLOOR, size, clients)
        for letter in letters:
            if cell := _valid(results, letter, size, clients):
                cells = [_part(cell, floor, part) for part in PARTS]
                rows.append((f"{size:,} × {clients}", f"({letter})", *cells))
        ends.add(len(rows))
    title = "CPU µs an item of each part (÷ the same part of (b))"
    columns = ("items × clients", "who", "client", "API", "worker", "PostgreSQL", "Redis")
    return Sheet(title, columns, rows, frozenset(ends), left=2)


def _part(cell: Any, floor: Any, part: str) -> str:
    used = cell["cpuMicroseconds"].get(part)
    if used is None:
        return "–"
    ours = used["median"]
    theirs = floor["cpuMicroseconds"].get(part, {"median": 0})["median"] if floor else 0
    ratio = f" ({ours / theirs:.2f})" if theirs and part in ("client", "postgres") else ""
    return f"{ours:,.2f}{ratio}"


def _grid(results: Results) -> Sheet:
    rows = []
    for size in SIZES:
        for clients in CLIENTS:
            good, bad = (_cell(results, "a", size, clients, share) for share in (False, True))
            if good or bad:
                rows.append((f"{size:,} × {clients}", *_grid_half(good), *_grid_half(bad)))
    columns = ("items × clients", "items/s", "p50", "p99", "MiB")
    again = ("1 % bad: items/s", "p50", "p99", "MiB")
    return Sheet("(a) alone: 0 % and 1 % bad rows (lenient)", (*columns, *again), rows)


def _grid_half(cell: Any) -> tuple[str, ...]:
    if cell is None:
        return ("–",) * 4
    if cell["void"]:
        return (_void(cell), "–", "–", "–")
    return (
        figure(cell, "itemsPerSecond"),
        number(cell["p50"]["median"], 1),
        number(cell["p99"]["median"], 1),
        number(own_memory(cell)),
    )


def draw(results: Results, folder: Path) -> list[Path]:
    """The plots of a run."""
    return [
        _draw_sizes(results, folder / "endpoints-throughput.svg"),
        _draw_ratios(results, folder / "endpoints-floor.svg"),
        _draw_cpu(results, folder / "endpoints-cpu.svg"),
        _draw_grid(results, folder / "endpoints-service.svg"),
        _draw_latency(results, folder / "endpoints-latency.svg"),
    ]


def _draw_sizes(results: Results, path: Path) -> Path:
    drawing, axes = figure_of("Items/s after commit, 8 clients", "items a request", "items/s")
    for letter, title in results["contestants"].items():
        cells = {size: _valid(results, letter, size, 8) for size in SIZES}
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
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.legend(fontsize=7)
    return save(drawing, path)


def _draw_ratios(results: Results, path: Path) -> Path:
    drawing, axes = figure_of("Share of the floor's items/s, 1,000 items × 8 clients", "", "÷ (b)")
    floor = _valid(results, _FLOOR, 1_000, 8)
    names, values = [], []
    for letter, title in results["contestants"].items():
        cell = _valid(results, letter, 1_000, 8)
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


def _draw_cpu(results: Results, path: Path) -> Path:
    title = "Processor time of one item by part, 1,000 items × 8 clients"
    drawing, axes = figure_of(title, "µs an item", "")
    cells = {letter: _valid(results, letter, 1_000, 8) for letter in results["contestants"]}
    present = {
        letter: cell for letter, cell in cells.items() if cell and total_cpu(cell) < _DRAWN_CPU
    }
    labels = [f"({letter}) {results['contestants'][letter]}" for letter in present]
    left = [0.0] * len(present)
    for part in PARTS:
        widths = [
            cell["cpuMicroseconds"].get(part, {"median": 0})["median"] for cell in present.values()
        ]
        axes.barh(labels, widths, left=left, label=part)
        left = [before + width for before, width in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.legend(fontsize=7)
    return save(drawing, path)


def _draw_grid(results: Results, path: Path) -> Path:
    title = "(a) this service: items/s after commit"
    drawing, axes = figure_of(title, "items a request", "items/s")
    for number_of, clients in enumerate(CLIENTS):
        for bad, style in ((False, "-"), (True, "--")):
            cells = {size: _valid(results, "a", size, clients, bad) for size in SIZES}
            found = {s: c["itemsPerSecond"]["median"] for s, c in cells.items() if c}
            label = f"{clients} clients{', 1 % bad' if bad else ''}"
            axes.plot(
                list(found), list(found.values()), style, marker="o", markersize=4,
                color=f"C{number_of}", label=label,
            )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.legend(fontsize=7)
    return save(drawing, path)


def _draw_latency(results: Results, path: Path) -> Path:
    drawing, axes = figure_of("(a) this service: time to the answer", "items a request", "ms")
    for number_of, clients in enumerate(CLIENTS):
        for name, style in (("p50", "-"), ("p99", ":")):
            cells = {size: _valid(results, "a", size, clients) for size in SIZES}
            found = {size: cell[name]["median"] for size, cell in cells.items() if cell}
            axes.plot(
                list(found), list(found.values()), style, marker="o", markersize=4,
                color=f"C{number_of}", label=f"{clients} clients, {name}",
            )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.legend(fontsize=7)
    return save(drawing, path)
