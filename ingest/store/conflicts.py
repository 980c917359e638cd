"""Conflicts of a batch's items with stored ones: found, and named in failures.

There may be as many conflicts as items, so they are held as numbers, and the items that they are
about are read chunk by chunk.
"""

from array import array
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import groupby
from typing import TYPE_CHECKING, Any

import orjson

from ingest import errors as codes
from ingest.errors import ErrorCode
from ingest.exactjson import load_exact
from ingest.model import Batch, Failure, ItemError
from ingest.resources.layout import Layout, StoredField
from ingest.resources.records import INDEX, restore
from ingest.store.batches import QUERIES
from ingest.store.failures import insert_failures
from ingest.store.statements import Statements
from ingest.store.statements.check import IDENTITY, KEY

if TYPE_CHECKING:
    from ingest.store.pool import Connection

Row = Mapping[str, Any]
"""One conflict: `index`, `code`, `attribute`; `first`, the earlier item that it repeats; `stored`,
the version that the item has."""

_COLUMNS = {"index": "i", "code": "i", "attribute": "i", "first": "i", "stored": "q"}
_NONE = -1  # stands for NULL
_AT_ONCE = 1_000  # rows that are read or written in one step
_ROUNDS = 20
"""How often the items of a lenient batch are looked at again; then whatever is in doubt fails."""


class Conflicts:
    """Conflicts by item index, ascending: 24 bytes each."""

    def __init__(self) -> None:
        self._columns = {name: array(kind) for name, kind in _COLUMNS.items()}

    def __bool__(self) -> bool:
        return bool(self._columns["index"])

    def add(self, rows: Iterable[Any]) -> None:
        for row in rows:
            for name, column in self._columns.items():
                value = row[name]
                column.append(_NONE if value is None else value)

    def sort(self) -> None:
        """Sort by item index what was added in several passes."""
        index = self._columns["index"]
        order = sorted(range(len(index)), key=index.__getitem__)
        self._columns = {
            name: array(column.typecode, map(column.__getitem__, order))
            for name, column in self._columns.items()
        }

    def indices(self) -> "array[int]":
        """The indices of the items that have any, ascending."""
        return array("i", (index for index, _ in groupby(self._columns["index"])))

    def __iter__(self) -> Iterator[Row]:
        return map(self._row, range(len(self._columns["index"])))

    def but(self, failed: Set[int]) -> "Conflicts":
        """Those of other items."""
        return self._which(lambda row: row["index"] not in failed)

    def for_certain(self) -> "Conflicts":
        """Those of items that fail whatever becomes of others; none where there are no such items.

        That such an item repeats another one of them does not count.
        """
        certain = {row["index"] for row in self if not _repeats(row)}
        return self._which(
            lambda row: row["index"] in certain and not (_repeats(row) and row["first"] in certain)
        )

    def repeating(self) -> "Conflicts":
        """Those of items that repeat an earlier one which does not fail itself.

        All conflicts are such ones, in the order of the items. Of those that would be the same the
        first is taken that repeats none in another attribute.
        """
        holders: dict[tuple[int, int], int | None] = {}
        found, failed = Conflicts(), set[int]()
        for index, rows in groupby(self, lambda row: row["index"]):
            same = [(row, (row["attribute"], row["first"])) for row in rows]
            for row, group in same:
                first = row["first"]
                holder = holders.setdefault(group, None if first in failed else first)
                if holder is not None:
                    failed.add(index)
                    found.add([{**row, "first": holder}])
            if index not in failed:
                holders |= {group: index for _, group in same}
        return found

    def _which(self, wanted: Callable[[Row], bool]) -> "Conflicts":
        found = Conflicts()
        found.add(filter(wanted, self))
        return found

    def of_items(self, start: int, end: int) -> Iterator[tuple[int, list[Row]]]:
        """The conflicts of each item from index `start` to before `end`."""
        index = self._columns["index"]
        places = range(bisect_left(index, start), bisect_left(index, end))
        for item, own in groupby(places, index.__getitem__):
            yield item, [self._row(place) for place in own]

    def _row(self, place: int) -> Row:
        row: dict[str, Any] = {name: column[place] for name, column in self._columns.items()}
        return row | {name: None for name in ("first", "stored") if row[name] == _NONE}


async def find_conflicts(
    connection: "Connection", sql: Statements, batch: Batch, timeout: float | None
) -> Conflicts:
    """Every conflict that only stored data can show. `timeout` is that of `allow_time`.

    In a lenient batch an item that fails takes nothing from a later one; where two would be the
    same, the first that does not fail is saved.
    """
    values: tuple[Any, ...] = ([batch.id], batch.account)
    if batch.options.lenient:
        return await _find_lenient(connection, sql, values, timeout)
    return await _read(pages(connection, timeout, sql.check, *values))


async def _find_lenient(
    connection: "Connection", sql: Statements, values: tuple[Any, ...], timeout: float | None
) -> Conflicts:
    """Items fail, the others are looked at again without them, until no more do."""
    found = Conflicts()
    failed: set[int] = set()
    for round_ in range(_ROUNDS):
        checked = pages(connection, timeout, sql.check, *values, sorted(failed))
        rows = await _read(checked)
        if not rows:
            break
        last = round_ == _ROUNDS - 1
        new = rows if last else rows.for_certain() or rows.repeating()
        found.add(new)
        failed.update(new.indices())
        if sql.stranded:
            # Who needs a value that a failed item would have given up fails as well, and so on.
            more = await _read(pages(connection, timeout, sql.stranded, *values, sorted(failed)))
            new = more.but(failed)
            found.add(new)
            failed.update(new.indices())
    found.sort()
    return found


async def failures_of(
    connection: "Connection", resource: Layout, batch: Batch, conflicts: Conflicts
) -> AsyncIterator[list[Failure]]:
    """The items that have conflicts as failures, each with its raw form, some at a time."""
    chunks = await connection.fetch(QUERIES["chunks"], batch.account, batch.id)
    ends = [*(chunk["first_index"] for chunk in chunks[1:]), batch.received]
    for chunk, end in zip(chunks, ends, strict=True):
        found = dict(conflicts.of_items(chunk["first_index"], end))
        if not found:
            continue
        raw = await _raw_items(connection, resource, batch, chunk["chunk"], found.keys())
        failures = [
            Failure(index, raw[index], item_errors(resource, batch, rows), conflict=True)
            for index, rows in found.items()
        ]
        for start in range(0, len(failures), _AT_ONCE):
            yield failures[start : start + _AT_ONCE]


async def write_failures(
    connection: "Connection", resource: Layout, batch: Batch, conflicts: Conflicts
) -> None:
    """Keep the items that have conflicts as failures of the batch."""
    async for some in failures_of(connection, resource, batch, conflicts):
        await insert_failures(connection, batch.account, batch.id, some)


async def _read(pages: AsyncIterator[Sequence[Any]]) -> Conflicts:
    found = Conflicts()
    async for rows in pages:
        found.add(rows)
    return found


async def pages(
    connection: "Connection", timeout: float | None, query: str, *values: Any
) -> AsyncIterator[Sequence[Any]]:
    cursor = await connection.cursor(query, *values, timeout=timeout)
    while rows := await cursor.fetch(_AT_ONCE, timeout=timeout):
        yield rows


async def _raw_items(
    connection: "Connection", resource: Layout, batch: Batch, chunk: int, wanted: Set[int]
) -> dict[int, Any]:
    """The wanted items of a chunk as they were received."""
    payload = await connection.fetchrow(QUERIES["payload"], batch.account, batch.id, chunk)
    if payload is None:
        raise LookupError("a chunk is gone although its batch is locked")
    found: dict[int, Any] = {}
    kept = load_exact(payload["raw"]) if payload["raw"] else {}
    for record in orjson.loads(payload["records"]):
        index = record[INDEX]
        if index in wanted:
            as_received = kept.get(str(index))
            found[index] = restore(resource, record) if as_received is None else as_received
    return found


def _repeats(row: Row) -> bool:
    return bool(row["code"] == codes.DUPLICATE_IN_BATCH.code)


def item_errors(resource: Layout, batch: Batch, rows: Sequence[Row]) -> list[ItemError]:
    """One item's conflicts as errors; an attribute repeated in the batch gets no other error."""
    if any(row["code"] == codes.OTHER_GROUP.code for row in rows):
        # No other error, because the sender may know nothing else of the stored item.
        rows = [row for row in rows if row["code"] == codes.OTHER_GROUP.code]
    repeated = {row["attribute"] for row in rows if row["code"] == codes.DUPLICATE_IN_BATCH.code}
    errors = []
    for row in rows:
        code = codes.ITEM_CODES[row["code"]]
        if code is codes.DUPLICATE_IN_BATCH or row["attribute"] not in repeated:
            field = _field(resource, batch, code, row["attribute"])
            errors.append(_item_error(code, field, row))
    return errors


def _field(resource: Layout, batch: Batch, code: ErrorCode, attribute: int) -> str:
    if code is codes.VERSION_MISMATCH:
        return "meta.version"
    fields: Sequence[StoredField]
    if attribute == KEY or (attribute == IDENTITY and batch.options.matching is None):
        fields = [resource.key]
    elif attribute == IDENTITY:
        fields = [field for field in resource.fields if field.name == batch.options.matching]
    else:
        fields = resource.unique[attribute - 1]
    return ",".join(field.data_key for field in fields)


def _item_error(code: ErrorCode, field: str, row: Row) -> ItemError:
    message, description = _TEXTS[code]
    if row["first"] is not None:
        description = f"Item {row['first']} of this batch has the same value."
    if row["stored"] is not None:
        description = f"It is at version {row['stored']}. Read it again, and send that one."
    return ItemError(code, message.format(field=field), field, description)


_TEXTS: Mapping[ErrorCode, tuple[str, str | None]] = {
    codes.DUPLICATE: ("Another item has this {field} already.", None),
    codes.DUPLICATE_IN_BATCH: ("An earlier item of this batch has this {field} already.", None),
    codes.ITEM_NOT_FOUND: ("No item has this {field}.", None),
    codes.AMBIGUOUS_MATCH: (
        "More than one item has this {field}.",
        "Match by the key or by a unique attribute.",
    ),
    codes.VERSION_MISMATCH: (
        "The item is not at this version.",
        "Nothing is stored under it.",
    ),
    codes.OTHER_GROUP: ("The item with this {field} belongs to another group.", None),
    codes.INVALID: ("The {field} of a stored item cannot change.", None),
}
