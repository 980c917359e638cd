"""Counts of the rows of a file by outcome, and the summary of a load."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ingest.load.calls import Answer

_SAVED = ("created", "updated", "deleted", "unchanged")
_LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)
_MAX_KINDS = 1000
_SHOWN_KINDS = 5
_MAX_MESSAGE = 100  # characters


@dataclass(slots=True)
class Totals:
    """Counts over all answers."""

    rows: int = 0
    saved: Counter[str] = field(default_factory=Counter)
    saved_before: Counter[str] = field(default_factory=Counter)
    """What an earlier run of the same load did."""
    failed: int = 0
    unsaved: int = 0
    """Good rows that were not saved because others of their batch failed."""
    began: dt.datetime = _LONG_AGO
    """When this run began, by the service's clock."""
    again: int = 0
    """How many loads of the same file were finished before."""
    batches: int = 0
    replayed: int = 0
    """Batches that an earlier run had sent."""
    limit: str = ""
    """A limit of the account that good rows would have passed whose batch failed for others."""
    errors: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    """By code, field and message; only so many are told apart."""
    examples: dict[tuple[int, str, str], str] = field(default_factory=dict)
    """Where each of them was first."""

    def add(self, answer: Answer) -> None:
        """Count the rows of one batch."""
        metadata = answer.document["metadata"]
        self.rows += metadata["receivedItemsCount"]
        earlier = answer.replayed and _made(metadata["batchId"]) < self.began
        saved = self.saved_before if earlier else self.saved
        saved.update({name: metadata.get(name, 0) for name in _SAVED})
        self.failed += metadata["invalidItemsCount"]
        if answer.document["result"] == "failure":
            self.unsaved += metadata["validItemsCount"]
            beside = answer.document.get("error", {"message": ""})
            self.limit = self.limit or beside["message"].removesuffix("; nothing was saved")
        self.batches += 1
        self.replayed += earlier

    def add_errors(self, place: str, errors: Sequence[Mapping[str, Any]]) -> None:
        """Count what is wrong with the row at a place."""
        for error in errors:
            kind = (error["code"], error.get("field") or "", error["message"][:_MAX_MESSAGE])
            if kind in self.errors or len(self.errors) < _MAX_KINDS:
                self.errors[kind] += 1
                self.examples.setdefault(kind, place)


def _made(batch_id: str) -> dt.datetime:
    """When a batch was made, by the service's clock (RFC 9562, UUIDv7)."""
    milliseconds = UUID(batch_id).int >> 80
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)


def summary(totals: Totals, seconds: float) -> Iterator[str]:
    """The lines of the summary."""
    rate = totals.rows / seconds if seconds else 0
    yield f"{totals.rows:>12,} rows in {seconds:.1f} s, {rate:,.0f} rows/s"
    for name, count in totals.saved.items():
        if count:
            yield f"{count:>12,} {name}"
    for name, count in totals.saved_before.items():
        if count:
            yield f"{count:>12,} {name} by an earlier run"
    yield f"{totals.failed:>12,} failed"
    if totals.unsaved:
        yield f"{totals.unsaved:>12,} not saved, because other rows of their batch failed"
    if totals.limit:
        yield f"{'':>12} They would not be saved without those either: {totals.limit}."
    earlier = f", {totals.replayed:,} of them sent by an earlier run" if totals.replayed else ""
    if totals.again:
        times = "once" if totals.again == 1 else f"{totals.again} times"
        yield f"{'':>12} The file was loaded {times} before; this is another load of it."
    yield f"{totals.batches:>12,} {'batch' if totals.batches == 1 else 'batches'}{earlier}"
    yield from _most_frequent(totals)


def _most_frequent(totals: Totals) -> Iterator[str]:
    if totals.errors:
        yield "Most frequent errors:"
    for kind, count in totals.errors.most_common(_SHOWN_KINDS):
        code, field_, message = kind
        about = f"{field_}: " if field_ else ""
        yield f"{count:>12,} of {code} {about}{' '.join(message.split())} ({totals.examples[kind]})"
    more = len(totals.errors) - _SHOWN_KINDS
    if more > 0:
        yield f"{'':>12} and {more:,}{'+' if len(totals.errors) >= _MAX_KINDS else ''} other kinds"
