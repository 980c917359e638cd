"""Batches that are staged while their request is still arriving: state `receiving`.

::

    begin ─▶ add ─▶ add ─▶ … ─▶ settle ─▶ accepted or rejected
      │       │                   │
      └───────┴───────────────────┴──▶ discard     by its request, or by a sweeper once its
                                                    heartbeat is too old

No worker looks at such a batch, and it holds no idempotency key. `settle` is one small transaction.
"""

import datetime as dt
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from ingest.errors import Unavailable
from ingest.exactjson import dump_exact
from ingest.model import BatchState, Chunk, IdempotencyKey, NewBatch
from ingest.store import batches
from ingest.store.failures import errors_text
from ingest.store.pool import Pool, allow_time
from ingest.store.queries import load_queries
from ingest.store.staging import KeyTaken, outcome_unknown, refusal_text, stage

if TYPE_CHECKING:
    from ingest.store.pool import Connection

QUERIES = load_queries("receiving.sql")

_KEY_INDEX = "batches_idempotency_key"
# What one transaction removes: chunks of 1 MiB, rows of single items.
_CHUNKS, _ROWS = 64, 20_000


async def begin(pool: Pool, batch: NewBatch) -> None:
    """Begin to receive a batch, with its first chunk.

    Raises:
        Unavailable: it was not written, or cannot be looked up.
    """
    async with pool.transaction(batch.account) as connection:
        await stage(connection, batch.account, [batch])
        await _add(connection, batch.account, batch.id, batch.chunk)


async def add(pool: Pool, account: str, batch: UUID, chunk: Chunk) -> None:
    """Stage the next chunk, and what has arrived so far.

    Raises:
        Unavailable: it was not written, or a sweeper has given the batch up.
    """
    async with pool.transaction(account) as connection:
        added = await _add(connection, account, batch, chunk)
    if not added:
        raise given_up()


async def beat(pool: Pool, account: str, batch: UUID) -> None:
    """Show sweepers that the batch is still being received, though nothing of it may arrive."""
    async with pool.transaction(account) as connection:
        await connection.execute(QUERIES["beat"], account, batch)


async def settle(pool: Pool, batch: NewBatch, key: IdempotencyKey | None, size: int) -> None:
    """End receiving a batch, whose state is `accepted` from now on, with its key, or `rejected`.

    Args:
        batch: with the state and the last chunk that it ends with.
        size: bytes of all its chunks.

    Raises:
        KeyTaken: another batch holds its idempotency key; it is still being received.
        Unavailable: it is still being received, or was given up.
        OutcomeUnknown: the database went away meanwhile, and the batch cannot be looked up.
    """
    try:
        async with pool.transaction(batch.account) as connection:
            await settle_in(connection, batch, key, size)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != _KEY_INDEX:
            raise
        raise KeyTaken(key.key if key else "") from None
    except _GivenUp:
        raise
    except Unavailable:
        if not await _is_settled(pool, batch.account, batch.id):
            raise


async def settle_in(
    connection: "Connection", batch: NewBatch, key: IdempotencyKey | None, size: int
) -> None:
    """Settle a batch in a transaction of the caller's.

    Raises:
        Unavailable: it was given up.
    """
    held = key if batch.is_staged else None
    settled = await connection.fetchrow(
        QUERIES["settle"],
        batch.account,
        batch.id,
        batch.state.value,
        batches.options_text(batch.options),
        held and held.key,
        held and held.fingerprint,
        batch.chunk.received,
        batch.chunk.invalid,
        size if batch.is_staged else 0,
        refusal_text(batch.refusal),
        batch.kept,
    )
    if settled is None:
        raise given_up()


async def discard(
    pool: Pool, account: str, batch: UUID, older_than: dt.timedelta | None = None
) -> bool:
    """Remove a batch that is being received, in bounded steps; False where it is not.

    Args:
        older_than: how old its heartbeat has to be.
    """
    async with pool.transaction(account) as connection:
        given_up = await connection.fetchrow(QUERIES["give_up"], account, batch, older_than)
    if given_up is None:
        return False
    await remove_payloads(pool, account, batch)
    for query in ("remove_failures", "remove_changes"):
        await _remove(pool, account, batch, query, _ROWS)
    async with pool.transaction(account) as connection:
        await connection.execute(QUERIES["remove_batch"], account, batch)
    return True


async def remove_payloads(pool: Pool, account: str, batch: UUID) -> None:
    """Remove all chunks of a batch that will not be applied, in bounded steps."""
    await _remove(pool, account, batch, "remove_payloads", _CHUNKS)


async def abandoned(pool: Pool, older_than: dt.timedelta, at_most: int) -> list[tuple[str, UUID]]:
    """Batches of all accounts whose request has gone: (account, id), the oldest first."""
    async with pool.connection() as connection:
        rows = await connection.fetch(QUERIES["abandoned"], older_than, at_most)
    return [(row["account"], row["id"]) for row in rows]


async def _remove(pool: Pool, account: str, batch: UUID, query: str, at_most: int) -> None:
    removed = "DELETE 1"
    while removed != "DELETE 0":
        async with pool.transaction(account) as connection:
            removed = await connection.execute(QUERIES[query], account, batch, at_most)


async def _is_settled(pool: Pool, account: str, batch: UUID) -> bool:
    """Whether it was settled although the connection was lost; waits for a COMMIT under way."""
    try:
        async with pool.transaction(account) as connection:
            state = await connection.fetchval(QUERIES["wait_for_state"], account, batch)
    except Unavailable as error:
        raise outcome_unknown(batch) from error
    return state is not None and state != BatchState.RECEIVING


async def _add(connection: "Connection", account: str, batch: UUID, chunk: Chunk) -> bool:
    """Stage a chunk; False where its batch is not received any more."""
    timeout = await allow_time(connection, 0, chunk.size + chunk.failed)
    values = _chunk(account, batch, chunk)
    return await connection.fetchrow(QUERIES["add_chunk"], *values, timeout=timeout) is not None


def _chunk(account: str, batch: UUID, chunk: Chunk) -> list[Any]:
    """The parameters of `add_chunk`."""
    return [
        account,
        batch,
        chunk.number,
        chunk.received,
        chunk.invalid,
        chunk.first_index,
        chunk.records,
        chunk.raw,
        [failure.index for failure in chunk.failures],
        [dump_exact(failure.raw).decode() for failure in chunk.failures],
        [errors_text(failure) for failure in chunk.failures],
    ]


class _GivenUp(Unavailable):
    """A sweeper has seen no heartbeat for too long."""


def given_up() -> Unavailable:
    """The error of a request whose heartbeat a sweeper has missed for too long."""
    return _GivenUp(
        "The batch took too long to arrive and was given up; nothing was saved",
        "Send the same request again.",
        retry_after=1,
    )
