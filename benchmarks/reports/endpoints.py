"""The endpoint benchmark as tables; `draw` makes its plots."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from benchmarks.plan import CLIENTS, FLOOR, GOALS, KINDS, SERVICE, SEVERAL, SIZES
from benchmarks.ratios import ratios, sum_of
from benchmarks.reports.cells import PARTS, Results, find, valid
from benchmarks.reports.endpoint_plots import draw
from benchmarks.reports.sheet import Sheet, figure, number
from benchmarks.samples import PEOPLE, SAMPLES

__all__ = ["draw", "sheets"]
_OWN = ("api", "worker")  # whose memory is the contestant's own
_MIB = 2**20
_FIGURES = (
    "items/s (spread)",
    "÷ (b)",
    "requests/s",
    "p50 ms",
    "÷ (b)",
    "p99 ms",
    "÷ (b)",
    "peak MiB",
    "with servers ÷ (b)",
    "CPU µs/item",
    "÷ (b)",
)
_PARTS_TITLE = "CPU µs an item of each part (÷ the same part of (b))"
_PARTS_COLUMNS = ("client", "API", "worker", "PostgreSQL", "Redis")


def page(results: Results) -> list[Sheet]:
    """The goals, and all contestants where most goals are."""
    return [_goals(results), _compared_at(results, 1_000, SEVERAL)]


def sheets(results: Results) -> list[Sheet]:
    """Every figure: goals, the comparison, the samples side by side, every kind of write."""
    return [
        _goals(results),
        _comparison(results),
        _parts(results),
        _samples(results),
        _kinds(results),
    ]


def _goals(results: Results) -> Sheet:
    rows = []
    for goal in GOALS:
        measured = goal.measured(results["cells"])
        if measured is None:
            void = all(name in results["cells"] for name in (goal.of, goal.to))
            rows.append((goal.title, "void" if void else "not measured here", "–"))
            continue
        rows.append((goal.title, f"{measured:.2f}", "yes" if goal.met(measured) else "NO"))
    return Sheet(
        f"Goals of (a), medians of {results['rounds']} rounds", ("goal", "measured", "met"), rows
    )


def _groups(results: Results) -> Iterator[tuple[int, int, list[str]]]:
    """Size, clients, and the contestants that were measured there, without bad rows."""
    for clients in CLIENTS:
        for size in SIZES:
            letters = [
                each for each in results["contestants"] if find(results, each, size, clients)
            ]
            if letters:
                yield size, clients, letters


def _ratio(of_floor: dict[str, Any] | None, name: str) -> str:
    return number(of_floor[name] if of_floor else None, 2)


def _void(cell: Any) -> str:
    why = cell["errors"][0] if cell["errors"] else f"{cell['rows']:,} of {cell['items']:,} rows"
    return f"void: {' '.join(why.split())[:60]}"


def own_memory(cell: Any) -> float | None:
    """Peak memory of the contestant's own processes; None for the floor, which has none."""
    peaks = [peak["median"] for part, peak in cell["peakBytes"].items() if part in _OWN]
    return sum(peaks) / _MIB if peaks else None


def _comparison(results: Results) -> Sheet:
    columns = ("items × clients", "who", *_FIGURES)
    rows: list[tuple[str, ...]] = []
    ends = set()
    for size, clients, letters in _groups(results):
        floor = find(results, FLOOR, size, clients)
        for letter in letters:
            who = f"({letter}) {results['contestants'][letter]}"
            cell = find(results, letter, size, clients)
            rows.append((f"{size:,} × {clients}", who, *_figures(cell, floor, size)))
        ends.add(len(rows))
    skipped = [
        ("–", f"({letter}) {results['contestants'][letter]}", f"skipped: needs {', '.join(names)}")
        for letter, names in results["skipped"].items()
    ]
    rows += [(*row, *[""] * (len(columns) - len(row))) for row in skipped]
    return Sheet("All contestants, people", columns, rows, frozenset(ends), left=2)


def _compared_at(results: Results, size: int, clients: int) -> Sheet:
    """People in detail, and the ratios of the other samples side by side with them."""
    rows: list[tuple[str, ...]] = []
    floors = {each: valid(results, FLOOR, size, clients, "", each) for each in SAMPLES}
    for letter, title in results["contestants"].items():
        cells = {each: valid(results, letter, size, clients, "", each) for each in SAMPLES}
        cell = cells[PEOPLE]
        rows.append(
            (
                f"({letter}) {title}",
                figure(cell, "itemsPerSecond") if cell else "–",
                number(cell and cell["p50"]["median"]),
                number(cell and sum_of(cell, "cpuMicroseconds")),
                *(_ratio(ratios(cells[each], floors[each]), "itemsPerSecond") for each in SAMPLES),
            )
        )
    ratio_columns = (f"{each} ÷ (b)" for each in SAMPLES)
    columns = ("", "items/s (spread)", "p50 ms", "CPU µs/item", *ratio_columns)
    return Sheet(f"{size:,} items × {clients} clients", columns, rows)


def _figures(cell: Any, floor: Any, size: int) -> tuple[str, ...]:
    if cell["void"]:
        return (_void(cell), *["–"] * (len(_FIGURES) - 1))
    of_floor = ratios(cell, floor)
    return (
        figure(cell, "itemsPerSecond"),
        _ratio(of_floor, "itemsPerSecond"),
        number(cell["requestsPerSecond"]["median"], 1 if size >= 100 else 0),
        number(cell["p50"]["median"], 1),
        _ratio(of_floor, "p50"),
        number(cell["p99"]["median"], 1),
        _ratio(of_floor, "p99"),
        number(own_memory(cell)),
        _ratio(of_floor, "peakBytes"),
        number(sum_of(cell, "cpuMicroseconds"), 1),
        _ratio(of_floor, "cpuMicroseconds"),
    )


def _parts(results: Results) -> Sheet:
    """Processor time by part, each with its ratio to the same part of the floor."""
    rows: list[tuple[str, ...]] = []
    ends = set()
    for size, clients, letters in _groups(results):
        floor = find(results, FLOOR, size, clients)
        for letter in letters:
            if cell := valid(results, letter, size, clients):
                where = f"{size:,} × {clients}"
                rows.append((where, f"({letter})", *_by_part(cell, floor)))
        ends.add(len(rows))
    columns = ("items × clients", "who", *_PARTS_COLUMNS)
    return Sheet(_PARTS_TITLE, columns, rows, frozenset(ends), left=2)


def _by_part(cell: Any, floor: Any) -> list[str]:
    of_floor = (ratios(cell, floor) or {}).get("parts", {})
    texts = []
    for part in PARTS:
        used = cell["cpuMicroseconds"].get(part)
        ratio = f" ({of_floor[part]:.2f})" if of_floor.get(part) is not None else ""
        texts.append("–" if used is None else f"{used['median']:,.2f}{ratio}")
    return texts


def _samples(results: Results) -> Sheet:
    """The samples side by side, each beside the floor that copies the same sample."""
    rows = []
    for size, clients, letters in _groups(results):
        for letter in letters:
            found = [find(results, letter, size, clients, "", each) for each in SAMPLES]
            if any(found[1:]):
                floors = [find(results, FLOOR, size, clients, "", each) for each in SAMPLES]
                cells = [_rate(*both) for both in zip(found, floors, strict=True)]
                rows.append((f"{size:,} × {clients}", f"({letter})", *chain(*cells)))
    columns = [(f"{each}: items/s", "÷ (b)") for each in SAMPLES]
    title = "Both contacts, and the generated schema, side by side"
    return Sheet(title, ("items × clients", "who", *chain(*columns)), rows, left=2)


def _rate(cell: Any, floor: Any) -> tuple[str, str]:
    if cell is None:
        return "–", "–"
    if cell["void"]:
        return _void(cell), "–"
    return number(cell["itemsPerSecond"]["median"]), _ratio(ratios(cell, floor), "itemsPerSecond")


def _kinds(results: Results) -> Sheet:
    """What else the service was asked for, beside creates of as many items and clients."""
    rows: list[tuple[str, ...]] = []
    for clients in CLIENTS:
        for size in SIZES:
            found = {kind: find(results, SERVICE, size, clients, kind) for kind in KINDS}
            measured = {kind: cell for kind, cell in found.items() if cell}
            if "" in measured and len(measured) > 1:
                rows += [
                    (f"{size:,} × {clients}", KINDS[kind].title, *_of_create(cell, measured[""]))
                    for kind, cell in measured.items()
                ]
    columns = ("items × clients", "kind", "items/s (spread)", "÷ create", "p50", "p99", "CPU µs")
    return Sheet("(a): kinds of writes", columns, rows, left=2)


def _of_create(cell: Any, create: Any) -> tuple[str, ...]:
    if cell["void"]:
        return (_void(cell), *["–"] * 4)
    ratio = ratios(cell, create)
    return (
        figure(cell, "itemsPerSecond"),
        _ratio(ratio, "itemsPerSecond"),
        number(cell["p50"]["median"], 1),
        number(cell["p99"]["median"], 1),
        number(sum_of(cell, "cpuMicroseconds"), 1),
    )
