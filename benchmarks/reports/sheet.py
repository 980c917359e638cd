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
        left: how many columns are texts, not numbers.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    sections: frozenset[int] = frozenset()
    left: int = 1

    def markdown(self) -> str:
        """As Markdown."""
        numbers = len(self.columns) - self.left
        lines = [_line(self.columns), _line((*["---"] * self.left, *["---:"] * numbers))]
        table = "\n".join(lines + [_line(row) for row in self.rows])
        return f"**{self.title}**\n\n{table}"


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
            table.add_column(
                column, justify="left" if number < sheet.left else "right", no_wrap=True
            )
        for number, row in enumerate(sheet.rows, 1):
            table.add_row(*map(Text, row), end_section=number in sheet.sections)
        console.print(table)


def number(value: float | None, digits: int = 0) -> str:
    """A number with thousands set apart."""
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
