"""Counts of the rows of a file by outcome, and the summary of a load."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.load.calls import Answer
from ingest.load.feed import Row

_MAX_KINDS = 1000
_SHOWN_KINDS = 5
_MAX_MESSAGE = 100  # characters


@dataclass(slots=True)
class Kind:
    """One thing that is wrong with rows: how often, and where first."""

    count: int
    example: str


@dataclass(slots=True)
class Totals:
    """Counts over all answers."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    failed: int = 0
    unsaved: int = 0
    """Good rows that were not saved because others of their batch failed."""
    batches: int = 0
    replayed: int = 0
    """Batches that an earlier run had sent."""
    kinds: dict[tuple[int, str, str], Kind] = field(default_factory=dict)

    def add(self, answer: Answer) -> None:
        """Count the rows of one batch."""
        metadata = answer.document["metadata"]
        self.rows += metadata["receivedItemsCount"]
        self.created += metadata.get("created", 0)
        self.updated += metadata.get("updated", 0)
        self.deleted += metadata.get("deleted", 0)
        self.unchanged += metadata.get("unchanged", 0)
        self.failed += metadata["invalidItemsCount"]
        if answer.document["result"] == "failure":
            self.unsaved += metadata["validItemsCount"]
        self.batches += 1
        self.replayed += answer.replayed

    def add_errors(self, index: int, row: Row, errors: Sequence[Mapping[str, Any]]) -> None:
        """Count what is wrong with one row."""
        for error in errors:
            name = (error["code"], error.get("field") or "", error["message"][:_MAX_MESSAGE])
            kind = self.kinds.get(name)
            if kind is not None:
                kind.count += 1
            elif len(self.kinds) < _MAX_KINDS:
                self.kinds[name] = Kind(1, place(index, row))

    @property
    def all_saved(self) -> bool:
        return not self.failed and not self.unsaved


def place(index: int, row: Row) -> str:
    """Where a row stands in the file."""
    return f"item {index + 1}" if row.line is None else f"line {row.line}"


def summary(totals: Totals, seconds: float) -> Iterator[str]:
    """The lines of the summary."""
    rate = totals.rows / seconds if seconds else 0
    yield f"{totals.rows:>12,} rows in {seconds:.1f} s, {rate:,.0f} rows/s"
    for name in ("created", "updated", "deleted", "unchanged", "failed"):
        count = getattr(totals, name)
        if count or name == "failed":
            yield f"{count:>12,} {name}"
    if totals.unsaved:
        yield f"{totals.unsaved:>12,} not saved, because other rows of their batch failed"
    earlier = f", {totals.replayed:,} of them sent by an earlier run" if totals.replayed else ""
    yield f"{totals.batches:>12,} {'batch' if totals.batches == 1 else 'batches'}{earlier}"
    yield from _most_frequent(totals)


def _most_frequent(totals: Totals) -> Iterator[str]:
    kinds = sorted(totals.kinds.items(), key=lambda each: -each[1].count)
    if kinds:
        yield "Most frequent errors:"
    for (code, field_, message), kind in kinds[:_SHOWN_KINDS]:
        about = f"{field_}: " if field_ else ""
        yield f"{kind.count:>12,} of {code} {about}{' '.join(message.split())} ({kind.example})"
    if len(kinds) > _SHOWN_KINDS:
        more = f"{len(kinds) - _SHOWN_KINDS:,}{'+' if len(kinds) >= _MAX_KINDS else ''}"
        yield f"{'':>12} and {more} other kinds"
