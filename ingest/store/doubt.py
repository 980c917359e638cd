"""Batches in doubt: their connection was lost before anybody heard what became of them."""

from collections.abc import Sequence
from uuid import UUID

from ingest.errors import OutcomeUnknown
from ingest.model import NewBatch
from ingest.store import batches
from ingest.store.pool import Pool
from ingest.store.queries import load_queries

_QUERIES = load_queries("doubt.sql")


async def written_among(pool: Pool, account: str, doubted: Sequence[NewBatch]) -> set[UUID]:
    """Which batches of one account are there; the others are not, and never will be.

    Looking for them would not be enough: what writes them may be at work on the server, or still
    on its way to it. So their ids are taken, for as long as that takes: whoever is at work holds
    them, and whoever comes later finds them taken.

    Args:
        doubted: in the order in which they were to be written.

    Raises:
        Unavailable: the database cannot be asked.
    """
    ids = [batch.id for batch in doubted]
    async with pool.transaction(account) as connection:
        await connection.execute(
            _QUERIES["withdraw"],
            account,
            ids,
            [batch.collection for batch in doubted],
            [batch.action.value for batch in doubted],
            [batches.options_text(batch.options) for batch in doubted],
            [batch.trace_id for batch in doubted],
        )
        return {row["id"] for row in await connection.fetch(_QUERIES["written"], account, ids)}


def outcome_unknown(batch: UUID) -> OutcomeUnknown:
    """What is answered where the database cannot be asked."""
    return OutcomeUnknown(
        "The database went away while the batch was being accepted",
        "Whether it was accepted is not known. Ask for the batch at Location, or send the "
        "same request with the same Idempotency-Key again.",
        retry_after=1,
        batch_id=batch,
    )
