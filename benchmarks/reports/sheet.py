"""A table, for the terminal and for a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDTH = 170  # where the output is no terminal


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of texts.

    Args:
        sections: after how many rows a line is drawn.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    sections: frozenset[int] = frozenset()

    def markdown(self) -> str:
        lines = [f"**{self.title}**", "", _line(self.columns)]
        lines.append(_line(("---", *("---:" for _ in self.columns[1:]))))
        lines += [_line(row) for row in self.rows]
        return "\n".join(lines)


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def show(sheets: list[Sheet]) -> None:
    """Print tables."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    for sheet in sheets:
        table = Table(title=sheet.title, title_justify="left")
        for number, column in enumerate(sheet.columns):
            table.add_column(column, justify="right" if number else "left", no_wrap=True)
        for number, row in enumerate(sheet.rows, 1):
            table.add_row(*map(Text, row), end_section=number in sheet.sections)
        console.print(table)


def number(value: float | None, digits: int = 0) -> str:
    """A number with thousands set apart, and no more digits than say something."""
    if value is None:
        return "–"
    return f"{value:,.{digits}f}"


def figure(cell: dict[str, Any], name: str, digits: int = 0) -> str:
    """A median with its spread over the rounds, if there were some."""
    value = cell[name]
    if value["min"] == value["max"]:
        return number(value["median"], digits)
    spread = f"{value['min']:,.{digits}f}–{value['max']:,.{digits}f}"
    return f"{value['median']:,.{digits}f} ({spread})"
