"""Unique indexes on tables that are in use: built concurrently, so that writers do not wait."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import asyncpg

from ingest.errors import ConfigurationError
from ingest.store.tables import COLLECTIONS
from migrations.driver import patiently, reason
from migrations.steps import UniqueIndex

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

_STORED = """
SELECT i.indisvalid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
       AND ARRAY (
           SELECT a.attname::text FROM unnest(i.indkey::smallint[]) WITH ORDINALITY k(number, place)
           JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
           ORDER BY k.place
       ) = $3::text[] AS usable
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relname = $2 AND c.relnamespace = to_regnamespace($1)
"""


async def build(
    connection: "Connection",
    index: UniqueIndex,
    repeated: Callable[[], Awaitable[str | None]],
) -> None:
    """Build a unique index and make it a constraint.

    What an earlier attempt has left is used where it is whole, and built again where it is not.
    After a failure nothing of it is left that refuses writes.

    Args:
        connection: outside of a transaction, with a `lock_timeout` for short locks.
        repeated: the refusal that says which values repeat.

    Raises:
        ConfigurationError: stored values repeat, or the database refused.
    """
    values = (COLLECTIONS, index.name, list(index.columns))
    usable = await connection.fetchval(_STORED, *values)
    if usable is False:
        await _without_lock_timeout(connection, index.drop)
    if not usable:
        try:
            await _without_lock_timeout(connection, index.create)
        except BaseException as error:
            await _without_lock_timeout(connection, index.drop)
            if not isinstance(error, asyncpg.PostgresError):
                raise
            found = await repeated() if isinstance(error, asyncpg.UniqueViolationError) else None
            raise ConfigurationError(
                found or f"resource {index.resource.name!r}: {reason(error)}"
            ) from error
    await patiently(lambda: connection.execute(index.attach))


async def _without_lock_timeout(connection: "Connection", statement: str) -> None:
    """Run what waits for transactions of others, and lets them go on."""
    before = await connection.fetchval("SHOW lock_timeout")
    await connection.execute("SET lock_timeout = 0")
    try:
        await connection.execute(statement)
    finally:
        await connection.execute(f"SET lock_timeout = '{before}'")
