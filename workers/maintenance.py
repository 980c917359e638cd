"""What a worker does at intervals: it sweeps, and removes what is no longer kept.

Not as arq's cron jobs: those stop while Redis is away, when the sweeper is needed most.
"""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from arq import Retry

from ingest.errors import Unavailable
from ingest.logs import cause_of
from ingest.outage import Outage
from ingest.settings import Settings
from ingest.store import batches, receiving
from ingest.store.pool import Pool
from ingest.store.retention import Kept, remove_expired, remove_images
from workers.commit import Committer

log = structlog.get_logger(__name__)

_SWEPT_AT_MOST = 5_000  # batches of one round
_ABANDONED_AFTER = dt.timedelta(seconds=60)  # without a heartbeat of the receiving process
_ABANDONED_AT_MOST = 10  # batches of one round: each may hold a gigabyte
_RING_AGAIN = 5.0  # seconds between two rings for the same batch
_BETWEEN_STEPS = 0.1  # seconds, so that commits do not notice


async def repeat(name: str, interval: float, once: Callable[[], Awaitable[None]]) -> None:
    """Call `once` every `interval` seconds, until cancelled; `name` is for the log."""
    outage = Outage(partial(log.info, "maintenance goes on", part=name))
    while True:
        await asyncio.sleep(interval)
        try:
            await once()
            outage.passed()
        except Unavailable as error:
            cause = cause_of(error)
            waits = partial(log.warning, "maintenance waits for the database", part=name)
            outage.failed(cause, partial(waits, error=type(error).__name__, cause=cause))
        except Exception as error:
            # A worker without its sweeper would look healthy, and forget lost rings.
            log.exception("maintenance failed", part=name, error=type(error).__name__)


async def sweep(committer: Committer) -> None:
    """Ring for unfinished batches, and remove abandoned streams."""
    # All sweepers ring by the same number, so that there is one ring however many they are.
    await ring_for_unfinished(committer, attempt=int(time.time() / _RING_AGAIN))
    await remove_abandoned(committer)


async def ring_for_unfinished(committer: Committer, attempt: int) -> int:
    """Ring for batches that are pending for too long; commit them here where Redis does not ring.

    Returns:
        The number of collections, and of batches that failed before.
    """
    older_than = dt.timedelta(seconds=committer.settings.sweep_after)
    places = await batches.unfinished(
        committer.pool, older_than, _SWEPT_AT_MOST, committer.left.layouts
    )
    for account, collection, batch in places:
        if batch is None:
            if not await committer.doorbell.ring_by_redis(account, collection):
                await committer.commit_pending(account, collection)
        elif not await committer.doorbell.ring_for_batch(account, batch, attempt):
            with contextlib.suppress(Retry):  # the next round tries again
                await committer.commit(account, batch, tries=1)
    if places:
        log.info("unfinished batches", places=len(places))
    return len(places)


async def remove_abandoned(
    committer: Committer, older_than: dt.timedelta = _ABANDONED_AFTER
) -> int:
    """Remove streams whose API process has gone; how many they were."""
    removed = 0
    for account, batch in await receiving.abandoned(committer.pool, older_than, _ABANDONED_AT_MOST):
        if await receiving.discard(committer.pool, account, batch, older_than):
            log.info("removed an abandoned stream", batch=str(batch), account=account)
            removed += 1
    return removed


async def remove_all_expired(settings: Settings, pool: Pool) -> None:
    """Remove what has expired by now, in steps."""
    kept = kept_of(settings)
    await remove_old_images(settings, pool)
    while True:
        found = await remove_expired(pool, kept, settings.retention_step)
        if found:
            log.info("removed what had expired", **found)
        if all(count < settings.retention_step for count in found.values()):
            return
        await asyncio.sleep(_BETWEEN_STEPS)


async def remove_old_images(settings: Settings, pool: Pool, *, excess: bool = False) -> None:
    """Remove the before-images that have expired, in steps; or those that are too many."""
    age, step = dt.timedelta(seconds=settings.revert_ttl), settings.retention_step
    most = settings.revert_max_bytes if excess else None
    while True:
        if await remove_images(pool, age, step, most=most) < step:
            return
        await asyncio.sleep(_BETWEEN_STEPS)


def kept_of(settings: Settings) -> Kept:
    """How long each thing is kept, by the settings."""
    return Kept(
        payload=dt.timedelta(seconds=settings.payload_ttl),
        answer=dt.timedelta(seconds=settings.idempotency_ttl),
        row=dt.timedelta(seconds=settings.batch_ttl),
        repair=dt.timedelta(seconds=settings.repair_ttl),
    )
