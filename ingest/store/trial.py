"""What stored data and limits would refuse of a batch that validation has refused already.

Its items are never saved: the client that mends the batch is to know all that is wrong with it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ingest.model import Batch, BatchState, NewBatch
from ingest.resources.resource import Resource
from ingest.store.conflicts import Conflicts, failures_of, find_conflicts, write_failures
from ingest.store.pool import Pool, allow_time
from ingest.store.queries import load_queries
from ingest.store.quotas import limit_beside
from ingest.store.staging import stage
from ingest.store.statements import statements

if TYPE_CHECKING:
    from ingest.store.pool import Connection

_COUNT = load_queries("receiving.sql")["count_invalid"]


async def try_whole(pool: Pool, resource: Resource, batch: NewBatch) -> NewBatch:
    """A batch of one chunk with what would be refused of its valid items; nothing is written.

    Raises:
        Unavailable: it could not be tried.
    """
    accepted = replace(batch, state=BatchState.ACCEPTED, key=None)
    async with pool.dry_run(batch.account) as connection:
        await stage(connection, batch.account, [accepted])
        tried, conflicts, refusal = await _find(connection, resource, batch)
        found = failures_of(connection, resource, tried, conflicts)
        more = [failure async for some in found for failure in some]
    chunk = batch.chunk
    failures = sorted([*chunk.failures, *more], key=lambda failure: failure.index)
    chunk = replace(chunk, failures=failures, invalid=chunk.invalid + len(more))
    return replace(batch, chunk=chunk, refusal=refusal)


async def try_stream(pool: Pool, resource: Resource, batch: NewBatch) -> NewBatch:
    """The same of a batch that is being received; the items are kept as its failures.

    Raises:
        Unavailable: it could not be tried.
    """
    async with pool.transaction(batch.account) as connection:
        tried, conflicts, refusal = await _find(connection, resource, batch)
        await write_failures(connection, resource, tried, conflicts)
        invalid = batch.chunk.invalid + len(conflicts.indices())
        await connection.execute(_COUNT, batch.account, batch.id, invalid)
    return replace(batch, chunk=replace(batch.chunk, invalid=invalid), refusal=refusal)


async def _find(
    connection: "Connection", resource: Resource, new: NewBatch
) -> tuple[Batch, Conflicts, Mapping[str, Any] | None]:
    """The batch, the conflicts of its valid items, and the limit that the others would pass."""
    batch = new.outcome(()).batch
    timeout = await allow_time(connection, batch.received, new.chunk.size)
    sql = statements(resource, batch.action, batch.options)
    conflicts = await find_conflicts(connection, sql, batch, timeout)
    bad = conflicts.indices()
    return batch, conflicts, await limit_beside(connection, resource, sql, batch, bad, timeout)
