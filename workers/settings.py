"""The composition root of a worker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from ingest.batches.doorbell import Doorbell
from ingest.redis import open_redis
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.missing import missing_tables
from ingest.store.notices import open_notices
from ingest.store.pool import open_pool
from ingest.store.state import state_logged
from ingest.tasks import end
from workers.commit import Committer
from workers.jobs import run_jobs
from workers.maintenance import remove_all_expired, remove_old_images, repeat, sweep
from workers.slots import Slots
from workers.wakeup import listen, listen_for_notices

# The items of a group are sorted, and kept between the steps of a statement, without a file.
_WORK_MEM = "32MB"
# Seconds between two looks for before-images that are too many: all of them are counted for it.
_EXCESS_INTERVAL = 600.0


@asynccontextmanager
async def open_committer(settings: Settings, registry: Registry) -> AsyncIterator[Committer]:
    """Open what commits need: the database and the doorbell."""
    commits = open_pool(
        settings,
        lacks=partial(missing_tables, served=registry),
        statement_timeout=settings.commit_timeout,
        work_mem=_WORK_MEM,
    )
    async with (
        commits as pool,
        open_redis(settings) as redis,
        open_notices(settings, pool) as notices,
        state_logged(pool, registry),
    ):
        yield Committer(settings, registry, pool, Doorbell(redis, notices))


@asynccontextmanager
async def running_worker(
    committer: Committer, announce: Callable[[], None] | None = None
) -> "AsyncIterator[list[asyncio.Task[None]]]":
    """Run a worker until the block ends; then commits under way have time to finish.

    Args:
        announce: called once, when the worker waits for jobs for the first time.

    Yields:
        The tasks of the worker; one that ends before the block does has failed.
    """
    settings, pool = committer.settings, committer.pool
    slots = Slots(settings.worker_jobs)
    parts = [
        run_jobs(committer, slots, announce),
        listen(committer, slots),
        listen_for_notices(committer, slots),
        repeat("sweeper", settings.sweep_interval, lambda: sweep(committer)),
        repeat(
            "retention", settings.retention_interval, lambda: remove_all_expired(settings, pool)
        ),
        repeat(
            "before-images",
            _EXCESS_INTERVAL,
            lambda: remove_old_images(settings, pool, excess=True),
        ),
    ]
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        yield tasks
    finally:
        await end(tasks)
        await slots.drain(settings.shutdown_timeout)
        for task in tasks:
            if not task.cancelled():
                task.result()  # raises what ended it
