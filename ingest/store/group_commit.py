"""Group commit: applies the pending batches of a collection together, in one statement.

Each stays atomic and keeps its own failures: a batch with a conflict, also with an earlier batch of
the group, is left out, and has to be applied alone (`commit`).
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
from ingest.store.layouts import layout_of
from ingest.store.pool import allow_time
from ingest.store.quotas import check_limits
from ingest.store.statements import Statements, statements

if TYPE_CHECKING:
    from ingest.store.pool import Connection

_MOST_BATCHES = 500
# Enough for the statement's own costs not to count; few enough that the clients of a group have
# their answers, and send more, while the next group is applied.
_MOST_ITEMS = 5_000
_MOST_BYTES = 64 * 1024 * 1024  # of payload: PostgreSQL holds it in memory
_MANY = 16  # batches that are worth more than one transaction


class Spoiled(IngestError):
    """The batches cannot be applied together; the transaction cannot go on."""


class Conflicting(Spoiled):
    """One of the batches has a conflict; `apply_checked` finds which."""


async def take_group(
    connection: "Connection",
    account: str,
    collection: str,
    *,
    parts: int = 1,
    but_layouts: Sequence[str] = (),
    but: Sequence[UUID] = (),
) -> tuple[Sequence[Batch], bool]:
    """Lock the next pending batches of a collection that can be applied together, if there are any.

    They have one action, one layout and the same options, and come in the order in which they were
    accepted. The transaction has no account yet: from here to its end it has this one, and is the
    only one that writes to the collection.

    Args:
        parts: the number of groups that many pending batches are divided into.
        but_layouts: batches of these layouts are left for other workers.
        but: so are these.

    Returns:
        The batches, and whether others are pending.

    Raises:
        UnreadableBatch: one of them has to be looked at alone.
    """
    rows = await connection.fetch(
        QUERIES["take_waiting"], account, collection, _MOST_BATCHES, but_layouts, but
    )
    most = len(rows) // parts if len(rows) >= _MANY else len(rows)
    group: list[Batch] = []
    items = size = 0
    for row in rows:
        batch = from_row(row)
        first = group[0] if group else batch
        if _kind(batch) != _kind(first):
            continue
        items += batch.received
        size += batch.payload_bytes
        too_much = items > _MOST_ITEMS or size > _MOST_BYTES
        if len(group) == most or (group and too_much):
            break
        group.append(batch)
    return group, len(group) < len(rows) or len(rows) == _MOST_BATCHES


def _kind(batch: Batch) -> tuple[object, ...]:
    """Batches of one kind can be applied together."""
    return batch.action, batch.layout, batch.options


async def apply_group(
    connection: "Connection", registry: Registry, batches: Sequence[Batch]
) -> Sequence[Finished]:
    """Apply and finish the batches of a group that have no conflict.

    Where a conflict would be noticed anyway, none is looked for.

    Raises:
        Conflicting: a conflict was met; nothing was done.
        Spoiled: a limit of the account is reached; nothing was done.
        UnservedCollection, NotApplicable: nothing was done.
    """
    resource, sql, timeout = await _prepare(connection, registry, batches)
    if sql.unchecked is not None:
        return await _apply(connection, resource, sql.unchecked, batches, timeout)
    batches = await _without_conflicts(connection, sql, batches, timeout)
    return await _apply(connection, resource, sql.apply, batches, timeout)


async def apply_checked(
    connection: "Connection", registry: Registry, batches: Sequence[Batch]
) -> Sequence[Finished]:
    """As `apply_group`, but conflicts are looked for in any case."""
    resource, sql, timeout = await _prepare(connection, registry, batches)
    batches = await _without_conflicts(connection, sql, batches, timeout)
    return await _apply(connection, resource, sql.apply, batches, timeout)


async def _prepare(
    connection: "Connection", registry: Registry, batches: Sequence[Batch]
) -> tuple[Resource, Statements, float | None]:
    """The resource of a group, its statements and their timeout."""
    first = batches[0]
    resource = registry.get(first.collection)
    if resource is None:
        raise UnservedCollection(f"collection {first.collection!r} is not served here")
    layouts = {await layout_of(connection, resource, each) for each in _to_be_read(batches)}
    if len(layouts) > 1:
        raise Spoiled("their records have several layouts")
    items = sum(batch.received for batch in batches)
    size = sum(batch.payload_bytes for batch in batches)
    timeout = await allow_time(connection, items, size)
    return resource, statements(layouts.pop(), first.action, first.options), timeout


def _to_be_read(batches: Sequence[Batch]) -> Sequence[Batch]:
    """Those of a group whose layouts have to be read: each, where they carry none."""
    return batches if batches[0].layout is None else batches[:1]


async def _without_conflicts(
    connection: "Connection", sql: Statements, batches: Sequence[Batch], timeout: float | None
) -> Sequence[Batch]:
    ids = [batch.id for batch in batches]
    rows = await connection.fetch(sql.conflicting, ids, batches[0].account, timeout=timeout)
    conflicting = {row["batch"] for row in rows}
    return [batch for batch in batches if batch.id not in conflicting]


async def _apply(
    connection: "Connection",
    resource: Resource,
    statement: str,
    batches: Sequence[Batch],
    timeout: float | None,
) -> Sequence[Finished]:
    if not batches:
        return ()
    try:
        done = await _write(connection, statement, batches, timeout)
        await check_limits(connection, resource, batches)
    except asyncpg.UniqueViolationError as error:
        raise Conflicting("a value is taken") from error
    except LimitReached as error:
        raise Spoiled("a limit is reached") from error
    if len(done) != len(batches):
        raise Conflicting("not every item was written")
    return done


async def _write(
    connection: "Connection", statement: str, batches: Sequence[Batch], timeout: float | None
) -> Sequence[Finished]:
    """Write the items; a batch is finished if all of its items were written.

    Two items may swap unique values: constraints are checked at the end of the statement.
    """
    first = batches[0]
    ids = [batch.id for batch in batches]
    rows = await connection.fetch(
        statement, ids, first.account, first.collection, [], None, timeout=timeout
    )
    return [finished_from(row) for row in rows]
