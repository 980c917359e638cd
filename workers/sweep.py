"""The sweeper: sees to batches that were accepted and that nobody has finished.

And to those that were never accepted: streams whose API process has gone.
"""

import asyncio
import datetime as dt
import time
from uuid import UUID

import structlog
from arq import Retry

from ingest.errors import Unavailable
from ingest.store import batches, receiving
from workers.commit import Committer

log = structlog.get_logger(__name__)

_AT_MOST = 5_000  # batches of one round
_ABANDONED_AFTER = dt.timedelta(seconds=60)  # without a sign of life of whoever receives it
_ABANDONED_AT_MOST = 10  # batches of one round: each may hold a gigabyte
_RING_AGAIN = 5.0  # seconds between two rings for the same batch


async def sweep(committer: Committer) -> None:
    """Look again and again, until cancelled."""
    while True:
        await asyncio.sleep(committer.settings.sweep_interval)
        # All sweepers ring by the same number, so that there is one ring however many they are.
        attempt = int(time.time() / _RING_AGAIN)
        try:
            await see_to_unfinished(committer, attempt)
            await remove_abandoned(committer)
        except Unavailable:
            log.warning("the sweeper cannot reach the database")
        except Exception as error:
            # Without its sweeper a worker would look well, and forget what was not rung for.
            log.exception("the sweeper failed", error=type(error).__name__)


async def see_to_unfinished(committer: Committer, attempt: int) -> int:
    """Ring wherever batches have waited too long, or commit them here where Redis is away.

    Returns:
        The number of places: collections of an account, and batches that failed before.
    """
    older_than = dt.timedelta(seconds=committer.settings.sweep_after)
    places = await batches.unfinished(committer.pool, older_than, _AT_MOST)
    for account, collection, batch in places:
        if batch is None:
            if not await committer.queue.ring(account, collection):
                await committer.commit_waiting(account, collection)
        elif not await committer.queue.ring_for_batch(account, batch, attempt):
            await _commit_here(committer, account, batch)
    if places:
        log.info("unfinished batches", places=len(places))
    return len(places)


async def remove_abandoned(
    committer: Committer, older_than: dt.timedelta = _ABANDONED_AFTER
) -> int:
    """Remove batches that nobody receives any more; how many they were."""
    found = await receiving.abandoned(committer.pool, older_than, _ABANDONED_AT_MOST)
    for account, batch in found:
        if await receiving.discard(committer.pool, account, batch, older_than):
            log.info("removed a stream that broke off", batch=str(batch), account=account)
    return len(found)


async def _commit_here(committer: Committer, account: str, batch: UUID) -> None:
    try:
        await committer.commit(account, batch, tries=1)
    except Retry:
        return  # the next round tries again
