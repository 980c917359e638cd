"""Applies one accepted batch alone, inside a transaction that the caller holds.

A worker commits that transaction; a dry run rolls it back. The steps are the same: lock the batch
and its collection, find every conflict, write the good items, finish. `group_commit` applies
several pending batches at once, and leaves those with conflicts to this.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import structlog

from ingest.errors import IngestError, LimitReached, Unavailable
from ingest.model import KEPT, Action, AtMost, Batch, Finished, NewBatch, Outcome
from ingest.resources.layout import Layout
from ingest.resources.registry import Registry
from ingest.resources.resource import Resource
from ingest.store.batches import QUERIES, finished_from, from_row, read_outcomes
from ingest.store.conflicts import find_conflicts, write_failures
from ingest.store.layouts import (
    NotApplicable,
    as_the_table_has_it,
    is_being_indexed,
    layout_of,
)
from ingest.store.pool import allow_time
from ingest.store.quotas import check_limits, limit_beside, lock_collection
from ingest.store.reverting import write_kept
from ingest.store.staging import refusal_text
from ingest.store.statements import Statements, statements

if TYPE_CHECKING:
    from ingest.store.pool import Connection

ATTEMPTS = 3
"""How often a batch is checked and applied before `ConflictAppeared`."""


class ConflictAppeared(IngestError):
    """The database refused what the check allowed, `ATTEMPTS` times.

    Another program writes to the table between check and insert, or an administrator has added a
    constraint of which the schema does not know.
    """


class DamagedPayload(IngestError):
    """The staged items are not those that were accepted; none of them was saved."""


class UnservedCollection(IngestError):
    """The batch is of a collection that this process does not serve."""


async def apply_batch(
    connection: "Connection", registry: Registry, account: str, batch_id: UUID, *, keeps: int = 0
) -> Finished | None:
    """Apply an accepted batch and finish it: `committed`, or `failed`.

    It fails with every bad item named, or as a whole, because of a limit of its account.

    Args:
        keeps: the most bytes that its account may keep to be repaired.

    Returns:
        None where the batch is not there, is finished, or is locked by another transaction:
        nothing was done.

    Raises:
        ConflictAppeared, DamagedPayload: nothing was done; the transaction cannot go on.
        UnservedCollection, NotApplicable: nothing was done.
    """
    row = await connection.fetchrow(QUERIES["lock_batch"], account, batch_id)
    if row is None:
        return None
    # So that every later log line of this task names the request that sent the batch.
    structlog.contextvars.bind_contextvars(trace_id=row["trace_id"])
    resource = registry.get(row["collection"])
    if resource is None:
        raise UnservedCollection(f"collection {row['collection']!r} is not served here")
    await lock_collection(connection, account, resource.name)
    batch = from_row(row)
    if row["attempts"]:
        # Whatever it failed for, it is not to fail for the size of its answer.
        batch = replace(batch, options=replace(batch.options, representation=False))
    timeout = await allow_time(connection, batch.received, batch.payload_bytes)
    layout = await layout_of(connection, resource, batch)
    return await _apply(connection, resource, layout, batch, timeout, keeps)


async def dry_run(
    connection: "Connection", registry: Registry, batch: NewBatch, at_most: AtMost
) -> Outcome:
    """What a staged batch comes to, in a transaction that the caller rolls back.

    Args:
        at_most: the failures that are read.

    Raises:
        Unavailable: other clients keep writing to the table.
    """
    try:
        await apply_batch(connection, registry, batch.account, batch.id)
    except ConflictAppeared as error:
        raise Unavailable(
            "Other clients keep writing to this collection", "Try again.", retry_after=1
        ) from error
    return (await read_outcomes(connection, batch.account, [batch.id], at_most))[batch.id]


async def _apply(
    connection: "Connection",
    resource: Resource,
    layout: Layout,
    batch: Batch,
    timeout: float | None,
    keeps: int,
) -> Finished:
    """Apply the batch; a row that appears between check and insert, the next check names."""
    for _ in range(ATTEMPTS):
        # Two items may swap unique values, so constraints are checked once all are written.
        await connection.execute("SAVEPOINT untouched; SET CONSTRAINTS ALL DEFERRED")
        try:
            return await _attempt(connection, resource, layout, batch, timeout, keeps)
        except asyncpg.UniqueViolationError as error:
            refused = error
            await connection.execute("ROLLBACK TO SAVEPOINT untouched")
            # The table may keep something unique of which our schema does not know.
            layout = await as_the_table_has_it(connection, layout)
    if await is_being_indexed(connection, layout):
        raise NotApplicable("a new unique index is being built") from refused
    raise ConflictAppeared("the database refuses what the check allows") from refused


async def _attempt(
    connection: "Connection",
    resource: Resource,
    layout: Layout,
    batch: Batch,
    timeout: float | None,
    keeps: int,
) -> Finished:
    sql = statements(layout, batch.action, batch.options)
    conflicts = await find_conflicts(connection, sql, batch, timeout)
    bad = conflicts.indices()
    if conflicts:
        if batch.action is Action.REVERT:
            await write_kept(connection, layout, batch, conflicts, timeout)
        else:
            await write_failures(connection, layout, batch, conflicts)
    invalid = sorted([*batch.invalid, *batch.dropped, *bad])
    if conflicts and (not batch.options.lenient or len(invalid) == batch.received):
        limit = await limit_beside(connection, resource, sql, batch, bad, timeout)
        return await _finish(connection, batch, invalid, refusal_text(limit), keeps)
    before = "untouched"
    if conflicts:  # whose failures are to be kept
        before = "checked"
        await connection.execute("SAVEPOINT checked")
    try:
        return await _write(connection, resource, sql, batch, bad, invalid, timeout)
    except LimitReached as reached:
        await connection.execute(f"ROLLBACK TO SAVEPOINT {before}")
        refusal = refusal_text(reached.document())
        return await _finish(connection, batch, invalid, refusal, keeps)


async def _write(
    connection: "Connection",
    resource: Resource,
    sql: Statements,
    batch: Batch,
    bad: Sequence[int],
    invalid: Sequence[int],
    timeout: float | None,
) -> Finished:
    """Write the items that are not bad.

    Raises:
        LimitReached: the transaction is to be rolled back to before they were written.
    """
    finished = await connection.fetchrow(
        sql.apply, [batch.id], batch.account, batch.collection, bad, invalid, timeout=timeout
    )
    await connection.execute("SET CONSTRAINTS ALL IMMEDIATE", timeout=timeout)
    if finished is None:
        raise DamagedPayload("the staged items are not the ones that were accepted")
    await check_limits(connection, resource, [batch])
    return finished_from(finished)


async def _finish(
    connection: "Connection", batch: Batch, invalid: Sequence[int], refusal: str | None, keeps: int
) -> Finished:
    """Finish a batch of which no item was applied."""
    row = await connection.fetchrow(
        QUERIES["finish_refused"],
        batch.account,
        batch.id,
        invalid,
        refusal,
        batch.options.repair,
        keeps,
        KEPT,
    )
    if row is None:
        raise RuntimeError("a batch that is locked is not there")
    return finished_from(row)
