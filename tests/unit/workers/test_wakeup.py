"""Rings are answered at once, by one worker, and none is lost where no worker listens."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import pytest
import redis
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

import workers.wakeup
from ingest.app import create_app
from ingest.batches import waiting
from ingest.batches.rings import QUEUE
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from ingest.tasks import end
from tests.harness import REGISTRY, Service
from tests.waiting import until
from workers.commit import Committer
from workers.settings import open_committer, running_worker
from workers.slots import Slots
from workers.wakeup import listen, listen_for_notices

_LISTENING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"
JIM = {"email": "jim@example.com", "first_name": "Jim"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Neither arq's poll nor the sweeper helps."""
    return replace(settings, poll_delay=3600.0, sweep_after=3600.0)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The collections in which some worker has looked for pending batches."""
    seen: list[str] = []
    original = Committer.commit_pending

    async def recorded(self: Committer, account: str, collection: str) -> None:
        seen.append(collection)
        await original(self, account, collection)

    monkeypatch.setattr(Committer, "commit_pending", recorded)
    return seen


@asynccontextmanager
async def listening(*committers: Committer, slots: int = 1) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(listen(each, Slots(slots))) for each in committers]
    async with Redis.from_url(committers[0].settings.redis_url) as client, asyncio.timeout(10):
        while dict(await client.pubsub_numsub("ingest:rung"))[b"ingest:rung"] < len(committers):  # noqa: ASYNC110 - Redis knows
            await asyncio.sleep(0.01)
        yield
    await end(tasks)


async def test_one_of_two_workers_commits_and_arq_does_not_run_the_job_again(
    api: Service, settings: Settings, committer: Committer, looks: list[str]
) -> None:
    async with (
        open_committer(settings, REGISTRY) as other,
        listening(committer, other),
        Redis.from_url(settings.redis_url) as queue,
    ):
        reply = await api.post("contacts", [JIM], prefer="wait=10")
        assert reply.status == 201
        assert await queue.zcard(QUEUE) == 0
    assert looks == ["contacts"]


async def test_a_ring_that_came_while_no_slot_was_free_is_answered_later(
    api: Service, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, started = asyncio.Event(), asyncio.Event()
    original = Committer.commit_rung

    async def slow(self: Committer, account: str, collection: str) -> None:
        started.set()
        await go_on.wait()
        await original(self, account, collection)

    monkeypatch.setattr(Committer, "commit_rung", slow)
    async with listening(committer):
        first = asyncio.create_task(api.post("contacts", [JIM], prefer="wait=20"))
        await started.wait()
        second = asyncio.create_task(api.post("seats", [{"code": "1"}], prefer="wait=20"))
        go_on.set()
        assert [(await first).status, (await second).status] == [201, 201]


async def test_a_commit_that_breaks_is_logged_and_the_next_ring_is_answered(
    api: Service, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = asyncio.Event()
    original = Committer.commit_rung

    async def broken_once(self: Committer, *arguments: Any) -> None:
        if not called.is_set():
            await self.doorbell.take(*arguments)
            called.set()
            raise RuntimeError("a bug")
        await original(self, *arguments)

    monkeypatch.setattr(Committer, "commit_rung", broken_once)
    async with listening(committer):
        assert (await api.post("contacts", [JIM], prefer="wait=0")).status == 202
        async with asyncio.timeout(10):
            await called.wait()
        assert (await api.post("seats", [{"code": "1"}], prefer="wait=10")).status == 201


async def test_a_ring_that_no_worker_received_waits_in_arqs_queue(
    api: Service, settings: Settings, committer: Committer
) -> None:
    assert (await api.post("contacts", [JIM], prefer="wait=0")).status == 202
    async with running_worker(committer), asyncio.timeout(10):  # it polls once when it starts
        while await api.count("contacts") == 0:  # noqa: ASYNC110 - the worker's doing
            await asyncio.sleep(0.01)


@contextmanager
def out_of_memory(server: redis.Redis) -> Iterator[None]:
    server.config_set("maxmemory", 1)
    try:
        yield
    finally:
        server.config_set("maxmemory", 0)


@contextmanager
def a_replica(server: redis.Redis) -> Iterator[None]:
    server.replicaof("127.0.0.1", 1)
    try:
        yield
    finally:
        server.replicaof("NO", "ONE")


@pytest.mark.parametrize("state", [out_of_memory, a_replica])
async def test_where_redis_takes_no_writes_batches_are_committed_at_once(
    api: Service,
    settings: Settings,
    committer: Committer,
    monkeypatch: pytest.MonkeyPatch,
    operator: Pool,
    state: Callable[[redis.Redis], AbstractContextManager[None]],
) -> None:
    monkeypatch.setattr(workers.wakeup, "_FIRST", 0.0)
    listens = asyncio.create_task(listen_for_notices(committer, Slots(1)))

    async def listening() -> bool:
        async with operator.connection() as connection:
            return bool(await connection.fetchval(_LISTENING))

    await until(listening)
    with redis.Redis.from_url(settings.redis_url) as server, state(server):
        for key in ("a", "b"):
            contact = {**JIM, "email": f"{key}@example.com"}
            reply = await api.post("contacts", [contact], idempotency_key=key, prefer="wait=20")
            assert reply.status == 201
    await end([listens])


async def test_without_redis_workers_take_rings_of_postgresql_and_answer_so(
    operator: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a sweeper nor a look-up for what was missed helps."""
    monkeypatch.setattr(workers.wakeup, "_FIRST", 0.0)
    monkeypatch.setattr(waiting, "_FIRST", 0.0)
    monkeypatch.setattr(waiting, "_POLL", 3600.0)
    away = replace(settings, redis_url="redis://127.0.0.1:1/0")
    _, token = await create_token(operator, "acme", "tests")

    async def both_listen() -> bool:
        async with operator.connection() as connection:
            return bool(await connection.fetchval(_LISTENING) == 2)

    app = create_app(away, REGISTRY)
    async with (
        TestClient(TestServer(app)) as client,
        open_committer(away, REGISTRY) as committer,
        running_worker(committer),
    ):
        await until(both_listen)
        reply = await Service(client, token).post("contacts", [JIM], prefer="wait=20")
    assert reply.status == 201
