"""The items of one batch on their way into chunks, a slice at a time so that others get a turn."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import count, groupby
from typing import Any

import orjson
from marshmallow import INCLUDE, RAISE

from ingest.access.rights import group_fits
from ingest.errors import INVALID
from ingest.exactjson import dump_exact
from ingest.model import Action, Chunk, Failure, ItemError, Options, Rewritten
from ingest.resources.records import GROUP, SET, InvalidItem, Record, Recorded
from ingest.validation.engine.record_functions import Accept
from ingest.validation.engine.typed.items import TypedItems
from ingest.validation.items import ItemValidator
from ingest.validation.messages import MAX_ERRORS
from ingest.validation.received import as_received, count_values, has_long_text

MAX_CHUNK = 1024 * 1024
"""Bytes of records, raw items and failures after which a chunk of a stream is cut."""
_SLICE = 200
"""The most items of one slice: they are taken, and encoded, in one go."""
_SLICE_FAILURES = 40
"""The most failures of a slice: to explain one takes 40 µs."""
_SLICE_VALUES = 2_000
"""The most values of a slice that marshmallow looks at: each may take it up to 30 µs."""
_MANY_ERRORS, _FEW_ERRORS = 100_000, 10
"""The errors of a batch after which only a few of each further item are listed."""
_FAILURE_FACTOR = 4
"""How much more memory a failure takes than what is written of it."""
# How orjson writes NUL; a backslash before the text "u0000" looks the same.
_ESCAPED_NUL = b"\\u0000"
_SHORTEST_VALUE = 2
"""Bytes of a value in a record, with its comma."""


class Intake:
    """Validates the items of one batch in their order, and cuts what comes of them into chunks."""

    def __init__(
        self,
        validator: ItemValidator,
        options: Options,
        *,
        max_values: int,
        watched: Set[str] = frozenset(),
        typed: bool = True,
    ) -> None:
        """
        Args:
            max_values: the most values that one item may hold.
            watched: the fields, by their names in the schema, of which chunks say whether items of
                a sparse write carried them.
            typed: whether items may be typed ones.
        """
        self._validator = validator
        self._groups = options.groups if validator.action is Action.CREATE else ()
        self._max_values = max_values
        # Those read no `meta`, which has to say which of several groups an item belongs to.
        plain = takes_plainly(options)
        self._accept = validator.accept if plain else None
        self._typed = validator.typed if plain and typed else None
        # What it drops of an item is not in the record, and counts all the same.
        self._drops_unknown = validator.resource.schema.unknown not in (RAISE, INCLUDE)
        # A wrong column mapping misses each field, and has another in its place.
        self._few_errors = max(_FEW_ERRORS, 2 * validator.fields)
        self._errors = 0
        self._number = self._first_index = 0
        self._pending = _Pending()
        self.received = self.invalid = 0
        fields = enumerate(validator.resource.fields)
        self._watched = {bit: field.name for bit, field in fields if field.name in watched}
        self._carried: set[str] = set()

    @property
    def full(self) -> bool:
        """Whether a chunk of a stream should be cut."""
        pending = self._pending
        new = pending.failures[pending.weighed :]
        pending.weighed += len(new)
        pending.failed += _FAILURE_FACTOR * sum(map(_size, new))
        return pending.staged + pending.failed >= MAX_CHUNK

    def take(self, items: Sequence[Any], start: int = 0) -> int:
        """Validate the next items from `start` on, as many as take a few milliseconds.

        Long texts that a rule looks through take longer: their item is one for `take_large`.

        Returns:
            How many they were; none where the first is one for `take_large`.
        """
        items = items[start : start + _SLICE]
        typed = self._typed
        if typed is None:
            return self._take_plain(items)
        is_typed, run = next(groupby(items, typed.is_typed), (False, ()))
        return self._stage(typed, [*run]) if is_typed else self._take_plain([*run])

    def _stage(self, typed: TypedItems, items: Sequence[Any]) -> int:
        group = self._groups[0] if self._groups else None
        keys = self._validator.make_keys(len(items))
        encoded, raw = typed.stage(items, self.received, keys, group)
        self.received += len(items)
        self._pending.add(encoded, raw)
        for bit, name in self._watched.items():
            if any(item.carried[bit] == "1" for item in items):
                self._carried.add(name)
        return len(items)

    def _take_plain(self, items: Sequence[Any]) -> int:
        keys = self._validator.make_keys(len(items))
        taken = self._take(items, keys, self._accept)
        encoded = _encoded(taken.records) if self._accept else orjson.dumps(taken.records)
        if encoded is None or self._may_hold_too_many(items, encoded):
            # One of them may hold NUL, or too many values: each is looked at by itself.
            taken = self._take(items, keys, self._accept_one)
            encoded = orjson.dumps(taken.records)
        self._keep(taken, encoded)
        return taken.count

    def take_large(self, item: Any) -> None:
        """Validate one item of many values or long texts, in a thread: it may take seconds."""
        keys = self._validator.make_keys(1)
        taken = self._take([item], keys, self._accept_one, large=True)
        if not taken.count:
            error = ItemError(
                INVALID,
                f"The item holds more than {self._max_values} values.",
                description="Send its parts as items of their own.",
            )
            index = next(self._indices())
            taken.failures.append(Failure(index, as_received(item), [error]))
        self._keep(taken, orjson.dumps(taken.records))

    def cut(self, *, last: bool = False) -> Chunk:
        """What has come together since the last cut."""
        pending = self._pending
        records = b"[%b]" % b",".join(pending.records) if pending.records else None
        raw = b"{%b}" % b",".join(pending.raw) if pending.raw else None
        chunk = Chunk(
            number=self._number,
            first_index=self._first_index,
            received=self.received,
            invalid=self.invalid,
            records=records,
            raw=raw,
            failures=pending.failures,
            last=last,
            size=len(records or b"") + len(raw or b""),
            failed=pending.failed // _FAILURE_FACTOR,
            carried=frozenset(self._carried),
        )
        self._number += 1
        self._first_index = self.received
        self._pending = _Pending()
        return chunk

    def _take(
        self,
        items: Sequence[Any],
        keys: Sequence[str | None],
        accept: Accept | None,
        *,
        large: bool = False,
    ) -> "_Taken":
        """What becomes of items, up to the first with which there are more than a slice's values,
        or which has a long text; only up to one of more than any item may hold, if it is `large`.
        """
        taken = _Taken()
        values = self._max_values if large else _SLICE_VALUES
        keep, groups = taken.keep, self._groups
        for index, item, key in zip(self._indices(), items, keys, strict=False):
            found = accept(index, item, key) if accept else None
            if found is None and accept and type(item) is Rewritten:
                found = _accept_rewritten(accept, index, item, key)
            if found is not None:
                if groups:
                    found[0][GROUP] = groups[0]
                keep(index, item, found)
                continue
            values -= count_values(item, values)
            if values < 0 or (not large and has_long_text(item)):
                break
            try:
                keep(index, item, self._validator.check(index, item, key, self._groups))
            except InvalidItem as error:
                taken.failures.append(Failure(index, as_received(item), error.errors))
                if len(taken.failures) == _SLICE_FAILURES:
                    break
        return taken

    def _indices(self) -> Iterator[int]:
        """The indices of the next items."""
        return count(self.received)

    def _may_hold_too_many(self, items: Sequence[Any], encoded: bytes) -> bool:
        """Whether one of the items may hold more values than it may."""
        if len(encoded) <= _SHORTEST_VALUE * self._max_values and not self._drops_unknown:
            return False
        return any(count_values(item, self._max_values) > self._max_values for item in items)

    def _accept_one(self, index: int, item: Any, key: str | None) -> Recorded | None:
        """What `accept` gives, where this one item holds neither NUL nor too many values."""
        if self._accept is None or count_values(item, self._max_values) > self._max_values:
            return None
        found = self._accept(index, item, key)
        return found if found is not None and _encoded([found[0]]) is not None else None

    def _keep(self, taken: "_Taken", encoded: bytes) -> None:
        self.received += taken.count
        self.invalid += len(taken.failures)
        pending = self._pending
        if taken.records:
            pending.add(encoded, taken.raw)
            for bit, name in self._watched.items():
                if any(record[SET][bit] == "1" for record in taken.records):
                    self._carried.add(name)
        for failure in taken.failures:
            errors = self._listed(failure.errors)
            pending.failures.append(Failure(failure.index, failure.raw, errors))

    def _listed(self, errors: Sequence[ItemError]) -> Sequence[ItemError]:
        """The errors of the next item that are listed; one more says where they are not all."""
        most = MAX_ERRORS if self._errors < _MANY_ERRORS else self._few_errors
        if len(errors) > most:
            message = f"The item has more than {most} errors; the others are not listed."
            errors = [*errors[:most], ItemError(INVALID, message)]
        self._errors += len(errors)
        return errors


@dataclass(slots=True)
class _Taken:
    """The items of one slice, not yet encoded; the raw ones by index."""

    records: list[Record] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.records) + len(self.failures)

    def keep(self, index: int, item: Any, found: Recorded) -> None:
        """Add one valid item."""
        self.records.append(found[0])
        if not found[1]:
            self.raw[str(index)] = as_received(item)


@dataclass(slots=True)
class _Pending:
    """What the next chunk is made of."""

    records: list[bytes] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    failed: int = 0
    """Bytes of those failures that are weighed already."""
    weighed: int = 0

    def add(self, records: bytes, raw: dict[str, Any]) -> None:
        """Add some records, a JSON array, and the raw items that are kept beside them."""
        # Without the brackets: a chunk puts its own around all of them.
        self.records.append(records[1:-1])
        self.raw += [dump_exact(raw)[1:-1]] if raw else []

    @property
    def staged(self) -> int:
        """Bytes of records and raw items."""
        return sum(map(len, self.records)) + sum(map(len, self.raw))


def takes_plainly(options: Options) -> bool:
    """Whether items may be taken without a look at the groups that they might name."""
    return len(options.groups) <= 1 and all(map(group_fits, options.groups))


def _accept_rewritten(
    accept: Accept, index: int, given: Rewritten, key: str | None
) -> Recorded | None:
    """What `accept` makes of an item with rewritten texts, of which its record gives none back."""
    found = None if given.errors else accept(index, given.item, key)
    return None if found is None else (found[0], False)


def _size(failure: Failure) -> int:
    return len(dump_exact([failure.raw, [error.document() for error in failure.errors]]))


def _encoded(records: Sequence[Record]) -> bytes | None:
    """Records as a JSON array; None where one of them may hold what PostgreSQL does not take.

    What is accepted at speed is looked through for NUL and lone surrogates here, in the bytes of
    all of them at once.
    """
    try:
        encoded = orjson.dumps(records)
    except TypeError:
        return None
    return None if _ESCAPED_NUL in encoded else encoded
