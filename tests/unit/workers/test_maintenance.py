"""Accepted batches are finished without their rings, and broken ones become dead letters."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
import redis
from arq import Retry

from ingest.settings import Settings
from ingest.store.pool import Pool
from tests.harness import Service
from workers.commit import Committer
from workers.maintenance import ring_for_unfinished

JIM = {"email": "jim@example.com", "first_name": "Jim"}
ANN = {"email": "ann@example.com", "first_name": "Ann"}


async def until_finished(service: Service, location: str) -> str:
    """The state of a batch once it is finished."""
    async with asyncio.timeout(60):
        while True:
            reply = await service.get(location.removeprefix("/v1/"))
            if reply.body["data"]["finishedAt"]:
                return str(reply.body["data"]["state"])


async def test_respond_async_commits_behind_the_answer(service: Service) -> None:
    reply = await service.post("contacts", [JIM], prefer="respond-async")
    assert (reply.status, reply.body["result"]) == (202, "accepted")
    assert reply.headers["Preference-Applied"] == "respond-async"
    assert await until_finished(service, reply.headers["Location"]) == "committed"
    assert await service.count("contacts") == 1


async def test_a_lost_ring_is_rung_again(api: Service, settings: Settings, worker: object) -> None:
    with redis.Redis.from_url(settings.redis_url) as client:
        reply = await api.post("contacts", [JIM], prefer="wait=0")
        client.flushall()
    assert await until_finished(api, reply.headers["Location"]) == "committed"


async def test_the_sweeper_leaves_young_and_finished_batches_alone(
    api: Service, committer: Committer
) -> None:
    reply = await api.post("contacts", [JIM], prefer="wait=0")
    assert await ring_for_unfinished(committer, attempt=1) == 0
    eager = replace(committer, settings=replace(committer.settings, sweep_after=0.001))
    async with asyncio.timeout(60):
        while await ring_for_unfinished(eager, attempt=2) == 0:
            pass  # it is not old enough yet
    await committer.commit("acme", UUID(reply.body["metadata"]["batchId"]), tries=1)
    assert await ring_for_unfinished(eager, attempt=3) == 0


async def test_committing_twice_changes_nothing(api: Service, committer: Committer) -> None:
    reply = await api.post("contacts", [JIM], prefer="wait=0")
    batch = UUID(reply.body["metadata"]["batchId"])
    await asyncio.gather(*(committer.commit("acme", batch, tries=1) for _ in range(5)))
    first = (await api.get("contacts", params={"select": "meta"})).body["data"]
    await committer.commit("acme", batch, tries=1)
    assert (await api.get("contacts", params={"select": "meta"})).body["data"] == first
    assert first[0]["meta"]["version"] == 1
    assert first[0]["meta"]["batch"] == str(batch)


async def test_a_batch_that_the_service_cannot_commit_fails_with_its_reason(
    api: Service, committer: Committer, operator: Pool
) -> None:
    broken = await api.post("contacts", [JIM], prefer="wait=0", idempotency_key="k")
    async with operator.connection() as connection:
        await connection.execute("UPDATE ingest.payloads SET records = 'no JSON'")
    behind = await api.post("contacts", [ANN], prefer="wait=0")
    broken_id = UUID(broken.body["metadata"]["batchId"])
    for attempt in range(1, committer.settings.max_attempts):
        with pytest.raises(Retry):
            await committer.commit("acme", broken_id, tries=attempt)
    await committer.commit("acme", UUID(behind.body["metadata"]["batchId"]), tries=1)
    assert await api.count("contacts") == 1

    await committer.commit("acme", broken_id, tries=committer.settings.max_attempts)
    shown = (await api.get(f"batches/{broken_id}")).body["data"]
    assert shown["state"] == "failed"
    assert shown["response"]["status"] == 500
    assert shown["response"]["body"]["error"]["code"] == 50001
    # Its key stays taken: the same request would fail in the same way.
    replay = await api.post("contacts", [JIM], idempotency_key="k")
    assert replay.error == (40901, "idempotency_replayed")
