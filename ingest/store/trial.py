"""What stored data would refuse of a batch that validation has refused already.

Its items are never saved: the client that mends the batch is to know all that is wrong with it.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.model import Batch, BatchState, Failure, NewBatch
from ingest.resources.resource import Resource
from ingest.store.conflicts import Conflicts, failures_of, find_conflicts, write_failures
from ingest.store.pool import Pool, allow_time
from ingest.store.queries import load_queries
from ingest.store.staging import stage
from ingest.store.statements import statements

if TYPE_CHECKING:
    from ingest.store.pool import Connection

_COUNT = load_queries("receiving.sql")["count_invalid"]


async def conflicts_of_whole(pool: Pool, resource: Resource, batch: NewBatch) -> list[Failure]:
    """The valid items of a batch of one chunk that would be refused; nothing is written.

    Raises:
        Unavailable: it could not be tried.
    """
    accepted = replace(batch, state=BatchState.ACCEPTED, key=None)
    async with pool.dry_run(batch.account) as connection:
        await stage(connection, batch.account, [accepted])
        tried, conflicts = await _find(connection, resource, batch)
        found = failures_of(connection, resource, tried, conflicts)
        return [failure async for some in found for failure in some]


async def keep_conflicts_of_stream(pool: Pool, resource: Resource, batch: NewBatch) -> int:
    """Keep those of a batch that is being received as its failures; how many there are.

    Raises:
        Unavailable: it could not be tried.
    """
    async with pool.transaction(batch.account) as connection:
        tried, conflicts = await _find(connection, resource, batch)
        await write_failures(connection, resource, tried, conflicts)
        count = len(conflicts.indices())
        await connection.execute(_COUNT, batch.account, batch.id, batch.chunk.invalid + count)
    return count


async def _find(
    connection: "Connection", resource: Resource, new: NewBatch
) -> tuple[Batch, Conflicts]:
    batch = new.outcome(()).batch
    timeout = await allow_time(connection, batch.received, new.chunk.size)
    sql = statements(resource, batch.action, batch.options)
    return batch, await find_conflicts(connection, sql, batch, timeout)
