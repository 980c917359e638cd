"""How plots look; matplotlib is imported only where one is drawn."""

from pathlib import Path
from typing import Any

COLOURS = {
    "a": "#d62728",
    "b": "#222222",
    "c": "#1f77b4",
    "d": "#17becf",
    "e": "#2ca02c",
    "f": "#9467bd",
    "g": "#ff7f0e",
    "h": "#8c564b",
}


def figure_of(title: str, x: str, y: str) -> tuple[Any, Any]:
    """A figure with one set of axes."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "benchmarks"  # the same figures make the same file
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(8, 4.5), layout="constrained")
    axes = drawing.add_subplot()
    axes.set_title(title, fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    return drawing, axes


def save(drawing: Any, path: Path) -> Path:
    """Write a figure as SVG."""
    drawing.savefig(path, format="svg", metadata={"Date": None})
    return path
