"""New batches into the database: what is durable here will be committed, or visibly failed."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from ingest.errors import OutcomeUnknown, Unavailable
from ingest.exactjson import dump_exact
from ingest.model import BatchState, Failure, NewBatch
from ingest.store import batches
from ingest.store.failures import errors_text
from ingest.store.pool import FEW_BYTES, Pool, allow_time
from ingest.store.proof import is_refusal
from ingest.store.queries import load_queries

if TYPE_CHECKING:
    from ingest.store.pool import Connection

_QUERIES = load_queries("staging.sql")


class KeyTaken(Exception):
    """Another batch of the account has the idempotency key already."""

    def __init__(self, key: str) -> None:
        super().__init__("the idempotency key is taken")
        self.key = key


def outcome_unknown(batch: UUID) -> OutcomeUnknown:
    """The answer where the database went away during the COMMIT that accepts."""
    return OutcomeUnknown(
        "The database went away while the batch was being accepted",
        "Whether it was accepted is not known. Look for the batch at Location, or send the "
        "same request with the same Idempotency-Key again.",
        retry_after=1,
        batch_id=batch,
    )


async def save(pool: Pool, account: str, new: Sequence[NewBatch]) -> list[Exception | None]:
    """Make batches of one account durable, in one round trip and one transaction.

    Returns:
        What went wrong with each, None where nothing did:

        KeyTaken: another batch holds its idempotency key; nothing of it was written.
        Unavailable: it was not written.
        OutcomeUnknown: the connection was lost meanwhile, and the batch is not to be found.
    """
    sent = False
    try:
        async with pool.connection() as connection:
            sent = True
            written = await stage(connection, account, new)
            return [None if each.id in written else KeyTaken(_key(each)) for each in new]
    except Unavailable as error:
        if not sent or is_refusal(error.__cause__):
            return [error] * len(new)
        return await _look_up(pool, account, new)
    except Exception as error:  # noqa: BLE001 - it is raised to the request that sent the batch
        if len(new) == 1:
            return [error]
        # One bad batch must not fail the others.
        return [(await save(pool, account, [each]))[0] for each in new]


async def stage(connection: "Connection", account: str, new: Sequence[NewBatch]) -> set[UUID]:
    """Write batches of one account; the ids of those whose idempotency key was free.

    A batch that is rejected stays for its failures, and has no payload, unless it is to be
    repaired; one that is `receiving` has neither as yet.
    """
    # In one order, or two groups with the same keys would wait for each other for ever.
    ordered = sorted(new, key=_key)
    size = sum(each.chunk.size for each in new)
    async with connection.transaction() if size > FEW_BYTES else nullcontext():
        timeout = await allow_time(connection, 0, size)
        values = _columns(ordered)
        rows = await connection.fetch(_QUERIES["stage"], account, *values, timeout=timeout)
    return {row["id"] for row in rows}


async def _look_up(pool: Pool, account: str, new: Sequence[NewBatch]) -> list[Exception | None]:
    """What became of batches whose connection was lost.

    One that is not there may still be written: its statement may be on its way to the server.
    """
    try:
        async with pool.transaction(account) as connection:
            ids = [batch.id for batch in new]
            rows = await connection.fetch(_QUERIES["written_among"], account, ids)
    except Unavailable:
        rows = []
    written = {row["id"] for row in rows}
    return [None if batch.id in written else outcome_unknown(batch.id) for batch in new]


def _key(batch: NewBatch) -> str:
    return batch.key.key if batch.key else ""


def _columns(new: Sequence[NewBatch]) -> list[list[Any]]:
    """The parameters of `stage` after the account: batches, payloads, failures, sizes, refusals."""
    keys = [each.key if each.is_staged else None for each in new]
    chunks = [each.chunk if each.is_staged else None for each in new]
    failures = [(each.id, failure) for each in new for failure in _failures(each)]
    return [
        [each.id for each in new],
        [each.collection for each in new],
        [each.action.value for each in new],
        [batches.options_text(each.options) for each in new],
        [each.state.value for each in new],
        [key and key.key for key in keys],
        [key and key.fingerprint for key in keys],
        [each.trace_id for each in new],
        [0 if each.state is BatchState.RECEIVING else each.chunk.received for each in new],
        [_array([failure.index for failure in _failures(each)]) for each in new],
        [chunk and (chunk.records or b"[]") for chunk in chunks],
        [chunk and chunk.raw for chunk in chunks],
        [batch for batch, _ in failures],
        [failure.index for _, failure in failures],
        [dump_exact(failure.raw).decode() for _, failure in failures],
        [errors_text(failure) for _, failure in failures],
        [chunk.size if chunk else 0 for chunk in chunks],
        [each.token for each in new],
        [each.layout for each in new],
        [refusal_text(each.refusal) for each in new],
        [each.kept for each in new],
        [failure.conflict for _, failure in failures],
    ]


def refusal_text(refusal: Mapping[str, Any] | None) -> str | None:
    """A refusal as `batches.refusal` stores it."""
    return None if refusal is None else orjson.dumps(refusal).decode()


def _failures(batch: NewBatch) -> Sequence[Failure]:
    """The failures that are written with the batch itself; a stream's come with its chunks."""
    return () if batch.state is BatchState.RECEIVING else batch.chunk.failures


def _array(indices: Sequence[int]) -> str:
    """An array of integers as PostgreSQL writes it: arrays of several lengths fit no parameter."""
    return f"{{{','.join(map(str, indices))}}}"
