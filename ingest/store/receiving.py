"""Batches that are staged while their request is still arriving: state `receiving`.

::

    begin ─▶ add ─▶ add ─▶ … ─▶ settle ─▶ accepted or rejected
      │       │                   │
      └───────┴───────────────────┴──▶ discard     by its request, or by a sweeper once its
                                                    heartbeat is too old

No worker looks at such a batch, and it holds no idempotency key. `settle` is one small transaction.
"""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import orjson

from ingest.errors import Unavailable
from ingest.exactjson import dump_exact
from ingest.model import BatchState, Chunk, IdempotencyKey, NewBatch
from ingest.store.doubt import outcome_unknown
from ingest.store.failures import errors_text
from ingest.store.pool import Pool
from ingest.store.queries import load_queries
from ingest.store.staging import KeyTaken, stage

if TYPE_CHECKING:
    from ingest.store.pool import Connection

QUERIES = load_queries("receiving.sql")

_KEY_INDEX = "batches_idempotency_key"
# What one transaction removes: chunks of 1 MiB, rows of failures.
_CHUNKS, _FAILURES = 64, 20_000


@dataclass(slots=True)
class Received:
    """A batch that is being received, and what has arrived of it so far."""

    batch: NewBatch
    items: int = 0
    invalid: int = 0
    bytes: int = 0
    settled: bool = False

    @property
    def counts(self) -> tuple[int, int]:
        """How many items are valid, and how many are not."""
        return self.items - self.invalid, self.invalid

    def add(self, chunk: Chunk) -> None:
        """Count what another chunk brings."""
        self.items, self.invalid = chunk.received, chunk.invalid
        self.bytes += chunk.size

    @property
    def state(self) -> BatchState:
        """What becomes of it: strict with a bad item, or without a good one, it is rejected."""
        bad = self.invalid and (not self.batch.options.lenient or self.invalid == self.items)
        return BatchState.REJECTED if bad else BatchState.ACCEPTED


async def begin(pool: Pool, batch: NewBatch, first: Chunk) -> None:
    """Begin to receive a batch, with its first chunk.

    Raises:
        Unavailable: it was not written, or nobody will apply it.
    """
    async with pool.transaction(batch.account) as connection:
        await stage(connection, batch.account, [batch])
        await connection.execute(QUERIES["add_chunk"], *_chunk(batch.account, batch.id, first))


async def add(pool: Pool, account: str, batch: UUID, chunk: Chunk) -> None:
    """Stage the next chunk, and what has arrived so far.

    Raises:
        Unavailable: it was not written, or a sweeper has given the batch up.
    """
    async with pool.transaction(account) as connection:
        added = await connection.fetchrow(QUERIES["add_chunk"], *_chunk(account, batch, chunk))
    if added is None:
        raise _given_up()


async def beat(pool: Pool, account: str, batch: UUID) -> None:
    """Say that the batch is still being received, though nothing of it may arrive."""
    async with pool.transaction(account) as connection:
        await connection.execute(QUERIES["beat"], account, batch)


async def settle(pool: Pool, received: Received, key: IdempotencyKey | None) -> None:
    """End receiving a batch: it is `accepted` from now on, with its key, or `rejected`.

    Raises:
        KeyTaken: another batch holds its idempotency key; it is still being received.
        Unavailable: it is still being received, or was given up.
        OutcomeUnknown: the database went away meanwhile, and cannot be asked.
    """
    account, batch = received.batch.account, received.batch.id
    try:
        async with pool.transaction(account) as connection:
            await settle_in(connection, received, key)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != _KEY_INDEX:
            raise
        raise KeyTaken from None
    except _GivenUp:
        raise
    except Unavailable:
        if not await _is_settled(pool, account, batch):
            raise


async def settle_in(
    connection: "Connection", received: Received, key: IdempotencyKey | None
) -> None:
    """Settle a batch in a transaction of the caller's.

    Raises:
        Unavailable: it was given up.
    """
    batch = received.batch
    settled = await connection.fetchrow(
        QUERIES["settle"],
        batch.account,
        batch.id,
        received.state.value,
        orjson.dumps(batch.options.of_size(received.items).document()).decode(),
        key and key.key,
        key and key.fingerprint,
        received.items,
        received.invalid,
        received.bytes if received.state is BatchState.ACCEPTED else 0,
    )
    if settled is None:
        raise _given_up()


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
    await _remove(pool, account, batch, "remove_failures", _FAILURES)
    async with pool.transaction(account) as connection:
        await connection.execute(QUERIES["remove_batch"], account, batch)
    return True


async def remove_payloads(pool: Pool, account: str, batch: UUID) -> None:
    """Remove all chunks of a batch that nobody will apply, in bounded steps."""
    await _remove(pool, account, batch, "remove_payloads", _CHUNKS)


async def abandoned(pool: Pool, older_than: dt.timedelta, at_most: int) -> list[tuple[str, UUID]]:
    """Batches of all accounts that nobody receives any more: (account, id), the oldest first."""
    async with pool.connection() as connection:
        rows = await connection.fetch(QUERIES["abandoned"], older_than, at_most)
    return [(row["account"], row["id"]) for row in rows]


async def _remove(pool: Pool, account: str, batch: UUID, query: str, at_most: int) -> None:
    removed = "DELETE 1"
    while removed != "DELETE 0":
        async with pool.transaction(account) as connection:
            removed = await connection.execute(QUERIES[query], account, batch, at_most)


async def _is_settled(pool: Pool, account: str, batch: UUID) -> bool:
    """Whether a batch was settled although nobody heard of it; waits for a COMMIT under way."""
    try:
        async with pool.transaction(account) as connection:
            state = await connection.fetchval(QUERIES["wait_for_state"], account, batch)
    except Unavailable as error:
        raise outcome_unknown(batch) from error
    return state is not None and state != BatchState.RECEIVING


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
    """A sweeper has seen no sign of life for too long."""


def _given_up() -> Unavailable:
    return _GivenUp(
        "The batch took too long to arrive and was given up; nothing was saved",
        "Send the same request again.",
        retry_after=1,
    )
