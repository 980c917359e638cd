"""Cells of the CSV files that the service writes: no spreadsheet takes one for a formula."""

import re
from collections.abc import Callable

ERROR_COLUMNS = ("error_field", "error_code", "error_message")
"""The last columns of a file of failed rows. In a file that comes back they are ignored, and
`undefuse` gives its cells and the names of its columns the text that they had."""

_WHOLE = "error_item"

# OWASP, CSV injection. What has apostrophes before that gets one more, so that `undefuse` is exact.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_DEFUSED = re.compile(r"''*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def whole_column(is_field: Callable[[str], bool]) -> str:
    """The one column of items that have too many: each of them whole, as JSON.

    Args:
        is_field: whether the schema has a field of that name, which the column must not have.
    """
    name = _WHOLE
    while is_field(name):
        name += "_"
    return name


def defuse(cell: str) -> str:
    """A cell that begins like a formula, with an apostrophe before it; numbers are none."""
    if _FORMULA.match(cell) is None or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"


def undefuse(cell: str) -> str:
    """What `defuse` was given."""
    return cell[1:] if cell and cell[0] == "'" and _DEFUSED.match(cell) else cell
