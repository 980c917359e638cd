"""New batches into the database: what is durable here will be committed, or visibly failed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from ingest.errors import Unavailable
from ingest.exactjson import dump_exact
from ingest.model import BatchState, NewBatch
from ingest.store import batches
from ingest.store.doubt import outcome_unknown, written_among
from ingest.store.failures import errors_text
from ingest.store.pool import Pool
from ingest.store.queries import load_queries

if TYPE_CHECKING:
    from ingest.store.pool import Connection

_QUERIES = load_queries("staging.sql")


class KeyTaken(Exception):
    """Another batch of the account has the idempotency key already."""


async def save(pool: Pool, account: str, new: Sequence[NewBatch]) -> list[Exception | None]:
    """Make batches of one account durable, in one round trip and one transaction.

    Returns:
        What went wrong with each, None where nothing did:

        KeyTaken: another batch holds its idempotency key; nothing of it was written.
        Unavailable: it was not written.
        OutcomeUnknown: the database went away meanwhile, and cannot be asked.
    """
    sent = False
    try:
        async with pool.connection() as connection:
            sent = True
            written = await stage(connection, account, new)
    except Unavailable as error:
        if not sent or _refused(error):
            return [error] * len(new)
        return await _doubts(pool, account, new, error)
    except Exception as error:  # noqa: BLE001 - it is raised to whoever sent the batch
        if len(new) == 1:
            return [error]
        # Whatever it is, it must not be the others' fault.
        return [(await save(pool, account, [each]))[0] for each in new]
    return [None if each.id in written else KeyTaken() for each in new]


async def stage(connection: "Connection", account: str, new: Sequence[NewBatch]) -> set[UUID]:
    """Write batches of one account; the ids of those whose idempotency key was free.

    A batch with a `state` of `rejected` is kept for its failures, and has no payload.
    """
    # In one order, or two groups with the same keys would wait for each other for ever.
    ordered = sorted(new, key=_key)
    rows = await connection.fetch(_QUERIES["stage"], account, *_columns(ordered))
    return {row["id"] for row in rows}


def _refused(error: Unavailable) -> bool:
    """Whether the database itself said no, so that nothing was written without a doubt."""
    cause = error.__cause__
    if isinstance(cause, asyncpg.PostgresConnectionError):
        return False
    return isinstance(
        cause,
        asyncpg.QueryCanceledError
        | asyncpg.InsufficientResourcesError
        | asyncpg.TransactionRollbackError
        | asyncpg.LockNotAvailableError,
    )


async def _doubts(
    pool: Pool, account: str, new: Sequence[NewBatch], error: Unavailable
) -> list[Exception | None]:
    """What became of batches of which nobody heard."""
    try:
        written = await written_among(pool, account, sorted(new, key=_key))
    except Unavailable:
        return [outcome_unknown(batch.id) for batch in new]
    return [None if batch.id in written else error for batch in new]


def _key(batch: NewBatch) -> str:
    return batch.idempotency.key if batch.idempotency else ""


def _columns(new: Sequence[NewBatch]) -> list[list[Any]]:
    """The parameters of `stage` after the account: batches, payloads, failures, sizes."""
    accepted = [each.state is BatchState.ACCEPTED for each in new]
    keys = [each.idempotency if kept else None for each, kept in zip(new, accepted, strict=True)]
    failures = [(each.id, failure) for each in new for failure in each.submission.failures]
    return [
        [each.id for each in new],
        [each.collection for each in new],
        [each.action.value for each in new],
        [batches.options_text(each.options) for each in new],
        [each.state.value for each in new],
        [key and key.key for key in keys],
        [key and key.fingerprint for key in keys],
        [each.trace_id for each in new],
        [each.submission.received for each in new],
        [_array([failure.index for failure in each.submission.failures]) for each in new],
        [
            each.submission.records if kept else None
            for each, kept in zip(new, accepted, strict=True)
        ],
        [each.submission.raw if kept else None for each, kept in zip(new, accepted, strict=True)],
        [batch for batch, _ in failures],
        [failure.index for _, failure in failures],
        [dump_exact(failure.raw).decode() for _, failure in failures],
        [errors_text(failure) for _, failure in failures],
        [each.submission.size if kept else 0 for each, kept in zip(new, accepted, strict=True)],
        [each.token for each in new],
    ]


def _array(indices: Sequence[int]) -> str:
    """An array of integers as PostgreSQL writes it: arrays of several lengths fit no parameter."""
    return f"{{{','.join(map(str, indices))}}}"
