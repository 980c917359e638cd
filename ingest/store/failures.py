"""All failures of a batch, page by page."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import asyncpg
import orjson

from ingest.exactjson import load_exact
from ingest.model import Failure, ItemError
from ingest.store.pool import Pool
from ingest.store.queries import load_queries

QUERIES = load_queries("failures.sql")
_ROWS = 500
_BYTES = 256 * 1024
_MUCH = 2 * _BYTES  # what only an item can be that is a page of its own: a thread reads it


async def pages(pool: Pool, account: str, batch: UUID) -> AsyncIterator[list[Failure]]:
    """The failures of an account's batch in the order of their indices.

    A page is a transaction of its own and holds about 256 KiB, so that neither a slow reader nor
    a long list costs memory or keeps a connection.
    """
    index = -1
    while True:
        async with pool.transaction(account) as connection:
            rows = await connection.fetch(
                QUERIES["failures_after"], account, batch, index, _ROWS, _BYTES
            )
        if not rows:
            return
        if sum(len(row["raw"]) for row in rows) > _MUCH:
            yield await asyncio.to_thread(_failures, rows)
        else:
            yield _failures(rows)
        index = rows[-1]["index"]


def _failures(rows: Sequence[asyncpg.Record]) -> list[Failure]:
    return [
        Failure(
            row["index"],
            load_exact(row["raw"].encode()),
            [ItemError.from_document(each) for each in orjson.loads(row["errors"])],
        )
        for row in rows
    ]
