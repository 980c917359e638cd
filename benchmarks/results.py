"""Where results are kept, and how docs/benchmarks.md gets its tables and plots.

    python -m benchmarks.results

draws the page again from the JSON files in benchmarks/results. Between `<!-- NAME -->` and
`<!-- /NAME -->` the page is written by this module, the rest by people.
"""

import importlib
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
NAMES = ("endpoints", "growth", "backpressure")
"""The benchmarks with a place on the page; the others print their tables and keep their results."""


def save(name: str, results: dict[str, Any], *, whole: bool) -> Path:
    """Keep results, and show those of a whole run on the page."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / (f"{name}.json" if whole else f"{name}-quick.json")
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if whole and name in NAMES:
        refresh(name)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def refresh(name: str) -> None:
    """Write one benchmark's plots and its part of the page again, from its results."""
    results = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    report = report_of(name)
    plots = report.draw(results, FOLDER)
    parts = [_machine(results)]
    parts += [f"![{path.stem}](../benchmarks/results/{path.name})" for path in plots]
    parts += [sheet.markdown() for sheet in report.page(results)]
    replace_part(name, "\n\n".join(parts))


def report_of(name: str) -> ModuleType:
    """The module with `page(results)`, its tables for the page, and `draw(results, folder)`."""
    return importlib.import_module(f"benchmarks.reports.{name}")


def _machine(results: dict[str, Any]) -> str:
    machine = results["machine"]
    rounds = f"; {results['rounds']} rounds" if "rounds" in results else ""
    return (
        f"{machine['cores']} cores ({machine['processor']}), Python {machine['python']}, "
        f"load average {machine['loadAverage']}{rounds}; {results['minutes']:g} minutes."
    )


def replace_part(name: str, text: str) -> None:
    """Put `text` in the place of one benchmark's part of the page."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    if not pattern.search(page):
        raise RuntimeError(f"{PAGE.name} has no place for {name}: {begin} … {end}")
    PAGE.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", page), encoding="utf-8")


def main() -> None:
    for name in NAMES:
        if (FOLDER / f"{name}.json").exists():
            refresh(name)
            print(f"drew {name}")


if __name__ == "__main__":
    main()
