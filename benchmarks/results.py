"""Where results are kept, and how pages of docs get their tables and plots.

    python -m benchmarks.results

draws them again from the JSON files in benchmarks/results. Between `<!-- NAME -->` and
`<!-- /NAME -->` a page is written by this module, the rest by people.
"""

import importlib
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).parent / "results"
_DOCS = Path(__file__).parents[1] / "docs"
PAGES = {
    **dict.fromkeys(("endpoints", "growth", "backpressure"), _DOCS / "benchmarks.md"),
    "intake": _DOCS / "validation.md",
    **dict.fromkeys(("formats", "streams"), _DOCS / "formats.md"),
}
"""The benchmarks with a place on a page; the others print their tables and keep their results."""


def save(name: str, results: dict[str, Any], *, whole: bool) -> Path:
    """Keep results, and show those of a whole run on its page."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / (f"{name}.json" if whole else f"{name}-quick.json")
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if whole and name in PAGES:
        refresh(name)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def refresh(name: str) -> None:
    """Write one benchmark's plots and its part of its page again, from its results."""
    results = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    report = report_of(name)
    plots = report.draw(results, FOLDER) if hasattr(report, "draw") else []
    parts = [_machine(results)]
    parts += [f"![{path.stem}](../benchmarks/results/{path.name})" for path in plots]
    parts += [sheet.markdown() for sheet in report.page(results)]
    replace_part(name, "\n\n".join(parts))


def report_of(name: str) -> ModuleType:
    """The module with `page(results)`, its tables for a page, and maybe `draw(results, folder)`."""
    return importlib.import_module(f"benchmarks.reports.{name}")


def _machine(results: dict[str, Any]) -> str:
    machine = results["machine"]
    rounds = f"; {results['rounds']} rounds" if "rounds" in results else ""
    return (
        f"{machine['cores']} cores ({machine['processor']}), Python {machine['python']}, "
        f"load average {machine['loadAverage']}{rounds}; {results['minutes']:g} minutes."
    )


def replace_part(name: str, text: str) -> None:
    """Put `text` in the place of one benchmark's part of its page."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    path = PAGES[name]
    page = path.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    if not pattern.search(page):
        raise RuntimeError(f"{path.name} has no place for {name}: {begin} … {end}")
    path.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", page), encoding="utf-8")


def main() -> None:
    for name in PAGES:
        if (FOLDER / f"{name}.json").exists():
            refresh(name)
            print(f"drew {name}")


if __name__ == "__main__":
    main()
