"""From the items of a request to a Submission, so much at a time, and then it is another's turn."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import orjson

from ingest.access.rights import group_fits
from ingest.errors import INVALID
from ingest.exactjson import dump_exact
from ingest.model import Action, Failure, ItemError, Submission, Unreadable
from ingest.resources.records import GROUP, InvalidItem, Record, Recorded
from ingest.validation.engine.record_functions import Accept, encode_records
from ingest.validation.items import ItemValidator
from ingest.validation.listing import Listing

_SLICE = 200
"""The most items of one slice: what is taken at once is encoded at once."""
_SLICE_VALUES = 2_000
"""The most values of one slice that are looked at one by one: each may take up to 30 µs."""
MAX_VALUES = 250_000
"""The most values of one item that marshmallow looks at, unless a setting says otherwise: each may
become an error, which takes 800 bytes while all of them are collected."""


class Intake:
    """The items of one request on their way to a Submission, in their order."""

    def __init__(
        self,
        validator: ItemValidator,
        groups: Sequence[str] = (),
        first: int = 0,
        *,
        max_values: int = MAX_VALUES,
        listing: Listing | None = None,
    ) -> None:
        """
        Args:
            groups: what the sender is confined to.
            first: the index of the first item in its request.
            max_values: the most values of one item that marshmallow looks at.
            listing: what is listed of errors, where the request has other intakes, too.
        """
        self._validator = validator
        self._groups = groups if validator.action is Action.CREATE else ()
        self._first = first
        self._max_values = max_values
        self._listing = listing or Listing(validator.fields)
        # It reads no `meta`, which has to say which of several groups an item belongs to, and looks
        # at no group.
        plain = len(self._groups) <= 1 and all(map(group_fits, self._groups))
        self._accept = validator.accept if plain else None
        self._received = 0
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
        taken = self._take(sliced, keys, self._accept or _leave, _SLICE_VALUES)
        encoded = encode_records(taken.records) if self._accept else orjson.dumps(taken.records)
        if encoded is None:
            # One of them holds what looks like NUL: each is looked at by itself.
            taken = self._take(sliced, keys, self._accept_one, _SLICE_VALUES)
            encoded = orjson.dumps(taken.records)
        self._keep(taken, encoded)
        return taken.count

    def take_long(self, item: Any) -> None:
        """Take one item that has many values to look at: in a thread, for it takes a while."""
        keys = self._validator.make_keys(1)
        taken = self._take([item], keys, self._accept_one, self._max_values)
        if not taken.count:
            index = self._first + self._received
            taken.failures.append(Failure(index, item, [_too_many_values(self._max_values)]))
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
        keep, groups = taken.keep, self._groups
        for index, item, key in zip(count(self._first + self._received), items, keys):
            found = accept(index, item, key)
            if found is not None:
                if groups:
                    found[0][GROUP] = groups[0]
                keep(index, item, found)
                continue
            values -= _values(item, values)
            if values < 0:
                break
            self._check(taken, index, item, key)
        return taken

    def _check(self, taken: "_Taken", index: int, item: Any, key: str | None) -> None:
        try:
            taken.keep(index, item, self._validator.check(index, item, key, self._groups))
        except InvalidItem as error:
            raw = item.raw if isinstance(item, Unreadable) else item
            taken.failures.append(Failure(index, raw, error.errors))

    def _accept_one(self, index: int, item: Any, key: str | None) -> Recorded | None:
        """What `accept` gives, checked in the bytes of this one item."""
        found = self._accept(index, item, key) if self._accept is not None else None
        return found if found is not None and encode_records([found[0]]) is not None else None

    def _keep(self, taken: "_Taken", encoded: bytes) -> None:
        taken.failures = [
            replace(failure, errors=self._listing.of(failure.errors)) for failure in taken.failures
        ]
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

    def keep(self, index: int, item: Any, found: Recorded) -> None:
        """Add one valid item."""
        self.valid.append(index)
        self.records.append(found[0])
        if not found[1]:
            self.raw[str(index)] = item

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


def _too_many_values(most: int) -> ItemError:
    return ItemError(
        INVALID, f"The item has more than {most} values: too many to name what is wrong with them."
    )


def _leave(index: int, item: Any, key: str | None) -> None:
    """Accepts nothing."""
