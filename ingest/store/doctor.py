"""What `ingest doctor` asks the database, over all accounts."""

from typing import TYPE_CHECKING, Any

from ingest.store.pool import Pool
from ingest.store.queries import load_queries

if TYPE_CHECKING:
    import asyncpg

QUERIES = load_queries("doctor.sql")


async def look(pool: Pool, name: str, *arguments: Any) -> "list[asyncpg.Record]":
    """The rows of a query of `doctor.sql`; needs a login that may see all accounts."""
    async with pool.connection() as connection:
        return await connection.fetch(QUERIES[name], *arguments)
