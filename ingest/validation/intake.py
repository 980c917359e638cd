"""From the items of a request to a Submission, so much at a time, and then it is another's turn."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson

from ingest.access import group_fits
from ingest.errors import INVALID
from ingest.exactjson import dump_exact
from ingest.model import Action, Failure, ItemError, Submission, Unreadable
from ingest.records import GROUP, Record
from ingest.validation.invalid import InvalidItem
from ingest.validation.recording import Accept, encode
from ingest.validation.runner import ItemValidator

_SLICE = 200
"""The most items of one slice: what is taken at once is encoded at once."""
_SLICE_VALUES = 2_000
"""The most values of one slice that are looked at one by one: each may take up to 30 µs."""
_MAX_VALUES = 100_000
"""The most values of one item that are: each may become an error, which takes 800 bytes."""
_MAX_ERRORS = 10_000
"""The most errors that are listed of one item."""
_MANY_ERRORS, _FEW_ERRORS = 100_000, 10
"""The errors of a request after which only a few of each further item are listed."""


class Intake:
    """The items of one request on their way to a Submission, in their order."""

    def __init__(
        self, validator: ItemValidator, groups: Sequence[str] = (), first: int = 0
    ) -> None:
        """
        Args:
            groups: what the sender is confined to.
            first: the index of the first item in its request.
        """
        self._validator = validator
        self._groups = groups if validator.action is Action.CREATE else ()
        self._first = first
        self._received = 0
        self._errors = 0
        self._taken = _Taken()
        self._chunks: list[bytes] = []

    def add(self, items: Sequence[Any]) -> None:
        """Take items, however long that takes."""
        start = 0
        while start < len(items):
            taken = self.take(items, start)
            if not taken:
                self.take_long(items[start])
            start += taken or 1

    def take(self, items: Sequence[Any], start: int = 0) -> int:
        """Take the next items from `start` on, as many as take a few milliseconds.

        Returns:
            How many they were: none where the first is one for `take_long`.
        """
        sliced = items[start : start + _SLICE]
        keys = self._validator.make_keys(len(sliced))
        encoded = None
        if self._validator.accept is not None:
            taken = self._take(sliced, keys, self._validator.accept, _SLICE_VALUES)
            encoded = encode(taken.records)
        if encoded is None:
            taken = self._take(sliced, keys, _leave, _SLICE_VALUES)
            encoded = orjson.dumps(taken.records)
        self._keep(taken, encoded)
        return taken.count

    def take_long(self, item: Any) -> None:
        """Take one item that has many values to look at: in a thread, for it takes a while."""
        taken = self._take([item], [None], _leave, _MAX_VALUES)
        if not taken.count:
            index = self._first + self._received
            taken.failures.append(Failure(index, item, [_too_many_values()]))
        self._keep(taken, orjson.dumps(taken.records))

    def submission(self) -> Submission:
        return Submission(
            received=self._received,
            valid=self._taken.valid,
            records=b"[" + b",".join(self._chunks) + b"]",
            raw=dump_exact(self._taken.raw) if self._taken.raw else None,
            failures=self._taken.failures,
        )

    def _take(
        self, items: Sequence[Any], keys: Sequence[str | None], accept: Accept, values: int
    ) -> "_Taken":
        """What becomes of items, up to the first with which there are more than so many values."""
        taken = _Taken()
        groups = self._groups
        if len(groups) > 1 or not all(map(group_fits, groups)):
            accept = _leave  # it reads no `meta`, which has to say which of them, and no group
        for index, item, key in zip(count(self._first + self._received), items, keys):
            found = accept(index, item, key)
            if found is not None and groups:
                found[0][GROUP] = groups[0]
            if found is None:
                values -= _values(item, values)
                if values < 0:
                    break
                try:
                    found = self._validator.check(index, item, key, self._groups)
                except InvalidItem as error:
                    raw = item.raw if isinstance(item, Unreadable) else item
                    taken.failures.append(Failure(index, raw, self._listed(error.errors)))
                    continue
            taken.valid.append(index)
            taken.records.append(found[0])
            if not found[1]:
                taken.raw[str(index)] = item
        return taken

    def _listed(self, errors: Sequence[ItemError]) -> Sequence[ItemError]:
        """The errors of an item: all of them, but for bodies that are sent to make millions."""
        most = _MAX_ERRORS if self._errors < _MANY_ERRORS else _FEW_ERRORS
        if len(errors) > most:
            message = f"The item has {len(errors)} errors, of which {most} are listed."
            errors = [*errors[:most], ItemError(INVALID, message)]
        self._errors += len(errors)
        return errors

    def _keep(self, taken: "_Taken", encoded: bytes) -> None:
        self._received += taken.count
        self._taken.add(taken)
        if taken.records:
            self._chunks.append(encoded[1:-1])


@dataclass(slots=True)
class _Taken:
    """Items that were looked at; `records` are those of `valid`, not yet encoded."""

    valid: list[int] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.valid) + len(self.failures)

    def add(self, more: "_Taken") -> None:
        """Add all but the records, which are kept as bytes."""
        self.valid += more.valid
        self.raw |= more.raw
        self.failures += more.failures


def _values(item: Any, at_most: int) -> int:
    """How many values an item holds, itself included, as far as `at_most` and a little more."""
    found = 1
    levels = [item]
    while levels and found <= at_most:
        held = levels.pop()
        if type(held) is dict:
            held = held.values()
        elif type(held) is not list:
            continue
        found += len(held)
        if found <= at_most:
            levels += [each for each in held if type(each) is dict or type(each) is list]
    return found


def _too_many_values() -> ItemError:
    return ItemError(
        INVALID,
        f"The item has more than {_MAX_VALUES} values: too many to name what is wrong with them.",
    )


def _leave(index: int, item: Any, key: str | None) -> None:
    """Accepts nothing."""
