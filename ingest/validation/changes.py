"""The changed items of a batch that is repaired: validated as others are, each at its own index."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ingest.exactjson import dump_exact
from ingest.model import DROPPED, Failure, ItemChange, Options
from ingest.resources.entries import Entry, entries
from ingest.validation.intake import Intake
from ingest.validation.items import ItemValidator

_MANY = 10_000  # items that are dropped, of which one takes no more than its index


@dataclass(frozen=True, slots=True)
class Changed:
    """A changed item, validated: what is staged of it, or what is wrong with it, or neither where
    it is dropped."""

    index: int
    entry: Entry | None = None
    raw: bytes | None = None
    """As it was received, where it is invalid."""
    errors: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        found = 0 if self.entry is None else self.entry.size
        return found + len(self.raw or b"") + len(self.errors or b"")


class ChangeIntake(Intake):
    """Validates changed items in the order in which they come."""

    def __init__(self, validator: ItemValidator, options: Options, *, max_values: int) -> None:
        super().__init__(validator, options, max_values=max_values, typed=False)
        self._expected: Sequence[int] = ()
        self._before = 0
        self._dropped: list[int] = []

    @property
    def full(self) -> bool:
        return super().full or len(self._dropped) >= _MANY

    def expect(self, changes: Sequence[ItemChange]) -> list[Any]:
        """The items of the next changes, which are to be taken; there are none of dropped ones."""
        kept = [each for each in changes if each.item is not DROPPED]
        self._dropped += [each.index for each in changes if each.item is DROPPED]
        self._expected, self._before = [each.index for each in kept], self.received
        return [each.item for each in kept]

    def changed(self) -> list[Changed]:
        """What has come together since the last time."""
        chunk = self.cut()
        staged = entries(chunk.records, chunk.raw) if chunk.records else []
        changed = [Changed(each.index, each) for each in staged]
        changed += map(_refused, chunk.failures)
        changed += map(Changed, self._dropped)
        self._dropped = []
        return changed

    def _indices(self) -> Iterator[int]:
        return islice(self._expected, self.received - self._before, None)


def _refused(failure: Failure) -> Changed:
    errors = dump_exact([each.document() for each in failure.errors])
    return Changed(failure.index, None, dump_exact(failure.raw), errors)
