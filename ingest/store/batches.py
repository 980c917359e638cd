"""Batches in the database: looked up, and finished."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import orjson

from ingest.access.rights import Caller
from ingest.errors import IngestError
from ingest.model import Action, AtMost, Batch, BatchState, Finished, Options, Outcome
from ingest.store.batch_filter import ALL_BATCHES, BatchFilter
from ingest.store.failures import first_failures
from ingest.store.pool import Pool
from ingest.store.queries import load_queries

if TYPE_CHECKING:
    from ingest.store.pool import Connection

QUERIES = load_queries("batches.sql")
REASON = "reason"
"""The part of a stored error that is for operators, and not for the account."""


class UnreadableBatch(IngestError):
    """What is stored of a batch is nothing that this version writes."""

    def __init__(self, batch: UUID) -> None:
        super().__init__(f"the row of batch {batch} cannot be read")
        self.batch = batch


@lru_cache(maxsize=256)
def options_text(options: Options) -> str:
    """Options as `batches.options` stores them."""
    return orjson.dumps(options.document()).decode()


async def get(pool: Pool, account: str, batch: UUID) -> Batch | None:
    """A batch of an account by its id."""
    async with pool.transaction(account) as connection:
        row = await connection.fetchrow(QUERIES["get_batch"], account, batch)
    return None if row is None else from_row(row)


async def get_listed(pool: Pool, account: str, batch: UUID) -> Batch | None:
    """A batch of an account by its id, without what it saved and the indices of what is invalid."""
    async with pool.transaction(account) as connection:
        row = await connection.fetchrow(QUERIES["get_listed"], account, batch)
    return None if row is None else from_row(row)


async def get_outcomes(
    pool: Pool, account: str, wanted: Sequence[UUID], at_most: AtMost
) -> list[Outcome | None]:
    """Batches and the first failures of each, `at_most`, as of one instant, in order of `wanted`.

    One round trip where none has failures. None stands for a batch that is not there.
    """
    async with pool.connection() as connection:
        rows = await connection.fetch(QUERIES["get_batches_of"], account, wanted)
    found = {row["id"]: Outcome(_shown(from_row(row), at_most)) for row in rows}
    if any(outcome.batch.invalid for outcome in found.values()):
        async with pool.transaction(account, snapshot=True) as connection:
            found = await read_outcomes(connection, account, wanted, at_most)
    return [found.get(batch) for batch in wanted]


async def read_outcomes(
    connection: "Connection", account: str, wanted: Sequence[UUID], at_most: AtMost
) -> dict[UUID, Outcome]:
    """Batches by id and the first failures of each, `at_most`, as a transaction sees them."""
    rows = await connection.fetch(QUERIES["get_batches"], account, wanted)
    found = [_shown(from_row(row), at_most) for row in rows]
    bad = [batch.id for batch in found if batch.invalid_count]
    failures = await first_failures(connection, account, bad, at_most) if bad else {}
    return {batch.id: Outcome(batch, failures.get(batch.id, ())) for batch in found}


def _shown(batch: Batch, at_most: AtMost) -> Batch:
    """A batch without the items that it saved, where those are too large to be shown."""
    if batch.data is None or len(batch.data) <= at_most.bytes:
        return batch
    return replace(batch, data=None)


async def list_batches(
    pool: Pool, caller: Caller, limit: int, offset: int, wanted: BatchFilter = ALL_BATCHES
) -> tuple[list[Batch], int, UUID | None]:
    """One page of the batches that a caller may see, the newest first, how many match, and the last
    of the page where others follow.

    They are those of its token, and those of the collections that it may read; where it is
    confined to groups, only those whose senders were confined to the same or to fewer.
    """
    groups = orjson.dumps(caller.groups).decode() if caller.groups else None
    state = wanted.state and wanted.state.value
    visible = (caller.account, caller.readable, groups, caller.token)
    matching = (*visible, state, wanted.collection, wanted.since)
    async with pool.transaction(caller.account, snapshot=True) as connection:
        if wanted.key is not None:
            rows = await connection.fetch(QUERIES["list_batches_of_key"], *matching, wanted.key)
            return [from_row(row) for row in rows][offset : offset + limit], len(rows), None
        page = (wanted.after, limit + 1, offset)
        rows = await connection.fetch(QUERIES["list_batches"], *matching, *page)
        total = await connection.fetchval(QUERIES["count_batches"], *matching)
    found = [from_row(row) for row in rows[:limit]]
    return found, total, found[-1].id if len(rows) > limit else None


async def finished_among(pool: Pool, account: str, batches: Sequence[UUID]) -> set[UUID]:
    """Those of an account's batches that are finished."""
    async with pool.transaction(account) as connection:
        rows = await connection.fetch(QUERIES["finished_among"], account, batches)
    return {row["id"] for row in rows}


async def find_by_key(
    pool: Pool, account: str, key: str, keep: dt.timedelta
) -> tuple[UUID, bytes] | None:
    """The batch that holds an idempotency key, and its fingerprint.

    The key of a batch that finished longer ago than `keep` is removed first, and so is free again.
    """
    async with pool.transaction(account) as connection:
        row = await connection.fetchrow(QUERIES["find_by_key"], account, key, keep)
        if row is not None and row["expired"]:
            await connection.execute(QUERIES["forget_key"], account, row["id"], keep)
            row = await connection.fetchrow(QUERIES["find_by_key"], account, key, keep)
    return None if row is None else (row["id"], row["fingerprint"])


async def unfinished(
    pool: Pool, older_than: dt.timedelta, at_most: int, but_layouts: Sequence[str] = ()
) -> list[tuple[str, str, UUID | None]]:
    """Where batches of all accounts are pending: (account, collection, id).

    The id is that of a batch which failed before, and is to be committed alone; None stands for
    all others of the collection.

    Args:
        at_most: the most batches that are looked at, the oldest first.
        but_layouts: those of these layouts are left out.
    """
    async with pool.connection() as connection:
        rows = await connection.fetch(QUERIES["unfinished"], older_than, at_most, but_layouts)
    return [(row["account"], row["collection"], row["id"]) for row in rows]


async def count_attempt(pool: Pool, account: str, batch: UUID) -> int | None:
    """Count one more failed attempt; how many there are now, None where it is finished."""
    async with pool.transaction(account) as connection:
        attempts: int | None = await connection.fetchval(QUERIES["count_attempt"], account, batch)
    return attempts


async def finish_broken(
    pool: Pool, account: str, batch: UUID, reason: dict[str, Any]
) -> Finished | None:
    """Fail a batch for a reason of the service's own; `reason` is shown with it, but for `REASON`.

    Returns:
        What was finished; None where another worker was faster.
    """
    async with pool.transaction(account) as connection:
        row = await connection.fetchrow(
            QUERIES["finish_broken"], account, batch, orjson.dumps(reason).decode()
        )
    return None if row is None else finished_from(row)


def from_row(row: asyncpg.Record) -> Batch:
    """A Batch from a row of the columns that `batches.sql` calls `batch`.

    Raises:
        UnreadableBatch: its options or its error are of another version.
    """
    columns = dict(row)
    del columns["trace_id"]
    columns.pop("attempts", None)
    invalid_so_far = columns.pop("invalid_so_far")
    invalid = row["invalid"]
    if row["dropped"]:  # which the row counts among them
        dropped = set(row["dropped"])
        invalid = [index for index in invalid if index not in dropped]
    try:
        read = {
            "action": Action(row["action"]),
            "options": _options(row["options"]),
            "state": BatchState(row["state"]),
            "invalid": invalid,
            "invalid_count": invalid_so_far or len(invalid),
            "data": row["data"] and row["data"].encode(),
            "error": row["error"] and _error(row["error"]),
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableBatch(row["id"]) from error
    return Batch(**{**columns, **read})


def finished_from(row: asyncpg.Record) -> Finished:
    """A Finished from a row of the columns that `batches.sql` calls `finished`."""
    return Finished(**{**row, "state": BatchState(row["state"])})


@lru_cache(maxsize=256)
def _options(stored: str) -> Options:
    return Options.from_document(orjson.loads(stored))


def _error(stored: str) -> dict[str, Any]:
    """Why a batch failed, without what is for operators."""
    error: dict[str, Any] = orjson.loads(stored)
    error.pop(REASON, None)
    return error
