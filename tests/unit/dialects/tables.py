"""The tables of codes in docs/dialects.md, as values."""

import re
from collections.abc import Iterator
from pathlib import Path

PAGE = (Path(__file__).parents[3] / "docs" / "dialects.md").read_text(encoding="utf-8")
Cell = tuple[int, int | None]
"""The HTTP status, and the code in the body where the document has its own."""


def table(title: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a table: what stands first, and the cells by dialect."""
    lines = iter(PAGE.splitlines())
    head = next(line for line in lines if line.startswith(f"| {title} |"))
    names = [cell.strip(" `") for cell in head.strip("|").split("|")[1:]]
    next(lines)
    for line in lines:
        if not line.startswith("|"):
            return
        first, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        yield first, dict(zip(names, cells, strict=True))


def _codes(text: str) -> list[int]:
    numbers = [int(each) for each in re.findall(r"\b\d{5}\b", text)]
    return list(range(numbers[0], numbers[1] + 1)) if " to " in text else numbers


def cell_of(text: str, code: int) -> Cell:
    match = re.fullmatch(r"(\d{3}|own)(?: \[(\d+|code)\])?", text)
    assert match, text
    status = code // 100 if match[1] == "own" else int(match[1])
    if match[2] is None:
        return status, None
    return status, code if match[2] == "code" else int(match[2])


def expected_of(title: str, dialect: str, code: int, mark: str = "") -> Cell:
    """What the tables say of a code; it must stand in exactly one row."""
    [cells] = [cells for first, cells in table(title) if code in _codes(first) and mark in first]
    return cell_of(cells[dialect], code)
