"""What grows, as tables and plots."""

from pathlib import Path
from typing import Any

from benchmarks.reports.plot import figure_of, save
from benchmarks.reports.sheet import Sheet, number

_MIB = 2**20
Results = dict[str, Any]


def sheets(results: Results) -> list[Sheet]:
    """Every figure: one table for each part that was measured."""
    makers = {"rows": _rows, "memory": _memory, "sustained": _sustained}
    return [*_sizes(results), *(make(results) for name, make in makers.items() if name in results)]


def page(results: Results) -> list[Sheet]:
    """How much each cost grows, in one table."""
    flat = results["flat"]
    rows: list[tuple[str, ...]] = [
        (f"100 to 10,000 items a batch, {_clients(which)}", _growth(by_size, flat))
        for which, by_size in results["sizes"].items()
    ]
    for kind, title in (("create", "POST"), ("delete", "DELETE by e-mail")):
        by_rows = {stored: found[kind] for stored, found in results["rows"].items()}
        rows.append((f"1,000 to 1,000,000 stored rows, {title}", _growth(by_rows, flat)))
    rows.append(("memory of an API process ÷ bodies", number(_memory_growth(results), 1)))
    table = [each["bytes"] for each in results["sustained"]["samples"]]
    second, last = _quarters(table)
    rows.append(("table of payloads, last ÷ second quarter", number(last / second, 2)))
    return [Sheet("µs an item, and memory", ("", "greatest ÷ smallest"), rows)]


def _growth(costs: dict[str, dict[str, float]], most: float) -> str:
    return _flat([cost["clock"] for cost in costs.values()], most)


def _memory_growth(results: Results) -> float:
    found = results["memory"]
    return float((found["peak"] - found["idle"]) / found["bodies"])


def _flat(values: list[float], most: float) -> str:
    spread = max(values) / min(values)
    return f"{spread:.2f} ({'flat' if spread <= most else 'NOT flat'})"


def _costs(title: str, by: dict[str, dict[str, float]], most: float) -> Sheet:
    rows: list[tuple[str, ...]] = [
        (f"{int(size):,}", number(cost["clock"], 1), number(cost["cpu"], 1))
        for size, cost in by.items()
    ]
    spreads = [_flat([cost[name] for cost in by.values()], most) for name in ("clock", "cpu")]
    rows.append(("largest ÷ smallest", *spreads))
    return Sheet(title, ("", "µs an item", "CPU µs an item (service and servers)"), rows)


def _sizes(results: Results) -> list[Sheet]:
    return [
        _costs(f"Items a batch, {_clients(which)}", by_size, results["flat"])
        for which, by_size in results.get("sizes", {}).items()
    ]


def _clients(which: str) -> str:
    return f"{which} clients" if which.isdigit() else which


def _rows(results: Results) -> Sheet:
    rows: list[tuple[str, ...]] = []
    kinds = ("create", "delete")
    for stored, found in results["rows"].items():
        cells = [number(found[kind][name], 1) for kind in kinds for name in ("clock", "cpu")]
        rows.append((f"{int(stored):,}", *cells))
    spreads = [
        _flat([found[kind][name] for found in results["rows"].values()], results["flat"])
        for kind in kinds
        for name in ("clock", "cpu")
    ]
    rows.append(("largest ÷ smallest", *spreads))
    columns = ("stored rows", "POST µs an item", "CPU", "DELETE by e-mail µs an item", "CPU")
    return Sheet("Stored rows: 1 client, batches of 1,000", columns, rows)


def _memory(results: Results) -> Sheet:
    found = results["memory"]
    title = f"Memory of one API process, {found['clients']} clients × 10,000 items"
    names = {
        "idle": "before, MiB",
        "peak": "peak, MiB",
        "after": "after, MiB",
        "bound": "bound (before + clients × body limit), MiB",
        "workerPeak": "worker's peak, MiB",
    }
    rows = [(text, number(found[name] / _MIB)) for name, text in names.items()]
    rows.append(("bodies under way, MiB", number(found["bodies"] / _MIB)))
    rows.append(("growth ÷ bodies under way", number(_memory_growth(results), 1)))
    rows.append(("refused for a full backlog (sent again)", number(found["refused"])))
    return Sheet(title, ("", "value"), rows)


def _quarters(values: list[float]) -> tuple[float, float]:
    """Means of the second and of the last quarter: what has settled, and what became of it."""
    quarter = max(len(values) // 4, 1)
    second, last = values[quarter : 2 * quarter], values[-quarter:]
    return sum(second) / len(second), sum(last) / len(last)


def _sustained(results: Results) -> Sheet:
    found = results["sustained"]
    samples = found["samples"]
    parts = {
        "payload table, MiB": [each["bytes"] / _MIB for each in samples],
        "of these payloads that are kept, MiB": [each["live"] / _MIB for each in samples],
        "index of what waits, KiB": [each["waiting"] / 1024 for each in samples],
        "items/s": [each["items"] for each in found["itemsPerSecond"][:-1]],
    }
    rows = []
    for name, values in parts.items():
        second, last = _quarters(values)
        rows.append((name, number(second), number(last), f"{last / second:.2f}"))
    lives = found["seconds"] / found["payloadTtl"]
    title = (
        f"Sustained load: {found['seconds']:.0f} s, {lives:.0f} times the life of a payload, "
        f"{found['items']:,} items"
    )
    return Sheet(title, ("", "second quarter", "last quarter", "ratio"), rows)


def draw(results: Results, folder: Path) -> list[Path]:
    """The cost of an item by the size of its batch and by stored rows."""
    makers = {"sizes": _draw_sizes, "rows": _draw_rows}
    return [
        make(results[name], folder / f"growth-{name}.svg")
        for name, make in makers.items()
        if name in results
    ]


def _draw_sizes(found: Any, path: Path) -> Path:
    drawing, axes = figure_of("Cost of an item by items a batch", "items a batch", "µs an item")
    for what, name in (("clock", "clock"), ("processors of service and servers", "cpu")):
        labels = {f"{what}, {_clients(which)}": by_size for which, by_size in found.items()}
        _lines(axes, labels, name)
    return _finish(drawing, axes, path)


def _draw_rows(found: Any, path: Path) -> Path:
    drawing, axes = figure_of("Cost of an item by stored rows", "stored rows", "µs an item")
    for kind in ("create", "delete"):
        _lines(axes, {kind: {stored: each[kind] for stored, each in found.items()}}, "clock")
    return _finish(drawing, axes, path)


def _lines(axes: Any, by_label: dict[str, Any], name: str) -> None:
    for label, found in by_label.items():
        costs = [cost[name] for cost in found.values()]
        axes.plot([int(each) for each in found], costs, marker="o", label=label)


def _finish(drawing: Any, axes: Any, path: Path) -> Path:
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7)
    return save(drawing, path)
