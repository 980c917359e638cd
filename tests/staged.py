"""Batches put into the database as the pipeline does, one at a time."""

from ingest.model import NewBatch, Outcome
from ingest.store import batches, staging
from ingest.store.pool import Pool


async def save(pool: Pool, batch: NewBatch) -> None:
    """Make one batch durable, or raise what went wrong."""
    [error] = await staging.save(pool, batch.account, [batch])
    if error is not None:
        raise error


async def outcome_of(
    pool: Pool, batch: NewBatch, at_most: int, account: str = ""
) -> Outcome | None:
    """What became of a batch, as its account or another sees it."""
    [outcome] = await batches.get_outcomes(pool, account or batch.account, [batch.id], at_most)
    return outcome
