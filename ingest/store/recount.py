"""Counters and summaries, compared with the items that are stored, and set right.

Commits keep both, and SQL outside the service does not. A count reads an index of the table, one
account at a time: 2 to 6 s for ten million items, and 2 ms for each account. Needs a login that may
see all accounts; where row-level security confines it to the account that a transaction names, it
sees the items of that account, but does not find accounts that have neither a counter nor a token.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from ingest.errors import LockTimeout, TooSlow
from ingest.resources.resource import Resource
from ingest.store.doctor import look
from ingest.store.pool import Pool
from ingest.store.quotas import lock_collection
from ingest.store.statements.tallies import counted_anew
from ingest.store.tables import ACCOUNT, COLLECTIONS, quote

TOO_LONG = (LockTimeout, TooSlow)
"""What a count of a large table, or one that is locked, may end with."""

# An account after the other, each found by one look into the primary key.
_ACCOUNTS = """
WITH RECURSIVE found (account) AS (
    SELECT min(t.{account}) FROM {table} t
    UNION ALL
    SELECT (SELECT min(t.{account}) FROM {table} t WHERE t.{account} > found.account)
    FROM found WHERE found.account IS NOT NULL
)
SELECT account::text FROM found WHERE account IS NOT NULL
UNION SELECT account::text FROM ingest.counters WHERE collection = $1
UNION SELECT account::text FROM ingest.tokens WHERE row_security_active('{table}'::regclass)
ORDER BY account
"""
# One statement sees one instant: a commit changes both or none.
_COMPARE = """
SELECT coalesce((SELECT items FROM ingest.counters WHERE account = $1 AND collection = $2), 0),
       (SELECT count(*) FROM {table} t WHERE t.{account} = $1)
"""
_FORGET_COUNTER = "UPDATE ingest.counters SET items = 0 WHERE account = $1 AND collection = $2"
# Items that are gone without a commit had versions that must not return. They are not known: no
# item was changed as often as this.
_MEND_COUNTER = """
UPDATE ingest.counters c
SET items = s.stored,
    last_version = c.last_version + CASE WHEN s.stored < c.items THEN 1000000 ELSE 0 END
FROM (SELECT count(*) AS stored FROM {table} t WHERE t.{account} = $1) s
WHERE c.account = $1 AND c.collection = $2
"""
_DIFFERING = """
WITH kept AS (
    SELECT digest, items, total FROM ingest.tallies WHERE account = $1 AND collection = $2
), stored AS (
    SELECT digest, items, total FROM ({counted}) counted
), differing AS (
    (TABLE kept EXCEPT TABLE stored) UNION ALL (TABLE stored EXCEPT TABLE kept)
)
SELECT count(DISTINCT digest) FROM differing
"""
_FORGET_TALLIES = "DELETE FROM ingest.tallies WHERE account = $1 AND collection = $2"
_KEEP_TALLIES = """
INSERT INTO ingest.tallies (account, digest, summary, value, items, total, collection)
SELECT counted.*, $2 FROM ({counted}) counted
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """How many items an account has in a collection."""

    account: str | None
    """None where looking for the accounts took too long."""
    collection: str
    kept: int
    """What the counter says."""
    stored: int | None
    """What the table has; None where counting took too long."""
    has_table: bool = True


async def compared_counters(pool: Pool) -> AsyncIterator[Compared]:
    """Every counter with what is stored, and what is stored without one."""
    names = [row["name"] for row in await look(pool, "tables")]
    for name in names:
        for account in await _accounts(pool, name):
            yield await _compared(pool, account, name)
    for row in await look(pool, "homeless", names):
        yield Compared(row["account"], row["collection"], row["items"], 0, has_table=False)


async def _compared(pool: Pool, account: str | None, collection: str) -> Compared:
    if account is None:
        return Compared(None, collection, 0, None)
    try:
        async with pool.transaction(account) as connection:
            row = await connection.fetchrow(_sql(_COMPARE, collection), account, collection)
    except TOO_LONG:
        return Compared(account, collection, 0, None)
    return Compared(account, collection, *(row or (0, 0)))


async def mend_counter(pool: Pool, account: str, collection: str, *, has_table: bool) -> None:
    """Set a counter to what is stored now; commits wait while it is counted."""
    async with pool.transaction(account) as connection:
        await lock_collection(connection, account, collection)
        statement = _sql(_MEND_COUNTER, collection) if has_table else _FORGET_COUNTER
        await connection.execute(statement, account, collection)


async def compared_summaries(
    pool: Pool, resource: Resource
) -> AsyncIterator[tuple[str | None, int | None]]:
    """Each account, with how many values its summaries count otherwise than they are stored.

    None stands for what took too long to count; and for the accounts where looking for them did.
    """
    differing = _DIFFERING.format(counted=_counted(resource))
    for account in await _accounts(pool, resource.name):
        wrong = None
        with suppress(*TOO_LONG):
            if account is not None:
                async with pool.transaction(account) as connection:
                    wrong = await connection.fetchval(differing, account, resource.name)
        yield account, wrong


async def mend_summaries(pool: Pool, resource: Resource, account: str) -> None:
    """Count the summaries of an account anew; commits wait meanwhile."""
    async with pool.transaction(account) as connection:
        await lock_collection(connection, account, resource.name)
        await connection.execute(_FORGET_TALLIES, account, resource.name)
        keep = _KEEP_TALLIES.format(counted=_counted(resource))
        await connection.execute(keep, account, resource.name)


async def _accounts(pool: Pool, collection: str) -> list[str | None]:
    """The accounts that have, or may have, items; None alone where that took too long."""
    try:
        async with pool.connection() as connection:
            rows = await connection.fetch(_sql(_ACCOUNTS, collection), collection)
    except TOO_LONG:
        return [None]
    return [row["account"] for row in rows]


def _sql(statement: str, collection: str) -> str:
    table = f"{quote(COLLECTIONS)}.{quote(collection)}"
    return statement.format(table=table, account=quote(ACCOUNT))


def _counted(resource: Resource) -> str:
    return counted_anew(resource, resource.summaries, f"t.{quote(ACCOUNT)} = $1")
