"""Quotas and the counters that they are held against.

An operator sets quotas, and the transaction of a commit checks them. Nothing is counted: every
commit keeps the number of items of its collection in `ingest.counters`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import asyncpg

from ingest.access.quotas import TOTAL, Change, Holdings, refuse_what_is_over
from ingest.errors import ConfigurationError, LimitReached
from ingest.model import Action, Batch
from ingest.resources.resource import Resource
from ingest.store.pool import Pool
from ingest.store.queries import load_queries
from ingest.store.statements import Statements
from ingest.store.tables import COLLECTIONS

if TYPE_CHECKING:
    from ingest.store.pool import Connection

QUERIES = load_queries("quotas.sql")


@dataclass(frozen=True, slots=True)
class Quota:
    """The most items of a collection that an account may have; `*` is all of its collections."""

    account: str
    collection: str
    maximum: int
    items: int
    """How many items the account has now."""


async def set_quota(pool: Pool, account: str, collection: str, maximum: int | None) -> None:
    """Set what an account may hold, None for any number, for every commit that begins later.

    Raises:
        ConfigurationError: there is no such collection, or no account can have this name.
    """
    try:
        async with pool.connection() as connection:
            known = await connection.fetchval(QUERIES["is_collection"], COLLECTIONS, collection)
            if collection != TOTAL and not known:
                raise ConfigurationError(f"there is no collection {collection!r}")
            if maximum is None:
                await connection.execute(QUERIES["remove_quota"], account, collection)
            else:
                await connection.execute(QUERIES["set_quota"], account, collection, maximum)
    except asyncpg.CheckViolationError as error:
        raise ConfigurationError("an account has 1 to 255 bytes") from error


async def list_quotas(pool: Pool, account: str | None = None) -> list[Quota]:
    """The quotas of an account, or of all; needs a login that may see them."""
    async with pool.connection() as connection:
        rows = await connection.fetch(QUERIES["list_quotas"], account)
    return [Quota(**row) for row in rows]


async def read_holdings(pool: Pool, account: str) -> Holdings:
    """What an account holds, and what it may hold."""
    async with pool.transaction(account) as connection:
        return await _holdings(connection, account)


async def lock_collection(connection: "Connection", account: str, collection: str) -> None:
    """Make this transaction the only one that writes to the collection, until it ends."""
    while await connection.fetchrow(QUERIES["lock_counter"], account, collection) is None:
        await connection.execute(QUERIES["insert_counter"], account, collection)


async def check_limits(
    connection: "Connection", resource: Resource, batches: Sequence[Batch]
) -> None:
    """Refuse what the batches of one account have just done to a collection, where it is too much.

    From here to its end, the transaction is the only one that changes what the account holds, but
    for deleting. Every transaction locks its collection before its account, so none deadlock.

    Raises:
        LimitReached: the transaction is to be rolled back to before the batches were applied.
    """
    if not batches[0].limited:
        return
    account = batches[0].account
    await lock_collection(connection, account, TOTAL)
    ids = [batch.id for batch in batches]
    row = await connection.fetchrow(QUERIES["change"], account, ids)
    if row is None:
        raise RuntimeError("an aggregate returned no row")
    refuse_what_is_over(resource, await _holdings(connection, account), Change(**row))


async def limit_beside(
    connection: "Connection",
    resource: Resource,
    sql: Statements,
    batch: Batch,
    bad: Sequence[int],
    timeout: float | None,
) -> Mapping[str, Any] | None:
    """The limit that a batch would have met which fails for its items; None where it has none.

    Nothing is applied or locked for it, so it speaks of one moment.

    Args:
        bad: of the items that validation left, those that stored data or another item refuses.
        batch: with `invalid_count` as validation found it.
    """
    holdings = await _holdings(connection, batch.account)
    good = batch.valid_count - len(bad)
    if not holdings.maxima or not good or batch.action is Action.DELETE:
        return None
    created = good if batch.action is Action.CREATE else 0
    if sql.creating is not None:
        created = await connection.fetchval(
            sql.creating, [batch.id], batch.account, bad, timeout=timeout
        )
    change = Change(created=created, updated=good - created, unchanged=0, deleted=0)
    items = {**holdings.items, resource.name: holdings.held(resource.name) + created}
    try:
        refuse_what_is_over(resource, replace(holdings, items=items), change)
    except LimitReached as reached:
        return reached.document()
    return None


async def _holdings(connection: "Connection", account: str) -> Holdings:
    rows = await connection.fetch(QUERIES["holdings"], account)
    return Holdings(
        items={row["collection"]: row["items"] for row in rows},
        maxima={row["collection"]: row["maximum"] for row in rows if row["maximum"] is not None},
    )
