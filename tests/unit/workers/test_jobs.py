"""arq's jobs: run by arq's own worker, which is started again after Redis was lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from redis.asyncio import Redis

from ingest.batches.rings import QUEUE
from ingest.tasks import end
from tests.harness import Service
from workers.commit import Committer
from workers.jobs import run_jobs
from workers.slots import Slots

JIM = {"email": "jim@example.com", "first_name": "Jim"}
ANN = {"email": "ann@example.com", "first_name": "Ann"}


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


@asynccontextmanager
async def jobs_running(committer: Committer) -> AsyncIterator[None]:
    """arq alone: neither a listener nor a sweeper helps."""
    slots = Slots(2)
    running = asyncio.create_task(run_jobs(committer, slots))
    yield
    await end([running])
    await slots.drain(10)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - it happens elsewhere
            await asyncio.sleep(0.01)


async def test_arq_finds_rings_and_batches(
    api: Service, committer: Committer, redis: Redis
) -> None:
    await api.post("contacts", [JIM], prefer="wait=0")
    await committer.doorbell.take("acme", "contacts")  # lost
    batch = (await api.get("batches")).body["data"][0]["id"]
    await committer.doorbell.ring_for_batch("acme", UUID(batch), 1)
    await api.post("contacts", [ANN], prefer="wait=0")

    async def committed() -> bool:
        return await api.count("contacts") == 2 and not await redis.zcard(QUEUE)

    async with jobs_running(committer):
        await until(committed)
    assert not [key async for key in redis.scan_iter("arq:*") if b"health" not in key]


async def test_arq_goes_on_after_its_connections_were_lost(
    api: Service, committer: Committer, redis: Redis
) -> None:
    async def polling() -> bool:
        return bool(await redis.exists(f"{QUEUE}:health-check"))

    async with jobs_running(committer):
        await until(polling)
        await redis.client_kill_filter(_type="normal", skipme=True)
        await api.post("contacts", [JIM], prefer="wait=20")
        assert await api.count("contacts") == 1


async def test_a_job_that_arq_finds_expired_does_not_silence_its_collection(
    api: Service, committer: Committer, redis: Redis
) -> None:
    """It is so where a listener takes a ring while arq starts its job."""
    await api.post("contacts", [JIM], prefer="wait=0")
    await redis.delete("arq:job:acme:contacts", "ingest:rung:acme:contacts")

    async def removed() -> bool:
        return not await redis.zcard(QUEUE)

    async with jobs_running(committer):
        await until(removed)
        assert (await api.post("contacts", [ANN], prefer="wait=20")).status == 201
