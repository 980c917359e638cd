"""The columns of a CSV file as a tree: how the cells of a row become the values of an item."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.formats.shapes import ABSENT, Convert, Kind


@dataclass(slots=True)
class Leaf:
    """A column: where it is in a row, and what its text becomes."""

    position: int
    convert: Convert | None
    """None where the text is the value. What it makes None is null."""
    empty: Any
    """What a cell without text becomes, where that is no text: `ABSENT` or null."""
    keeps_empty: bool

    def value(self, row: Sequence[str]) -> Any:
        cell = row[self.position]
        if not cell and not self.keeps_empty:
            return self.empty
        return cell if self.convert is None else self.convert(cell)


@dataclass(slots=True)
class Branch:
    """A nested value that several columns make."""

    kind: Kind
    below: "dict[str, Leaf | Branch]" = field(default_factory=dict)

    def members(self, row: Sequence[str]) -> dict[str, Any]:
        """Its members without those that are absent."""
        values = {name: each.value(row) for name, each in self.below.items()}
        return {name: value for name, value in values.items() if value is not ABSENT}

    def value(self, row: Sequence[str]) -> Any:
        """Absent where all below it is, null where all of the rest is null.

        Elements that are null are left out.
        """
        members = self.members(row)
        present = [value for value in members.values() if value is not None]
        if not present:
            return None if members else ABSENT
        return present if self.kind is Kind.ARRAY else members
