"""Applies one accepted batch by itself, inside a transaction that the caller holds.

A worker commits that transaction; a dry run rolls it back. Either way the steps are these: lock
the batch, become the collection's one writer, find every conflict, write what is good, finish.
Batches that wait together are applied by `group`, which leaves to this whatever has a conflict.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import orjson
import structlog

from ingest import errors as codes
from ingest.errors import ErrorCode, IngestError, LimitReached, Unavailable
from ingest.exactjson import load_exact
from ingest.model import Batch, BatchState, Failure, Finished, ItemError, NewBatch, Outcome
from ingest.records import INDEX, restore
from ingest.resources import Registry, Resource, StoredField
from ingest.store.batches import QUERIES, from_row, insert_failures, read_outcomes
from ingest.store.check_sql import IDENTITY, KEY
from ingest.store.pool import Pool
from ingest.store.quotas import check_limits
from ingest.store.staging import stage
from ingest.store.statements import Statements, statements

if TYPE_CHECKING:
    from ingest.store.pool import Connection

_ATTEMPTS = 3


class ConflictAppeared(IngestError):
    """The database refuses what the check allows, time and again.

    Somebody else writes between check and insert each time, or an administrator has added a
    constraint of which the schema does not know.
    """


class DamagedPayload(IngestError):
    """What is staged is not what was accepted; nothing of it is saved."""


class UnservedCollection(IngestError):
    """The batch is of a collection that this process does not serve."""


async def apply_batch(
    connection: "Connection", registry: Registry, account: str, batch_id: UUID
) -> Finished | None:
    """Apply an accepted batch and finish it: `committed`, or `failed`.

    It fails with every bad item named, or as a whole, because of a limit of its account.

    Returns:
        None where the batch is not there, is finished already, or somebody else is at it:
        nothing was done.

    Raises:
        ConflictAppeared, DamagedPayload: nothing was done; the transaction cannot go on.
        UnservedCollection: nothing was done.
    """
    row = await connection.fetchrow(QUERIES["lock_batch"], account, batch_id)
    if row is None:
        return None
    # Every later line of this task is about the request that sent the batch.
    structlog.contextvars.bind_contextvars(trace_id=row["trace_id"])
    resource = registry.get(row["collection"])
    if resource is None:
        raise UnservedCollection(f"collection {row['collection']!r} is not served here")
    await become_writer(connection, account, resource.name)
    state = await _apply(connection, resource, from_row(row))
    return Finished(resource.name, state, row["received"])


async def rehearse(pool: Pool, registry: Registry, batch: NewBatch, at_most: int) -> Outcome:
    """What a batch would come to at this moment: staged, applied, read, and rolled back.

    Args:
        at_most: the most failures that are read.

    Raises:
        Unavailable: the database is away, or somebody else keeps writing to the table.
    """
    try:
        async with pool.transaction(batch.account) as connection:
            await stage(connection, batch.account, [batch])
            await apply_batch(connection, registry, batch.account, batch.id)
            outcomes = await read_outcomes(connection, batch.account, [batch.id], at_most)
            raise _Rehearsed(outcomes.get(batch.id))
    except _Rehearsed as rehearsed:
        return rehearsed.outcome
    except ConflictAppeared as error:
        raise Unavailable(
            "Others keep writing to this collection", "Try again.", retry_after=1
        ) from error


class _Rehearsed(Exception):
    """Rolls a rehearsal back, and carries what it came to."""

    def __init__(self, outcome: Outcome | None) -> None:
        if outcome is None:
            raise RuntimeError("a batch that was just staged is not there")
        super().__init__()
        self.outcome = outcome


async def become_writer(connection: "Connection", account: str, collection: str) -> None:
    """Lock the collection of an account until the transaction ends: nobody else writes to it."""
    while await connection.fetchrow(QUERIES["lock_collection"], account, collection) is None:
        await connection.execute(QUERIES["insert_counter"], account, collection)


async def _apply(connection: "Connection", resource: Resource, batch: Batch) -> BatchState:
    """Apply the batch; what somebody else wrote between check and insert, the next check names."""
    for _ in range(_ATTEMPTS):
        # Two items may swap unique values: what counts is how the rows look in the end.
        await connection.execute("SAVEPOINT untouched; SET CONSTRAINTS ALL DEFERRED")
        try:
            return await _attempt(connection, resource, batch)
        except LimitReached as reached:
            await connection.execute("ROLLBACK TO SAVEPOINT untouched")
            refusal = orjson.dumps(reached.document()).decode()
            await connection.execute(QUERIES["finish_refused"], batch.account, batch.id, refusal)
            return BatchState.FAILED
        except asyncpg.UniqueViolationError as error:
            refused = error
            await connection.execute("ROLLBACK TO SAVEPOINT untouched")
    raise ConflictAppeared("the database refuses what the check allows") from refused


async def _attempt(connection: "Connection", resource: Resource, batch: Batch) -> BatchState:
    sql = statements(resource, batch.action, batch.options)
    conflicts = await _conflicts(connection, sql, batch)
    failures = await _failures(connection, resource, batch, conflicts) if conflicts else []
    if failures:
        await insert_failures(connection, batch.account, batch.id, failures)
    invalid = sorted([*batch.invalid, *(failure.index for failure in failures)])
    if failures and (not batch.options.lenient or len(invalid) == batch.received):
        await connection.execute(QUERIES["finish_failed"], batch.account, batch.id, invalid)
        return BatchState.FAILED
    bad = list(conflicts)
    finished = await connection.execute(
        sql.apply, [batch.id], batch.account, batch.collection, bad, invalid
    )
    await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if finished != "UPDATE 1":
        raise DamagedPayload("the staged items are not the ones that were accepted")
    await check_limits(connection, resource, [batch])
    return BatchState.COMMITTED


Conflicts = dict[int, list[asyncpg.Record]]


async def _conflicts(connection: "Connection", sql: Statements, batch: Batch) -> Conflicts:
    """Every conflict that only stored data can show, by item index."""
    found: Conflicts = {}
    for row in await connection.fetch(sql.check, [batch.id], batch.account):
        found.setdefault(row["index"], []).append(row)
    if sql.stranded and found:
        rows = await connection.fetch(sql.stranded, [batch.id], batch.account, list(found))
        for row in rows:
            found.setdefault(row["index"], []).append(row)
    return found


async def _failures(
    connection: "Connection", resource: Resource, batch: Batch, conflicts: Conflicts
) -> list[Failure]:
    raw = await _raw_items(connection, resource, batch, conflicts)
    return [
        Failure(index, raw[index], _item_errors(resource, batch, conflicts[index]))
        for index in sorted(conflicts)
    ]


async def _raw_items(
    connection: "Connection", resource: Resource, batch: Batch, wanted: Mapping[int, Any]
) -> dict[int, Any]:
    """The wanted items as they were received, out of the staged payload."""
    found: dict[int, Any] = {}
    for payload in await connection.fetch(QUERIES["payload"], batch.account, batch.id):
        kept = load_exact(payload["raw"]) if payload["raw"] else {}
        for record in orjson.loads(payload["records"]):
            index = record[INDEX]
            if index in wanted:
                as_received = kept.get(str(index))
                found[index] = restore(resource, record) if as_received is None else as_received
    return found


def _item_errors(
    resource: Resource, batch: Batch, rows: Sequence[asyncpg.Record]
) -> list[ItemError]:
    """One item's conflicts as errors; an attribute repeated in the batch says only that."""
    if any(row["code"] == codes.OTHER_GROUP.code for row in rows):
        # Nothing else about it: the item is not the sender's to know.
        rows = [row for row in rows if row["code"] == codes.OTHER_GROUP.code]
    repeated = {row["attribute"] for row in rows if row["code"] == codes.DUPLICATE_IN_BATCH.code}
    errors = []
    for row in rows:
        code = codes.ITEM_CODES[row["code"]]
        if code is codes.DUPLICATE_IN_BATCH or row["attribute"] not in repeated:
            field = _field(resource, batch, code, row["attribute"])
            errors.append(_item_error(code, field, row["first"]))
    return errors


def _field(resource: Resource, batch: Batch, code: ErrorCode, attribute: int) -> str:
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


def _item_error(code: ErrorCode, field: str, first: int | None) -> ItemError:
    message, description = _TEXTS[code]
    if first is not None:
        description = f"Item {first} of this batch has the same value."
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
        "Read it again, and send the version that it has now.",
    ),
    codes.OTHER_GROUP: ("The item with this {field} belongs to another group.", None),
    codes.INVALID: ("The {field} of a stored item cannot change.", None),
}
