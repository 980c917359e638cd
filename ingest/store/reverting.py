"""Batches that undo others: what there is to undo them with, and which items they have to leave."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from ingest.errors import VERSION_MISMATCH, NotRevertible
from ingest.model import Batch, BatchState, Failure, ItemError
from ingest.resources.layout import Layout
from ingest.store.conflicts import Conflicts, item_errors, pages
from ingest.store.failures import insert_failures
from ingest.store.pool import Pool
from ingest.store.queries import load_queries
from ingest.store.statements import statements

if TYPE_CHECKING:
    from ingest.store.pool import Connection

_QUERIES = load_queries("reverting.sql")


async def size_of(pool: Pool, batch: Batch) -> int:
    """How many bytes there are of the before-images that a batch is undone with.

    Raises:
        NotRevertible: it saved nothing, or they are not kept.
    """
    if batch.state is not BatchState.COMMITTED:
        raise NotRevertible(
            f"The batch is {batch.state.value}: there is nothing to undo",
            "Only what was saved is undone.",
            batch_id=batch.id,
        )
    async with pool.transaction(batch.account) as connection:
        size, kept = await connection.fetchrow(
            _QUERIES["before_images"], batch.account, batch.id
        ) or (0, False)
    if not kept and batch.updated + batch.deleted:
        raise NotRevertible(
            "What the batch changed is no longer kept as it was before",
            "Send what the items are to be as a new batch.",
            batch_id=batch.id,
        )
    return int(size)


async def write_kept(
    connection: "Connection",
    resource: Layout,
    batch: Batch,
    conflicts: Conflicts,
    seconds: float | None,
) -> None:
    """Keep the items that cannot be undone as failures of the batch that undoes the others.

    Args: `seconds` is what `allow_time` gives it.
    """
    sql = statements(resource, batch.action, batch.options).named
    if sql is None:
        raise ValueError("the batch undoes none")
    indices = conflicts.indices()
    async for rows in pages(connection, seconds, sql, [batch.id], batch.account, indices):
        found = dict(conflicts.of_items(rows[0]["index"], rows[-1]["index"] + 1))
        failures = [_failure(resource, batch, row, found[row["index"]]) for row in rows]
        await insert_failures(connection, batch.account, batch.id, failures)


def _failure(
    resource: Layout, batch: Batch, named: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> Failure:
    """An item is shown as its key; one that cannot be found any more has none."""
    key = orjson.loads(named["key"] or "null")
    raw = {} if key is None else {resource.key.data_key: key}
    errors = item_errors(resource, batch, rows)
    changed = [_changed_since(named["later"]) if e.code is VERSION_MISMATCH else e for e in errors]
    return Failure(named["index"], raw, changed, conflict=True)


def _changed_since(later: Any) -> ItemError:
    which = (
        "Which batch changed it is no longer known."
        if later is None
        else f"Batch {later} changed it."
    )
    return ItemError(VERSION_MISMATCH, "The item has been changed since.", "meta.version", which)
