"""Batches that are kept to be repaired: changes staged beside them, and merged in one transaction.

::

    begin ─▶ add ─▶ add ─▶ … ─▶ merge ─▶ accepted, or as it was with other failures
      └───────┴─────────────────┴──▶ receiving.discard: what is left of the changes, also by a
                                     sweeper, once their heartbeat is too old

Until `merge` commits, nothing has changed; from then on a worker applies the batch like any other.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ingest.errors import (
    AttemptMismatch,
    BodyTooLarge,
    InvalidParameter,
    NotRepairable,
    Unavailable,
)
from ingest.model import KEPT, Batch
from ingest.resources.resource import Resource
from ingest.store.conflicts import find_conflicts, write_failures
from ingest.store.merging import QUERIES, merge_records
from ingest.store.pool import Pool, allow_time
from ingest.store.proof import is_refusal
from ingest.store.quotas import limit_beside
from ingest.store.receiving import given_up, remove_payloads
from ingest.store.staging import outcome_unknown, refusal_text
from ingest.store.statements import statements
from ingest.validation.changes import Changed

if TYPE_CHECKING:
    from ingest.store.pool import Connection


async def kept_bytes(pool: Pool, account: str, but: UUID | None = None) -> int:
    """How much is kept of an account to be repaired, but for one batch."""
    async with pool.transaction(account) as connection:
        return await _kept_bytes(connection, account, but)


async def begin(pool: Pool, batch: Batch, repair: UUID, token: UUID | None, trace_id: str) -> None:
    """Begin to stage the changes of a repair, under an id of their own."""
    async with pool.transaction(batch.account) as connection:
        await connection.execute(QUERIES["begin"], batch.account, batch.id, repair, trace_id, token)


async def add(pool: Pool, account: str, repair: UUID, changes: Sequence[Changed]) -> None:
    """Stage more changes.

    Raises:
        InvalidParameter: an item is changed twice.
        Unavailable: they were not written, or a sweeper has given the repair up.
    """
    async with pool.transaction(account) as connection:
        timeout = await allow_time(connection, 0, sum(each.size for each in changes))
        row = await connection.fetchrow(
            QUERIES["add"],
            account,
            repair,
            [each.index for each in changes],
            [_text(each.entry.record if each.entry else None) for each in changes],
            [_text(each.entry.raw if each.entry else each.raw) for each in changes],
            [_text(each.errors) for each in changes],
            timeout=timeout,
        )
        if row is None:
            raise given_up()
        if repeated := Counter(each.index for each in changes) - Counter(row["added"]):
            raise InvalidParameter(
                f"Item {min(repeated)} is changed twice", "Send each index once."
            )


async def merge(
    pool: Pool, resource: Resource, batch: Batch, repair: UUID, attempt: int | None, most: int
) -> int | None:
    """Merge what was staged of a repair into its batch, which is accepted if nothing is wrong then.

    Else it stays refused, with all that is wrong with it now.

    Args:
        attempt: the one that the batch must be at; None for any.
        most: the most bytes that its account may keep to be repaired.

    Returns:
        The bytes of an accepted batch; None where it is refused.

    Raises:
        NotRepairable, AttemptMismatch: the batch is not what it was when it was read.
        BodyTooLarge: it would be larger than its account may keep.
        Unavailable: nothing was changed.
        OutcomeUnknown: the database went away during the COMMIT.
    """
    merged = False
    try:
        async with pool.transaction(batch.account) as connection:
            locked = await _lock(connection, batch, attempt)
            accepted = await _merge(connection, resource, locked, repair, most)
            merged = True
    except Unavailable as error:
        if merged and not is_refusal(error.__cause__):
            raise outcome_unknown(batch.id) from error
        raise
    return accepted


async def give_up(pool: Pool, batch: Batch, attempt: int | None) -> None:
    """Keep a batch no longer to be repaired: its key is free, and its items are removed.

    Raises:
        NotRepairable, AttemptMismatch: as `merge` does.
    """
    async with pool.transaction(batch.account) as connection:
        await _lock(connection, batch, attempt)
        await connection.execute(QUERIES["give_up"], batch.account, batch.id)
    with suppress(Unavailable):  # the retention removes them in time
        await remove_payloads(pool, batch.account, batch.id)


def check_attempt(batch: Batch, attempt: int | None) -> None:
    """Refuse what cannot be done to a batch as it is.

    Raises:
        AttemptMismatch: it is at another attempt.
        NotRepairable: it is not kept.
    """
    if attempt not in (None, batch.attempt):
        raise AttemptMismatch(
            f"The batch is at attempt {batch.attempt}, and not at {attempt}",
            "Someone else has repaired it: read it again.",
            batch_id=batch.id,
        )
    if not batch.kept:
        raise NotRepairable(
            f"The batch is {batch.state.value}, and is not kept to be repaired",
            "Send a strict batch with `Prefer: repair=keep`; it is kept while it is refused.",
            batch_id=batch.id,
        )


async def _lock(connection: "Connection", batch: Batch, attempt: int | None) -> Batch:
    """The batch as it is now, locked."""
    row = await connection.fetchrow(QUERIES["lock"], batch.account, batch.id)
    kept, repairs = (False, batch.repairs) if row is None else row
    locked = replace(batch, kept=kept, repairs=repairs)
    check_attempt(locked, attempt)
    return locked


async def _merge(
    connection: "Connection", resource: Resource, batch: Batch, repair: UUID, most: int
) -> int | None:
    account, both = batch.account, (batch.account, batch.id, repair)
    timeout = await allow_time(connection, batch.received, batch.payload_bytes)
    await merge_records(connection, batch, repair)
    size = await connection.fetchval(QUERIES["payload_size"], account, batch.id, timeout=timeout)
    await _check_room(connection, batch, size, most)
    await connection.execute(QUERIES["forget_failures"], *both, timeout=timeout)
    await connection.execute(QUERIES["keep_failures"], *both, timeout=timeout)
    invalid = await connection.fetchval(QUERIES["count_failures"], account, batch.id)
    dropped = await connection.fetchval(QUERIES["dropped"], *both, timeout=timeout)
    if not invalid:
        await connection.execute(QUERIES["accept"], account, batch.id, dropped, size)
        return int(size)
    batch = replace(batch, invalid_count=invalid, dropped=dropped)
    limit = await _try(connection, resource, batch, timeout)
    await connection.execute(
        QUERIES["refuse"], account, batch.id, dropped, size, refusal_text(limit), timeout=timeout
    )
    return None


async def _check_room(connection: "Connection", batch: Batch, size: int, most: int) -> None:
    """Refuse what makes a batch larger than there is room for."""
    if size <= batch.payload_bytes:
        return
    if size + KEPT + await _kept_bytes(connection, batch.account, batch.id) > most:
        raise BodyTooLarge(
            "The account keeps too much to be repaired",
            f"It may keep {most} bytes. Repair its other batches first, or give them up.",
        )


async def _try(
    connection: "Connection", resource: Resource, batch: Batch, timeout: float | None
) -> Mapping[str, Any] | None:
    """Keep as failures what stored data refuses of the valid items; the limit that they would pass.

    So who mends the others is told all that is wrong.
    """
    sql = statements(resource, batch.action, batch.options)
    conflicts = await find_conflicts(connection, sql, batch, timeout)
    await write_failures(connection, resource, batch, conflicts)
    bad = conflicts.indices()
    return await limit_beside(connection, resource, sql, batch, bad, timeout)


async def _kept_bytes(connection: "Connection", account: str, but: UUID | None) -> int:
    found: int = await connection.fetchval(QUERIES["kept_bytes"], account, but, KEPT)
    return found


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode()
