"""Rings are merged, taken once, and are jobs that arq itself can read and run."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from arq.connections import ArqRedis
from arq.jobs import Job, JobStatus
from arq.worker import Worker, func
from redis.asyncio import ConnectionPool

from ingest.batches.announcements import Announced, ids_of
from ingest.batches.doorbell import COMMIT_JOB, FINISHED, Doorbell
from ingest.batches.rings import COMMIT_PENDING_JOB, QUEUE, deserialize, serialize
from ingest.errors import Unavailable
from ingest.ids import uuid7
from ingest.model import Counts
from ingest.redis import RedisAway, open_redis
from ingest.settings import Settings
from ingest.store.notices import Notices, open_notices
from ingest.store.pool import Pool, open_pool
from tests.waiting import until


@pytest.fixture
async def doorbell(settings: Settings) -> AsyncIterator[Doorbell]:
    async with (
        open_pool(settings) as pool,
        open_redis(settings) as redis,
        open_notices(settings, pool) as notices,
    ):
        yield Doorbell(redis, notices)


@pytest.fixture
async def without_redis(settings: Settings) -> AsyncIterator[Doorbell]:
    away = replace(settings, redis_url="redis://127.0.0.1:1/0")
    async with (
        open_pool(settings) as pool,
        open_redis(away) as redis,
        open_notices(settings, pool) as notices,
    ):
        yield Doorbell(redis, notices)


@pytest.fixture
async def arq(redis_url: str) -> AsyncIterator[ArqRedis]:
    """arq's own client of the same Redis."""
    async with ArqRedis(
        ConnectionPool.from_url(redis_url), serialize, deserialize, QUEUE
    ) as client:
        yield client
        await client.connection_pool.disconnect()


@pytest.fixture
async def listening(arq: ArqRedis) -> AsyncIterator[None]:
    """Something receives rings and announcements, and does nothing about them."""
    async with arq.pubsub() as subscription:
        await subscription.subscribe("ingest:rung", FINISHED)
        for _ in range(2):
            assert await subscription.get_message(timeout=10)
        yield


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
    await doorbell.ring("acme", "contacts")
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


@pytest.mark.usefixtures("listening")
async def test_rings_that_no_worker_has_taken_are_one(doorbell: Doorbell, arq: ArqRedis) -> None:
    await asyncio.gather(*(doorbell.ring("acme", "contacts") for _ in range(9)))
    await doorbell.ring("acme", "deals")
    await doorbell.ring("rival", "contacts")
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


@pytest.mark.usefixtures("listening")
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
    batches = [Announced(uuid7(), Counts(1, 0, 2, 0)), Announced(uuid7())]
    async with asyncio.timeout(10):
        while not await arq.publish(FINISHED, b"another writer's message"):  # noqa: ASYNC110 - until it listens
            await asyncio.sleep(0.01)
        assert await announced == []
        await doorbell.announce(batches)
        assert await anext(finished) == batches
        await arq.publish(FINISHED, ids_of(batches))  # as earlier versions do
        assert await anext(finished) == [Announced(each.batch) for each in batches]
        while not await arq.publish("ingest:rung", b"no JSON"):  # noqa: ASYNC110 - until it listens
            await asyncio.sleep(0.01)
        await arq.publish("ingest:rung", b'["acme", 7]')
        await doorbell.ring("acme", "contacts")
        assert await first_ring == ("acme", "contacts")
    await rings.aclose()
    await finished.aclose()


async def listens(operator: Pool, channel: str) -> bool:
    """Whether some process listens to a channel of PostgreSQL."""
    async with operator.connection() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE query = $1"
        return bool(await connection.fetchval(query, f'LISTEN "{channel}"'))


async def test_without_redis_postgresql_carries_rings_and_announcements(
    without_redis: Doorbell, doorbell: Doorbell, operator: Pool
) -> None:
    """To processes that have Redis, too."""
    batches = [Announced(uuid7()) for _ in range(450)]  # of three messages
    for carried, send, expected in (
        (
            doorbell.rings_by_notice,
            lambda: asyncio.gather(
                *(without_redis.ring("acmé", "contacts") for _ in range(3)),
                without_redis.ring("rival", "deals"),
            ),
            [("acmé", "contacts"), ("rival", "deals")],
        ),
        (
            doorbell.finished_by_notice,
            lambda: without_redis.announce(batches),
            [batches[:200], batches[200:400], batches[400:]],
        ),
    ):
        received = carried()
        first = asyncio.ensure_future(anext(received))
        channel = "ingest_rung" if carried == doorbell.rings_by_notice else "ingest_finished"
        await until(partial(listens, operator, channel))
        async with operator.connection() as connection:
            await connection.execute("SELECT pg_notify($1, 'not ours')", channel)
        await send()
        async with asyncio.timeout(10):
            got = [await first]
            while len([each for each in got if each]) < len(expected):
                got.append(await anext(received))
        assert sorted(each for each in got if each) == sorted(expected)
        await received.aclose()


@pytest.fixture
def noticed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The channels of PostgreSQL that something was sent to."""
    sent: list[str] = []
    send = Notices.send

    async def recorded(self: Notices, channel: str, payloads: Sequence[str]) -> bool:
        sent.append(channel)
        return await send(self, channel, payloads)

    monkeypatch.setattr(Notices, "send", recorded)
    return sent


@pytest.mark.usefixtures("listening")
async def test_where_redis_rings_postgresql_does_not(
    doorbell: Doorbell, noticed: list[str]
) -> None:
    await asyncio.gather(*(doorbell.ring("acme", "contacts") for _ in range(3)))
    await doorbell.ring("acme", "contacts")
    await doorbell.announce([Announced(uuid7())])
    assert noticed == []


async def test_it_does_where_no_process_receives_what_redis_carries(
    doorbell: Doorbell, noticed: list[str]
) -> None:
    for _ in range(2):
        await doorbell.ring("acme", "contacts")
    await doorbell.announce([Announced(uuid7())])
    assert noticed == ["ingest_rung", "ingest_rung", "ingest_finished"]


@pytest.mark.usefixtures("listening")
async def test_a_flag_that_was_set_in_an_outage_is_not_relied_on(
    doorbell: Doorbell, arq: ArqRedis, noticed: list[str]
) -> None:
    """A Redis that was frozen sets it when it goes on, and may not do the rest of the ring."""
    await arq.set("ingest:rung:acme:contacts", b"", px=60_000)
    await doorbell.ring("acme", "contacts")
    assert noticed == []
    doorbell._link._show(RedisAway("does not answer"))
    doorbell._link._show(None)
    await doorbell.ring("acme", "contacts")
    assert noticed == ["ingest_rung"]


async def test_without_redis_every_call_says_so(without_redis: Doorbell) -> None:
    assert not await without_redis.ring_by_redis("acme", "contacts")
    assert not await without_redis.ring_for_batch("acme", uuid7(), 1)
    assert await without_redis.take("acme", "contacts"), "a commit must not depend on Redis"


async def test_without_either_a_ring_is_only_late(settings: Settings) -> None:
    nowhere = replace(settings, database_url="postgresql://u:p@127.0.0.1:1/x")
    away = replace(settings, redis_url="redis://127.0.0.1:1/0")
    async with (
        open_pool(nowhere) as pool,
        open_redis(away) as redis,
        open_notices(nowhere, pool) as notices,
    ):
        doorbell = Doorbell(redis, notices)
        await doorbell.ring("acme", "contacts")
        await doorbell.announce([Announced(uuid7())])
        with pytest.raises(Unavailable):
            await anext(doorbell.rings_by_notice())
