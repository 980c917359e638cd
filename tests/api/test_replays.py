"""The contract's table of idempotency keys, row by row, with Redis there, flushed and away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import redis
from aiohttp.test_utils import TestClient, TestServer

from ingest.app import create_app
from ingest.settings import Settings
from ingest.store.batches import find_by_key
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.shared import ANN, BAD, JIM
from tests.harness import REGISTRY, Reply, Service
from tests.waiting import until
from workers.commit import Committer
from workers.maintenance import ring_for_unfinished


async def batches_of(operator: Pool) -> int:
    async with operator.connection() as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM ingest.batches WHERE state <> 'rejected'"
        )
    return count


def flush(settings: Settings) -> None:
    with redis.Redis.from_url(settings.redis_url) as client:
        client.flushall()


def is_replay(reply: Reply, original: Reply) -> bool:
    return (
        reply.status == 409
        and reply.error == (40901, "idempotency_replayed")
        and reply.headers["Idempotency-Replayed"] == "true"
        and reply.headers["Location"] == f"/v1/batches/{original.body['metadata']['batchId']}"
    )


@pytest.fixture
async def without_redis(settings: Settings, operator: Pool) -> AsyncIterator[Service]:
    """An API whose Redis does not answer."""
    away = replace(settings, redis_url="redis://127.0.0.1:1/0", wait=0)
    _, token = await create_token(operator, "acme", "tests")
    async with TestClient(TestServer(create_app(away, REGISTRY))) as client:
        yield Service(client, token)


@pytest.mark.parametrize("flushed", [False, True], ids=["redis knows", "redis was flushed"])
async def test_a_committed_batch_is_not_applied_again(
    service: Service, settings: Settings, operator: Pool, flushed: bool
) -> None:
    original = await service.post("contacts", [JIM], idempotency_key="k")
    if flushed:
        flush(settings)
    assert is_replay(await service.post("contacts", [JIM], idempotency_key="k"), original)
    assert await batches_of(operator) == 1
    assert await service.count("contacts") == 1


@pytest.mark.parametrize("flushed", [False, True], ids=["redis knows", "redis was flushed"])
async def test_an_unfinished_batch_is_not_applied_again(
    api: Service, settings: Settings, operator: Pool, flushed: bool
) -> None:
    original = await api.post("contacts", [JIM], idempotency_key="k", prefer="respond-async")
    assert original.status == 202
    if flushed:
        flush(settings)
    assert is_replay(await api.post("contacts", [JIM], idempotency_key="k"), original)
    assert await batches_of(operator) == 1


async def test_replay_return_gives_the_outcome_of_the_original(service: Service) -> None:
    original = await service.post("contacts", [JIM, ANN], idempotency_key="k")
    replay = await service.post("contacts", [JIM, ANN], idempotency_key="k", prefer="replay=return")
    assert replay.status == original.status == 201
    assert replay.headers["Idempotency-Replayed"] == "true"
    for part in ("metadata", "data", "result", "message"):
        assert replay.body[part] == original.body[part]


async def test_replay_return_is_202_while_there_is_no_outcome(api: Service) -> None:
    original = await api.post("contacts", [JIM], idempotency_key="k", prefer="wait=0")
    replay = await api.post("contacts", [JIM], idempotency_key="k", prefer="replay=return, wait=0")
    assert replay.status == 202
    assert replay.headers["Location"] == original.headers["Location"]


async def test_replay_return_waits_for_the_commit(api: Service, committer: Committer) -> None:
    original = await api.post("contacts", [JIM], idempotency_key="k", prefer="wait=0")
    waiting = asyncio.create_task(
        api.post("contacts", [JIM], idempotency_key="k", prefer="replay=return")
    )
    await committer.commit("acme", UUID(original.body["metadata"]["batchId"]), tries=1)
    assert (await waiting).status == 201


async def test_the_service_can_return_replays_by_itself(
    settings: Settings, operator: Pool, worker: object
) -> None:
    _, token = await create_token(operator, "acme", "tests")
    app = create_app(replace(settings, replay="return"), REGISTRY)
    async with TestClient(TestServer(app)) as client:
        service = Service(client, token)
        original = await service.post("contacts", [JIM], idempotency_key="k")
        replay = await service.post("contacts", [JIM], idempotency_key="k")
    assert (replay.status, replay.body["data"]) == (201, original.body["data"])


async def test_many_requests_at_once_with_one_key_make_one_batch(
    service: Service, operator: Pool
) -> None:
    replies = await asyncio.gather(
        *(service.post("contacts", [JIM], idempotency_key="k") for _ in range(20))
    )
    assert sorted({reply.status for reply in replies}) == [201, 409]
    assert sum(reply.status == 201 for reply in replies) == 1
    for reply in replies:
        if reply.status == 409:
            assert reply.body["error"]["code"] in (40901, 40902)
            assert reply.body["error"]["code"] == 40901 or reply.headers["Retry-After"] in "123"
    assert await batches_of(operator) == 1


@pytest.mark.parametrize("flushed", [False, True], ids=["redis knows", "redis was flushed"])
async def test_a_key_of_another_request_is_a_mismatch(
    service: Service, settings: Settings, operator: Pool, flushed: bool
) -> None:
    await service.post("contacts", [JIM], idempotency_key="k")
    if flushed:
        flush(settings)
    others = [
        await service.post("contacts", [ANN], idempotency_key="k"),
        await service.post("contacts", [BAD], idempotency_key="k"),
        await service.patch("contacts", [JIM], idempotency_key="k"),
        await service.post("deals", [JIM], idempotency_key="k"),
        await service.post("contacts", [JIM], idempotency_key="k", params={"select": "meta"}),
        await service.post("contacts", JIM, idempotency_key="k"),
    ]
    assert [reply.status for reply in others] == [422] * len(others)
    assert {reply.error for reply in others} == {(42220, "idempotency_mismatch")}
    assert await batches_of(operator) == 1


async def test_a_rejected_batch_leaves_its_key_free(service: Service) -> None:
    assert (await service.post("contacts", [BAD], idempotency_key="k")).status == 422
    assert (await service.post("contacts", [JIM], idempotency_key="k")).status == 201


async def test_a_batch_that_failed_for_its_items_leaves_its_key_free(service: Service) -> None:
    await service.post("contacts", [JIM])
    failed = await service.post("contacts", [JIM], idempotency_key="k")
    assert failed.codes == {0: [(40903, "email")]}
    assert (await service.post("contacts", [ANN], idempotency_key="k")).status == 201


async def test_a_malformed_body_leaves_its_key_free(service: Service) -> None:
    broken = await service.request(
        "POST", "/v1/contacts", data=b"[", idempotency_key="k", content_type="application/json"
    )
    assert broken.status == 400
    assert (await service.post("contacts", [JIM], idempotency_key="k")).status == 201


async def test_keys_of_two_accounts_have_nothing_to_do_with_each_other(
    service: Service, operator: Pool
) -> None:
    _, other = await create_token(operator, "umbrella", "tests")
    assert (await service.post("contacts", [JIM], idempotency_key="k")).status == 201
    assert (await service.post("contacts", [JIM], idempotency_key="k", token=other)).status == 201


async def test_a_key_is_free_again_after_its_time(
    settings: Settings, operator: Pool, worker: object
) -> None:
    _, token = await create_token(operator, "acme", "tests")
    async with TestClient(TestServer(create_app(settings, REGISTRY))) as client:
        service = Service(client, token)
        await service.post("contacts", [JIM], idempotency_key="k")
        flush(settings)
        async with operator.connection() as connection:
            await connection.execute(
                "UPDATE ingest.batches SET finished_at = finished_at - interval '25 hours'"
            )
        assert (await service.post("contacts", [ANN], idempotency_key="k")).status == 201


async def test_a_key_that_is_renewed_meanwhile_is_not_forgotten(
    service: Service, operator: Pool, committer: Committer
) -> None:
    """Its batch was put back, and finishes while a request finds it too old."""
    original = await service.post("contacts", [JIM], idempotency_key="k")
    batch = UUID(original.body["metadata"]["batchId"])
    finish = "UPDATE ingest.batches SET finished_at = now() - $1::interval"
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    keep = timedelta(hours=24)
    async with operator.connection() as connection:
        await connection.execute(finish, timedelta(hours=25))
        async with connection.transaction():
            await connection.execute(finish, timedelta(0))
            asking = asyncio.create_task(find_by_key(committer.pool, "acme", "k", keep))
            await until(lambda: connection.fetchval(waits))
        found = await asking
        assert found is not None
        assert found[0] == batch
        assert await find_by_key(committer.pool, "acme", "k", keep) == found
        await connection.execute(finish, timedelta(hours=25))
    assert await find_by_key(committer.pool, "acme", "k", keep) is None
    assert (await service.post("contacts", [ANN], idempotency_key="k")).status == 201


async def test_a_resource_may_require_a_key(service: Service) -> None:
    missing = await service.post("guarded", [{"name": "x"}])
    assert (missing.status, missing.error) == (400, (40003, "idempotency_key_required"))
    assert (await service.post("guarded", [{"name": "x"}], idempotency_key="k")).status == 201


@pytest.mark.parametrize("key", ["", '""', "a b", "x" * 256, "\u00e9", "a\tb"])
async def test_keys_that_cannot_be_used(api: Service, key: str) -> None:
    reply = await api.post("contacts", [JIM], idempotency_key=key)
    assert (reply.status, reply.error) == (400, (40004, "invalid_idempotency_key"))


async def test_quoted_and_bare_are_the_same_key(service: Service) -> None:
    original = await service.post("contacts", [JIM], idempotency_key='"k"')
    assert is_replay(await service.post("contacts", [JIM], idempotency_key="k"), original)


async def test_without_redis_postgresql_keeps_the_keys(
    without_redis: Service, committer: Committer, operator: Pool
) -> None:
    original = await without_redis.post("contacts", [JIM], idempotency_key="k")
    assert original.status == 202
    assert is_replay(await without_redis.post("contacts", [JIM], idempotency_key="k"), original)
    mismatch = await without_redis.post("contacts", [ANN], idempotency_key="k")
    assert mismatch.error == (42220, "idempotency_mismatch")
    replies = await asyncio.gather(
        *(without_redis.post("contacts", [ANN], idempotency_key="l") for _ in range(8))
    )
    assert sorted(reply.status for reply in replies) == [202] + [409] * 7
    assert await batches_of(operator) == 2
    await committer.commit("acme", UUID(original.body["metadata"]["batchId"]), tries=1)
    assert await without_redis.count("contacts") == 1


async def test_without_redis_a_worker_commits_what_it_cannot_be_rung_for(
    without_redis: Service, settings: Settings, operator: Pool
) -> None:
    from workers.settings import open_committer

    await without_redis.post("contacts", [JIM])
    away = replace(settings, redis_url="redis://127.0.0.1:1/0", sweep_after=0.001)
    async with open_committer(away, REGISTRY) as committer:

        async def is_committed() -> bool:
            await ring_for_unfinished(committer, attempt=1)
            return await without_redis.count("contacts") > 0

        await until(is_committed)
    assert await batches_of(operator) == 1
