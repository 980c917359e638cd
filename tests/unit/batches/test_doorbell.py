"""Rings are merged, taken once, and are jobs that arq itself can read and run."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from arq.connections import ArqRedis
from arq.jobs import Job, JobStatus
from arq.worker import Worker, func
from redis.asyncio import ConnectionPool

from ingest.batches.doorbell import (
    COMMIT_JOB,
    COMMIT_PENDING_JOB,
    FINISHED,
    QUEUE,
    Doorbell,
    deserialize,
    serialize,
)
from ingest.ids import uuid7
from ingest.redis import open_redis
from ingest.settings import Settings


@pytest.fixture
async def doorbell(settings: Settings) -> AsyncIterator[Doorbell]:
    async with open_redis(settings) as redis:
        yield Doorbell(redis)


@pytest.fixture
async def arq(redis_url: str) -> AsyncIterator[ArqRedis]:
    """arq's own client of the same Redis."""
    async with ArqRedis(
        ConnectionPool.from_url(redis_url), serialize, deserialize, QUEUE
    ) as client:
        yield client
        await client.connection_pool.disconnect()


async def run_all(arq: ArqRedis) -> list[tuple[str, ...]]:
    """The arguments of each job that an arq worker runs, until its queue is empty."""
    seen: list[tuple[str, ...]] = []

    async def record(_: dict[Any, Any], *arguments: str) -> None:
        seen.append(arguments)

    worker = Worker(
        [func(record, name=name, keep_result=0) for name in (COMMIT_PENDING_JOB, COMMIT_JOB)],
        redis_pool=arq,
        queue_name=QUEUE,
        job_serializer=serialize,
        job_deserializer=deserialize,
        burst=True,
        poll_delay=0.01,
        handle_signals=False,
    )
    await worker.main()
    return seen


async def test_a_ring_is_a_job_that_arq_reads_and_runs(doorbell: Doorbell, arq: ArqRedis) -> None:
    assert await doorbell.ring("acme", "contacts")
    (queued,) = await arq.queued_jobs()
    assert (queued.function, list(queued.args)) == (COMMIT_PENDING_JOB, ["acme", "contacts"])
    assert queued.job_id is not None
    job = Job(queued.job_id, arq, QUEUE, deserialize)
    assert await job.status() is JobStatus.queued
    info = await job.info()
    assert info is not None
    assert info.function == COMMIT_PENDING_JOB
    assert await run_all(arq) == [("acme", "contacts")]
    assert await job.status() is JobStatus.not_found


async def test_rings_that_no_worker_has_taken_are_one(doorbell: Doorbell, arq: ArqRedis) -> None:
    assert (
        await asyncio.gather(*(doorbell.ring("acme", "contacts") for _ in range(9))) == [True] * 9
    )
    assert await doorbell.ring("acme", "deals")
    assert await doorbell.ring("rival", "contacts")
    assert await run_all(arq) == [
        ("acme", "contacts"),
        ("acme", "deals"),
        ("rival", "contacts"),
    ]


async def test_one_worker_takes_a_ring_and_arq_no_longer_finds_it(
    doorbell: Doorbell, arq: ArqRedis
) -> None:
    await doorbell.ring("acme", "contacts")
    taken = await asyncio.gather(*(doorbell.take("acme", "contacts") for _ in range(5)))
    assert sorted(taken) == [False] * 4 + [True]
    assert await arq.queued_jobs() == []
    assert await run_all(arq) == []


async def test_what_is_accepted_after_a_ring_was_taken_rings_again(
    doorbell: Doorbell, arq: ArqRedis
) -> None:
    await doorbell.ring("acme", "contacts")
    await doorbell.take("acme", "contacts")
    await doorbell.ring("acme", "contacts")
    assert len(await arq.queued_jobs()) == 1
    assert await doorbell.take("acme", "contacts")


async def test_a_ring_whose_flag_has_expired_can_still_be_taken(
    doorbell: Doorbell, arq: ArqRedis
) -> None:
    await doorbell.ring("acme", "contacts")
    await arq.delete(*await arq.keys("ingest:rung:*"))
    await doorbell.ring("acme", "contacts")
    assert len(await arq.queued_jobs()) == 1, "a second job"
    await arq.delete(*await arq.keys("ingest:rung:*"))
    assert await doorbell.take("acme", "contacts")
    assert not await doorbell.take("acme", "contacts")


async def test_rings_for_a_batch_replace_earlier_ones(doorbell: Doorbell, arq: ArqRedis) -> None:
    batch = uuid7()
    for attempt in (7, 7, 8, 9):
        assert await doorbell.ring_for_batch("acme", batch, attempt)
    assert await run_all(arq) == [("acme", str(batch))]


async def test_workers_receive_every_ring_and_api_processes_every_announcement(
    doorbell: Doorbell, arq: ArqRedis
) -> None:
    rings, finished = doorbell.rings(), doorbell.finished()
    first_ring = asyncio.ensure_future(anext(rings))
    announced = asyncio.ensure_future(anext(finished))
    batches = [uuid7(), uuid7()]
    async with asyncio.timeout(10):
        while not await arq.publish(FINISHED, b"another writer's message"):  # noqa: ASYNC110 - until it listens
            await asyncio.sleep(0.01)
        assert await announced == []
        await doorbell.announce(batches)
        assert await anext(finished) == batches
        while not await arq.publish("ingest:rung", b"no JSON"):  # noqa: ASYNC110 - until it listens
            await asyncio.sleep(0.01)
        await arq.publish("ingest:rung", b'["acme", 7]')
        await doorbell.ring("acme", "contacts")
        assert await first_ring == ("acme", "contacts")
    await rings.aclose()
    await finished.aclose()


async def test_without_redis_every_call_says_so(settings: Settings) -> None:
    async with open_redis(replace(settings, redis_url="redis://127.0.0.1:1/0")) as away:
        doorbell = Doorbell(away)
        assert not await doorbell.ring("acme", "contacts")
        assert not await doorbell.ring_for_batch("acme", uuid7(), 1)
        assert not await doorbell.announce([uuid7()])
        assert await doorbell.take("acme", "contacts"), "a commit must not depend on Redis"
