"""arq's part of a worker: the jobs, and an arq worker for as long as Redis is there.

Jobs only wait for commits, which run in the worker's slots: where arq cancels its jobs, because
Redis is lost or the worker stops, commits under way still finish.
"""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.asyncio import ConnectionPool

from ingest import readiness
from ingest.batches.doorbell import (
    COMMIT_JOB,
    COMMIT_JOB_BEFORE,
    COMMIT_PENDING_JOB,
    QUEUE,
    deserialize,
    serialize,
)
from ingest.redis import FAILURES, explain
from ingest.store.pool import LONGEST_ALLOWANCE
from ingest.tasks import finish
from workers.commit import Committer
from workers.slots import Slots

log = structlog.get_logger(__name__)

# arq counts every start of a job, also those after a lost connection; the database's own count
# of attempts decides when a batch is a dead letter.
_MAX_TRIES = 1_000_000
_RECONNECT = 1.0  # seconds before Redis is tried again
# arq's own calls may take longer than ours: no request waits for them.
_ARQ_TIMEOUT_FACTOR = 5


async def run_jobs(committer: Committer, slots: Slots) -> None:
    """Run an arq worker until cancelled, and another one after each that lost Redis."""
    while True:
        worker = _create_worker(committer, slots)
        try:
            await worker.async_run()
        except FAILURES as error:
            _log(error)
        finally:
            await finish(_close(worker))
        await asyncio.sleep(_RECONNECT)


def _create_worker(committer: Committer, slots: Slots) -> Worker:
    settings = committer.settings
    pool = ConnectionPool.from_url(
        settings.redis_url,
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
        on_startup=_announce,
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


async def _announce(ctx: dict[Any, Any]) -> None:
    readiness.announce()


async def _close(worker: Worker) -> None:
    pool = worker.pool
    try:
        await worker.close()
    except FAILURES as error:
        _log(error)
    finally:
        await pool.aclose(close_connection_pool=True)


def _log(error: Exception) -> None:
    log.warning("arq lost redis", reason=str(explain(error)), error=type(error).__name__)
