"""Removes what is no longer kept, a little at a time, so that commits do not notice."""

import asyncio
import datetime as dt

import structlog

from ingest.errors import Unavailable
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.retention import Kept, remove_expired

log = structlog.get_logger(__name__)

_BETWEEN_STEPS = 0.1  # seconds, while there is more


async def retain(settings: Settings, pool: Pool) -> None:
    """Remove what has expired again and again, until cancelled."""
    while True:
        await asyncio.sleep(settings.retention_interval)
        try:
            await remove_all_expired(settings, pool)
        except Unavailable:
            log.warning("the retention cannot reach the database")
        except Exception as error:
            log.exception("the retention failed", error=type(error).__name__)


async def remove_all_expired(settings: Settings, pool: Pool) -> None:
    """Remove what has expired by now, in steps."""
    kept = kept_of(settings)
    more = True
    while more:
        found = await remove_expired(pool, kept, settings.retention_step)
        if found:
            log.info("removed what had expired", **found)
        more = any(count >= settings.retention_step for count in found.values())
        if more:
            await asyncio.sleep(_BETWEEN_STEPS)


def kept_of(settings: Settings) -> Kept:
    """How long things are kept, by the settings."""
    return Kept(
        payload=dt.timedelta(seconds=settings.payload_ttl),
        answer=dt.timedelta(seconds=settings.idempotency_ttl),
        row=dt.timedelta(seconds=settings.batch_ttl),
    )
