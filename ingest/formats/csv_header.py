"""The header of a CSV file: which cell becomes which value of an item."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ingest.errors import BAD_FORMAT, MalformedBody
from ingest.formats import json
from ingest.formats.csv_cells import Branch, Leaf
from ingest.formats.csv_names import KnownNames
from ingest.formats.csv_notation import Notation, misread
from ingest.formats.failure_files import (
    ERROR_COLUMNS,
    REPAIR_COLUMNS,
    ROW_COLUMN,
    is_index,
    item_cells,
    stands_in,
    undefuse,
    whole_column,
)
from ingest.formats.nesting import nests_too_deep
from ingest.formats.shapes import Kind, Shape
from ingest.model import Rewritten

_LOADED = re.compile(r"(?:line|row) \d+: ")
"""What `ingest load` writes before messages."""
_UNCHANGED = "This row could not be read, and has not been changed."
_NUMBERED = "The columns of a list are numbered from 0, as in `tags.0`, and leave no number out."


@dataclass(frozen=True, slots=True)
class FailedBefore:
    """What a row cannot say with its own cells."""

    raw: Any
    """As it was received."""
    message: str | None
    """Why it could not be read; None where it is a value that is to be validated again."""


class Header:
    """Makes items of rows."""

    def __init__(
        self,
        cells: Sequence[str],
        shape: Shape,
        *,
        empty: Any,
        max_nesting: int,
        known: KnownNames | None = None,
        notation: Notation | None = None,
    ) -> None:
        """
        Args:
            empty: what an empty cell is: `ABSENT` or null.
            known: None where columns may have any name, as those of failed rows.
            notation: how texts are written; None for as the schema reads them.

        Raises:
            MalformedBody: a column has the name of another, or two of them exclude each other; or
                columns have names that are not known.
        """
        self.width = len(cells)
        names = [cell.strip() for cell in cells]
        ignored = {name for name in (*ERROR_COLUMNS, *REPAIR_COLUMNS) if not shape.names(name)}
        self.from_failures = not ignored.isdisjoint(names)
        """Whether it is a file of failed rows."""
        if self.from_failures:
            names = [undefuse(name) for name in names]
        own = tuple(name for name in names if name and name not in ignored)
        if known is not None and not self.from_failures:
            known.check(own)
        whole = whole_column(shape.names)
        self.whole = names.index(whole) if self.from_failures and own == (whole,) else None
        """Where a file of failed rows has each item in one cell, as JSON."""
        self.columns = own if self.whole is None else ()
        """The names of the file's own columns, in their order."""
        _refuse_repeated(names)
        self._own = {place: name for place, name in enumerate(names) if name not in ignored}
        self._named = own
        self._members = {name: next(_path(shape, name))[0] for name in own}
        self._errors = {name: names.index(name) for name in ignored if name in names}
        self._unnamed = [position for position, name in enumerate(names) if not name]
        self._empty = empty
        self._max_nesting = max_nesting
        placed = {
            position: name for position, name in enumerate(names) if name and name not in ignored
        }
        self._root = self._tree(placed, shape, None)
        self._rewriting = None if notation is None else self._tree(placed, shape, notation)

    def item(self, row: Sequence[str]) -> dict[str, Any] | Rewritten:
        """The item of a row of the right width."""
        if self.from_failures:
            row = [undefuse(cell) for cell in row]
        item = self._root.members(row)
        if self._rewriting is None:
            return item
        rewritten = self._rewriting.members(row)
        return item if rewritten == item else Rewritten(item, rewritten, [*misread(rewritten)])

    def own(self, row: Sequence[str]) -> list[str]:
        """The cells of a row without those of errors."""
        if not self.from_failures:
            return [*row]
        return [undefuse(row[position]) for position in self._own]

    def failed_before(self, row: Sequence[str]) -> "FailedBefore | None":
        """What a row of a file of failed rows stands for, where its cells do not say it and are
        unchanged.

        Raises:
            ValueError, MalformedBody: its cell of `ROW_COLUMN` is not as it was written.
        """
        place = self._errors.get(ROW_COLUMN)
        if place is None or not row[place]:
            return None
        raw = json.value_of(undefuse(row[place]), self._max_nesting - 1)
        cells = self.own(row)
        if isinstance(raw, dict):
            named = [cell for cell, name in zip(cells, self._own.values(), strict=True) if name]
            before = zip(self._named, named, item_cells(raw, self._named), strict=True)
            changed = [name for name, cell, was in before if cell != was]
            return None if self.stray(row) is not None else self._corrected(raw, changed, row)
        if not stands_in(raw, cells, len(self._named)):
            return None
        field_, code, message = (
            undefuse(row[self._errors[name]]) if name in self._errors else ""
            for name in ("error_field", "error_code", "error_message")
        )
        if field_ or code not in ("", str(BAD_FORMAT.code)):
            return FailedBefore(raw, None)
        return FailedBefore(raw, _LOADED.sub("", message) or _UNCHANGED)

    def _corrected(
        self, raw: dict[str, Any], changed: Sequence[str], row: Sequence[str]
    ) -> "FailedBefore | None":
        """The item of a row with changed columns: what was received of the members that were good.

        So a correction of one cell makes nothing else of a null, or of `"5"`, in the others.
        """
        if not changed:
            return FailedBefore(raw, None)
        item = self.item(row)
        if isinstance(item, Rewritten):
            return None
        place = self._errors.get("error_field")
        bad = () if place is None else undefuse(row[place]).split("; ")
        read = {self._members[name] for name in changed}
        read |= {
            name
            for name in self._members.values()
            if any(f"{field}.".startswith(f"{name}.") for field in bad)
        }
        kept = {name: value for name, value in raw.items() if name not in read.union(changed)}
        return FailedBefore(kept | {name: item[name] for name in item if name in read}, None)

    def place_of(self, name: str) -> int | None:
        """Where a file of failed rows has one of their own columns, if it has."""
        return self._errors.get(name)

    def stray(self, row: Sequence[str]) -> int | None:
        """The number of the first column that has a value and no name."""
        return next((position + 1 for position in self._unnamed if row[position]), None)

    def _tree(self, placed: Mapping[int, str], shape: Shape, notation: Notation | None) -> Branch:
        """How the columns with names, by their positions, make an item."""
        root = Branch(Kind.OBJECT)
        for position, name in placed.items():
            self._place(root, shape, name, position, notation)
        _number_lists(root, "")
        return root

    def _place(
        self, root: Branch, shape: Shape, name: str, position: int, notation: Notation | None
    ) -> None:
        path = list(islice(_path(shape, name), self._max_nesting))
        if len(path) + 1 > self._max_nesting:
            raise nests_too_deep(self._max_nesting, f"column {name[:100]!r}")
        branch = root
        for step, there in path[:-1]:
            below = branch.below.setdefault(step, Branch(there.kind))
            if isinstance(below, Leaf):
                raise _excluding(name)
            branch = below
        step, there = path[-1]
        if step in branch.below:
            raise _excluding(name)
        convert = there.convert if there.kind is Kind.SCALAR else self._json_cell
        if notation is not None:
            convert = notation.convert(there, convert)
        branch.below[step] = Leaf(position, convert, self._empty, there.keeps_empty)

    def _json_cell(self, text: str) -> Any:
        """The array or object that a cell holds as JSON, else its text."""
        if text[0] not in "[{":
            return text
        try:
            return json.value_of(text, self._max_nesting - 2)
        except (ValueError, MalformedBody):
            return text


def _path(shape: Shape, column: str) -> Iterator[tuple[str, Shape]]:
    """The path to a column: members and indices, each with the shape of what is there.

    An iterator, for a name may have thousands of dots. A name that the schema does not know is one
    unknown member, with its dots.
    """
    rest = column
    is_last = False
    while not is_last:
        is_last = _is_last(shape, rest)
        step, _, rest = (rest, "", "") if is_last else rest.partition(".")
        if shape.kind is Kind.ARRAY and not is_index(step):
            raise MalformedBody(f"The column {column[:100]!r} stands in a list", _NUMBERED)
        shape = shape.below(step)
        yield step, shape


def _is_last(shape: Shape, name: str) -> bool:
    """Whether the rest of a column's name is one member, with all its dots."""
    first, dot, _ = name.partition(".")
    unknown = shape.kind is Kind.OBJECT and not shape.names(first)
    to_scalar = shape.below(first).kind is Kind.SCALAR
    return not dot or shape.names(name) or unknown or to_scalar or not first


def _number_lists(branch: Branch, prefix: str) -> None:
    """Put the columns of lists in the order of their numbers.

    Raises:
        MalformedBody: a list lacks a number, or has it twice. The elements would get other numbers
            than their columns have, so that no file of failures could show them in these columns.
    """
    for step, below in branch.below.items():
        if isinstance(below, Branch):
            _number_lists(below, f"{prefix}{step}.")
    numbers = sorted(int(step) for step in branch.below if is_index(step))
    if branch.kind is Kind.ANY and numbers == [*range(len(branch.below))]:
        branch.kind = Kind.ARRAY  # other numbers may be names
    if branch.kind is Kind.ARRAY:
        branch.below = dict(sorted(branch.below.items(), key=lambda each: int(each[0])))
        for wanted, step in enumerate(branch.below):
            if int(step) != wanted:
                raise MalformedBody(
                    f"The column {(prefix + step)[:100]!r} is out of turn", _NUMBERED
                )


def _refuse_repeated(names: Sequence[str]) -> None:
    """Raise MalformedBody where two columns have one name."""
    for name, count in Counter(filter(None, names)).items():
        if count > 1:
            places = [str(place) for place, each in enumerate(names, 1) if each == name]
            raise MalformedBody(
                f"The column {name[:100]!r} is there twice",
                f"In the header it is column {' and '.join(places[:10])}.",
            )


def _excluding(name: str) -> MalformedBody:
    return MalformedBody(
        f"The column {name[:100]!r} cannot stand beside another of the same value",
        "A nested value is either JSON in one column, or has columns of its own with dots.",
    )
