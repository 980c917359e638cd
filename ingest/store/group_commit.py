"""Applies the batches that wait in a collection together, in one statement.

Each stays atomic by itself and its failures stay its own: a batch with any conflict, also with an
earlier batch of the group, is left out, and has to be applied by itself (`commit`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from ingest.errors import IngestError, LimitReached
from ingest.model import Batch, Finished
from ingest.resources.registry import Registry
from ingest.resources.resource import Resource
from ingest.store.batches import QUERIES, finished_from, from_row
from ingest.store.commit import UnservedCollection
from ingest.store.quotas import check_limits
from ingest.store.statements import Statements, statements
from ingest.store.timeouts import allow_time

if TYPE_CHECKING:
    from ingest.store.pool import Connection

_MOST_BATCHES = 500
# Enough for the statement's own costs not to count; few enough that those of a group are answered,
# and send more, while the next group is applied.
_MOST_ITEMS = 5_000
_MANY = 16
"""So many batches are worth a second transaction, so that the first half need not wait for it."""


class Spoiled(IngestError):
    """One of the batches cannot be applied with the others; the transaction cannot go on."""


class Unchecked(Spoiled):
    """Nobody has looked for conflicts: a check may say which of the batches are at fault."""


async def take_group(
    connection: "Connection", account: str, collection: str, *, half: bool = False
) -> tuple[Sequence[Batch], bool]:
    """Lock the next batches of a collection that can be applied together; none where none waits.

    They have one action and the same options, and come in the order in which they were accepted.
    The transaction has no account yet: from here to its end it has this one, and is the one writer
    of the collection.

    Args:
        half: of many batches, take only half.

    Returns:
        The batches, and whether others wait.
    """
    rows = await connection.fetch(QUERIES["take_waiting"], account, collection, _MOST_BATCHES)
    most = len(rows) // 2 if half and len(rows) >= _MANY else len(rows)
    group: list[Batch] = []
    items = 0
    for row in rows:
        batch = from_row(row)
        first = group[0] if group else batch
        if (batch.action, batch.options) != (first.action, first.options):
            continue
        if len(group) == most or (group and items + batch.received > _MOST_ITEMS):
            break
        group.append(batch)
        items += batch.received
    return group, len(group) < len(rows) or len(rows) == _MOST_BATCHES


async def apply_group(
    connection: "Connection", registry: Registry, batches: Sequence[Batch], *, checked: bool
) -> Sequence[Finished]:
    """Apply and finish the batches of a group that have no conflict; what came of those.

    Args:
        checked: look for conflicts first, also where running into them is enough to know of them.

    Raises:
        Spoiled: with at least one of the batches it cannot be done; Unchecked, where a check would
            tell which.
        UnservedCollection: nothing was done.
    """
    first = batches[0]
    resource = registry.get(first.collection)
    if resource is None:
        raise UnservedCollection(f"collection {first.collection!r} is not served here")
    sql = statements(resource, first.action, first.options)
    patience = await allow_time(connection, sum(batch.received for batch in batches))
    checked = checked or not sql.refused_by_indexes
    if checked:
        conflicting = await _conflicting(connection, sql, batches, patience)
        batches = [batch for batch in batches if batch.id not in conflicting]
    if not batches:
        return ()
    try:
        done = await _apply(connection, sql, resource, batches, patience)
        await check_limits(connection, resource, batches)
    except asyncpg.UniqueViolationError as error:
        raise (Spoiled if checked else Unchecked)("a value is taken") from error
    except LimitReached as error:
        raise Spoiled("a limit is reached") from error
    if len(done) != len(batches):
        raise (Spoiled if checked else Unchecked)("not every item was written")
    return done


async def _conflicting(
    connection: "Connection", sql: Statements, batches: Sequence[Batch], patience: float | None
) -> set[UUID]:
    ids = [batch.id for batch in batches]
    rows = await connection.fetch(sql.conflicting, ids, batches[0].account, timeout=patience)
    return {row["batch"] for row in rows}


async def _apply(
    connection: "Connection",
    sql: Statements,
    resource: Resource,
    batches: Sequence[Batch],
    patience: float | None,
) -> Sequence[Finished]:
    """What came of the batches; of one of which an item was not written, nothing."""
    if not sql.refused_by_indexes:
        # Two items may swap unique values: what counts is how the rows look in the end.
        await connection.execute("SET CONSTRAINTS ALL DEFERRED")
    rows = await connection.fetch(
        sql.apply,
        [batch.id for batch in batches],
        batches[0].account,
        resource.name,
        [],
        None,
        timeout=patience,
    )
    if not sql.refused_by_indexes:
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE", timeout=patience)
    return [finished_from(row) for row in rows]
