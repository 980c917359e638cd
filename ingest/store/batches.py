"""Batches in the database: staged, looked up, finished."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import orjson

from ingest.errors import OutcomeUnknown, Unavailable
from ingest.exactjson import dump_exact, load_exact
from ingest.model import (
    Action,
    Batch,
    BatchState,
    Failure,
    ItemError,
    NewBatch,
    Options,
    Outcome,
)
from ingest.store.pool import Pool
from ingest.store.queries import load_queries

if TYPE_CHECKING:
    from ingest.store.pool import Connection

QUERIES = load_queries("batches.sql")


class KeyTaken(Exception):
    """Another batch of the account has the idempotency key already."""


async def accept(pool: Pool, batch: NewBatch) -> None:
    """Make a batch durable: when this returns it will be committed, or visibly failed.

    Raises:
        KeyTaken: another batch holds its idempotency key; nothing was written.
        Unavailable: it was not accepted.
        OutcomeUnknown: the database went away during the COMMIT and cannot be asked.
    """
    staged = False
    try:
        async with pool.transaction(batch.account) as connection:
            await stage(connection, batch)
            staged = True
    except asyncpg.UniqueViolationError as error:
        raise KeyTaken from error
    except Unavailable:
        # Before the COMMIT was sent there is no doubt: it was not accepted.
        if not staged or not await _is_accepted(pool, batch):
            raise


async def stage(connection: "Connection", batch: NewBatch) -> None:
    """Write an accepted batch, its payload and the failures that it has already."""
    await _insert(connection, batch, BatchState.ACCEPTED)
    records, raw = batch.submission.records, batch.submission.raw
    await connection.execute(QUERIES["insert_payload"], batch.id, batch.account, records, raw)
    if batch.submission.failures:
        await insert_failures(connection, batch.account, batch.id, batch.submission.failures)


async def _is_accepted(pool: Pool, batch: NewBatch) -> bool:
    """Whether a batch is there although its COMMIT was not answered.

    Its row is inserted again, for as long as that takes: a COMMIT that is still under way holds
    the id, and PostgreSQL lets nobody insert it before that has ended one way or the other.
    """
    try:
        async with pool.transaction(batch.account) as connection:
            await _insert(connection, batch, BatchState.ACCEPTED)
            raise _NotThere
    except _NotThere:
        return False
    except asyncpg.UniqueViolationError:
        return await _exists(pool, batch)
    except Unavailable as error:
        raise _unknown(batch) from error


class _NotThere(Exception):
    """Rolls back the insertion that only asked."""


async def _exists(pool: Pool, batch: NewBatch) -> bool:
    try:
        return await get(pool, batch.account, batch.id) is not None
    except Unavailable as error:
        raise _unknown(batch) from error


def _unknown(batch: NewBatch) -> OutcomeUnknown:
    return OutcomeUnknown(
        "The database went away while the batch was being accepted",
        "Whether it was accepted is not known. Ask for the batch at Location, or send the "
        "same request with the same Idempotency-Key again.",
        retry_after=1,
        batch_id=batch.id,
    )


async def reject(pool: Pool, batch: NewBatch) -> None:
    """Keep a batch that is not accepted, so that its failures can be read at its id."""
    async with pool.transaction(batch.account) as connection:
        await _insert(connection, batch, BatchState.REJECTED)
        await insert_failures(connection, batch.account, batch.id, batch.submission.failures)


async def _insert(connection: "Connection", batch: NewBatch, state: BatchState) -> None:
    key = batch.idempotency if state is BatchState.ACCEPTED else None
    await connection.execute(
        QUERIES["insert_batch"],
        batch.id,
        batch.account,
        batch.collection,
        batch.action.value,
        orjson.dumps(batch.options.document()).decode(),
        state.value,
        key and key.key,
        key and key.fingerprint,
        batch.trace_id,
        batch.submission.received,
        [failure.index for failure in batch.submission.failures],
    )


async def insert_failures(
    connection: "Connection", account: str, batch: UUID, failures: Iterable[Failure]
) -> None:
    """Keep the failures of a batch, each with its raw item."""
    listed = list(failures)
    await connection.execute(
        QUERIES["insert_failures"],
        batch,
        account,
        [failure.index for failure in listed],
        [dump_exact(failure.raw).decode() for failure in listed],
        [dump_exact([error.document() for error in failure.errors]).decode() for failure in listed],
    )


async def get(pool: Pool, account: str, batch: UUID) -> Batch | None:
    """A batch of an account by its id."""
    async with pool.transaction(account) as connection:
        row = await connection.fetchrow(QUERIES["get_batch"], account, batch)
    return None if row is None else from_row(row)


async def get_outcome(pool: Pool, account: str, batch: UUID, at_most: int) -> Outcome | None:
    """A batch and its first `at_most` failures, as of one instant."""
    async with pool.transaction(account, snapshot=True) as connection:
        return await read_outcome(connection, account, batch, at_most)


async def read_outcome(
    connection: "Connection", account: str, batch: UUID, at_most: int
) -> Outcome | None:
    """A batch and its first `at_most` failures, as a transaction sees them."""
    row = await connection.fetchrow(QUERIES["get_batch"], account, batch)
    if row is None:
        return None
    found = from_row(row)
    failures: Sequence[Failure] = ()
    if found.invalid:
        rows = await connection.fetch(QUERIES["get_failures"], account, batch, at_most)
        failures = [_failure(each) for each in rows]
    return Outcome(found, failures)


async def list_batches(
    pool: Pool, account: str, limit: int, offset: int
) -> tuple[list[Batch], int]:
    """One page of an account's batches, the newest first, and how many there are."""
    async with pool.transaction(account, snapshot=True) as connection:
        rows = await connection.fetch(QUERIES["list_batches"], account, limit, offset)
        total = await connection.fetchval(QUERIES["count_batches"], account)
    return [from_row(row) for row in rows], total


async def finished_among(pool: Pool, account: str, batches: Sequence[UUID]) -> set[UUID]:
    """Those of an account's batches that are finished."""
    async with pool.transaction(account) as connection:
        rows = await connection.fetch(QUERIES["finished_among"], account, batches)
    return {row["id"] for row in rows}


async def find_by_key(
    pool: Pool, account: str, key: str, keep: dt.timedelta
) -> tuple[UUID, bytes] | None:
    """The batch that holds an idempotency key, and its fingerprint.

    The key of a finished batch that is older than `keep` is forgotten on the way: it is free again.
    """
    async with pool.transaction(account) as connection:
        row = await connection.fetchrow(QUERIES["find_by_key"], account, key, keep)
        if row is None:
            return None
        if row["expired"]:
            await connection.execute(QUERIES["forget_key"], account, row["id"])
            return None
        return row["id"], row["fingerprint"]


async def unfinished(pool: Pool, older_than: dt.timedelta, at_most: int) -> list[tuple[str, UUID]]:
    """Accepted batches of all accounts that nobody has finished: (account, id), oldest first."""
    async with pool.connection() as connection:
        rows = await connection.fetch(QUERIES["unfinished"], older_than, at_most)
    return [(row["account"], row["id"]) for row in rows]


async def count_attempt(pool: Pool, account: str, batch: UUID) -> int | None:
    """Count one more failed attempt; how many there are now, None where it is finished."""
    async with pool.transaction(account) as connection:
        attempts: int | None = await connection.fetchval(QUERIES["count_attempt"], account, batch)
    return attempts


async def finish_broken(pool: Pool, account: str, batch: UUID, reason: dict[str, Any]) -> None:
    """Fail a batch for a reason of the service's own; `reason` is shown with it."""
    async with pool.transaction(account) as connection:
        await connection.execute(
            QUERIES["finish_broken"], account, batch, orjson.dumps(reason).decode()
        )


def from_row(row: asyncpg.Record) -> Batch:
    """A Batch from a row of `ingest.batches`."""
    return Batch(
        id=row["id"],
        account=row["account"],
        collection=row["collection"],
        action=Action(row["action"]),
        options=Options.from_document(orjson.loads(row["options"])),
        state=BatchState(row["state"]),
        received=row["received"],
        invalid=row["invalid"],
        created_at=row["created_at"],
        accepted_at=row["accepted_at"],
        finished_at=row["finished_at"],
        created=row["created"],
        updated=row["updated"],
        unchanged=row["unchanged"],
        deleted=row["deleted"],
        outcomes=row["outcomes"],
        data=row["data"] and row["data"].encode(),
        error=row["error"] and orjson.loads(row["error"]),
    )


def _failure(row: asyncpg.Record) -> Failure:
    errors = [ItemError.from_document(each) for each in orjson.loads(row["errors"])]
    return Failure(row["index"], load_exact(row["raw"].encode()), errors)
