"""The composition root of a worker: what it is made of, and arq's part of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from arq.connections import ArqRedis
from arq.worker import Function, func
from redis.asyncio import ConnectionPool

from ingest import readiness
from ingest.batches.doorbell import (
    COMMIT_JOB,
    COMMIT_WAITING_JOB,
    QUEUE,
    Queue,
    deserialize,
    serialize,
)
from ingest.faults import parse_faults
from ingest.redis import open_redis
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.pool import LONGEST_ALLOWANCE, open_pool
from workers.commit import Committer, commit, commit_waiting
from workers.doorbell import DoorbellWorker

# arq counts every start of a job, also those after a lost connection; the database's own count
# of attempts decides when a batch has failed.
_MAX_TRIES = 1_000_000
# The items of a group are sorted, and kept between the steps of a statement, without a file.
_WORK_MEM = "32MB"
# arq's own calls may take longer than ours: nobody waits for them.
_ARQ_TIMEOUT_FACTOR = 5


@asynccontextmanager
async def open_committer(settings: Settings, registry: Registry) -> AsyncIterator[Committer]:
    """Open what commits need: the database and the doorbell."""
    async with (
        open_pool(settings, statement_timeout=settings.commit_timeout, work_mem=_WORK_MEM) as pool,
        open_redis(settings) as redis,
    ):
        faults = parse_faults(settings.faults, settings.faults_seed)
        yield Committer(settings, registry, pool, Queue(redis), faults)


def create_worker(committer: Committer) -> DoorbellWorker:
    """An arq worker for `committer`; it ends with the Redis error that it meets."""
    settings = committer.settings
    pool = ConnectionPool.from_url(
        settings.redis_url,
        socket_timeout=settings.redis_timeout * _ARQ_TIMEOUT_FACTOR,
        socket_connect_timeout=settings.redis_timeout,
    )
    return DoorbellWorker(
        committer.queue,
        committer.commit_heard,
        committer.registry,
        settings.poll_delay,
        functions=[
            _job(commit_waiting, COMMIT_WAITING_JOB, settings),
            _job(commit, COMMIT_JOB, settings),
        ],
        redis_pool=ArqRedis(pool, serialize, deserialize, QUEUE),
        queue_name=QUEUE,
        ctx={"committer": committer},
        on_startup=_announce,
        job_serializer=serialize,
        job_deserializer=deserialize,
        max_jobs=settings.worker_jobs,
        handle_signals=False,
        log_results=False,
    )


async def _announce(ctx: dict[Any, Any]) -> None:
    readiness.announce()


def _job(coroutine: Any, name: str, settings: Settings) -> Function:
    # Longer than the statements may take, those of many items among them, or arq would cancel
    # healthy commits. Nothing waits for it to pass: a job that is lost is rung for again.
    timeout = 4 * (settings.commit_timeout + LONGEST_ALLOWANCE)
    return func(coroutine, name=name, timeout=timeout, keep_result=0, max_tries=_MAX_TRIES)
