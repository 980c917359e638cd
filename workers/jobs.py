"""arq's part of a worker: the jobs, and an arq worker for as long as Redis is there.

Jobs only wait for commits, which run in the worker's slots: where arq cancels its jobs, because
Redis is lost or the worker stops, commits under way still finish.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from arq.connections import ArqRedis
from arq.typing import StartupShutdown
from arq.worker import Worker, func

from ingest.batches.doorbell import COMMIT_JOB, COMMIT_JOB_BEFORE
from ingest.batches.rings import COMMIT_PENDING_JOB, QUEUE, deserialize, serialize
from ingest.outage import Outage
from ingest.redis import FAILURES, explain
from ingest.redis_pool import redis_pool
from ingest.store.pool import LONGEST_ALLOWANCE
from ingest.tasks import finish
from workers.commit import Committer
from workers.slots import Slots

log = structlog.get_logger(__name__)

# arq counts every start of a job, also those after a lost connection; the database's own count
# of attempts decides when a batch is a dead letter.
_MAX_TRIES = 1_000_000
_CONNECTIONS = 1_000  # arq bounds what it does at a time by its jobs
_RECONNECT = 1.0  # seconds before Redis is tried again
# arq's own calls may take longer than ours: no request waits for them.
_ARQ_TIMEOUT_FACTOR = 5


async def run_jobs(
    committer: Committer, slots: Slots, announce: Callable[[], None] | None = None
) -> None:
    """Run an arq worker until cancelled, and another one after each that lost Redis.

    Args:
        announce: called once, when the first of them waits for jobs.
    """
    outage = Outage(partial(log.info, "arq has redis again"))
    announced = False

    async def started(ctx: dict[Any, Any]) -> None:
        nonlocal announced
        if announce is not None and not announced:
            announced = True
            announce()
        outage.passed()

    while True:
        worker = _create_worker(committer, slots, started)
        try:
            await worker.async_run()
        except FAILURES as error:
            _log(error, outage)
        finally:
            await finish(_close(worker, outage))
        await asyncio.sleep(_RECONNECT)


def _create_worker(committer: Committer, slots: Slots, started: StartupShutdown) -> Worker:
    settings = committer.settings
    pool = redis_pool(
        settings.redis_url,
        connections=_CONNECTIONS,
        wait=settings.redis_timeout,
        socket_timeout=settings.redis_timeout * _ARQ_TIMEOUT_FACTOR,
        socket_connect_timeout=settings.redis_timeout,
    )
    return Worker(
        [
            func(commit_pending, name=COMMIT_PENDING_JOB),
            func(commit, name=COMMIT_JOB),
            func(commit, name=COMMIT_JOB_BEFORE),
        ],
        redis_pool=ArqRedis(pool, serialize, deserialize, QUEUE),
        queue_name=QUEUE,
        ctx={"committer": committer, "slots": slots},
        on_startup=started,
        job_serializer=serialize,
        job_deserializer=deserialize,
        keep_result=0,  # while a result is kept, arq refuses another job of its id
        max_jobs=settings.worker_jobs,
        max_tries=_MAX_TRIES,
        # Longer than the statements may take, those of many items among them. No job waits for it
        # to pass: a lost job is rung for again.
        job_timeout=4 * (settings.commit_timeout + LONGEST_ALLOWANCE),
        poll_delay=settings.poll_delay,
        handle_signals=False,
        log_results=False,
    )


async def commit_pending(ctx: dict[Any, Any], account: str, collection: str) -> None:
    """The job of a ring that no worker has taken yet."""
    await (await ctx["slots"].start(partial(ctx["committer"].commit_rung, account, collection)))


async def commit(ctx: dict[Any, Any], account: str, batch: str) -> None:
    """The job of a batch that failed before."""
    one = partial(ctx["committer"].commit, account, UUID(batch), ctx["job_try"])
    await (await ctx["slots"].start(one))


async def _close(worker: Worker, outage: Outage) -> None:
    pool = worker.pool
    try:
        await worker.close()
    except FAILURES as error:
        _log(error, outage)
    finally:
        await pool.aclose(close_connection_pool=True)


def _log(error: Exception, outage: Outage) -> None:
    reason = str(explain(error))
    outage.failed(
        reason, partial(log.warning, "arq lost redis", reason=reason, error=type(error).__name__)
    )
