"""Idempotency keys of streams: claimed before the request is known, compared at its end."""

import asyncio

import redis

from ingest.settings import Settings
from ingest.store.pool import Pool
from tests.api.shared import BAD, configured, written
from tests.api.streaming import LONG, Gate, contacts, lines, receiving, stream
from tests.harness import Service
from tests.waiting import until


async def test_a_replay_is_known_at_its_end(service: Service) -> None:
    first = await stream(service, contacts(), prefer="wait=30", idempotency_key="k")
    assert first.status == 201
    again = await stream(service, contacts(), idempotency_key="k")
    assert again.error == (40901, "idempotency_replayed")
    assert again.headers["Location"].endswith(first.body["metadata"]["batchId"])
    returned = await stream(service, contacts(), prefer="replay=return", idempotency_key="k")
    assert (returned.status, returned.headers["Idempotency-Replayed"]) == (201, "true")
    assert returned.body["metadata"] == first.body["metadata"]
    assert await service.count("contacts") == LONG


async def test_another_body_is_a_mismatch(service: Service, operator: Pool) -> None:
    reply = await stream(service, contacts(), prefer="wait=30", idempotency_key="k")
    assert reply.status == 201
    before = await written(operator)
    for body in (contacts(first=1), contacts(2)):
        reply = await stream(service, body, idempotency_key="k")
        assert reply.error == (42220, "idempotency_mismatch")
    assert await written(operator) == before


async def test_postgresql_decides_where_redis_forgets(
    service: Service, operator: Pool, settings: Settings
) -> None:
    assert (await stream(service, contacts(), prefer="wait=30", idempotency_key="k")).status == 201
    before = await written(operator)
    for body, code in ((contacts(), 40901), (contacts(first=1), 42220)):
        with redis.Redis.from_url(settings.redis_url) as client:
            client.flushall()
        assert (await stream(service, body, idempotency_key="k")).error[0] == code
    rejected = contacts() + lines([BAD])
    with redis.Redis.from_url(settings.redis_url) as client:
        client.flushall()
    assert (await stream(service, rejected, idempotency_key="k")).error[0] == 42220
    assert await written(operator) == before


@configured(idempotency_lease=0.4)
async def test_a_stream_in_flight_holds_its_key(
    api: Service, operator: Pool, settings: Settings
) -> None:
    gate = Gate(contacts(), b"")
    sending = asyncio.create_task(stream(api, gate.pieces(), prefer="wait=0", idempotency_key="k"))
    await until(lambda: receiving(operator))
    other = await api.post("contacts", [], idempotency_key="k")
    assert other.error == (40902, "idempotency_in_progress")
    assert (await stream(api, contacts(), idempotency_key="k")).error[0] == 40902
    with redis.Redis.from_url(settings.redis_url) as client:
        client.flushall()
        await until(lambda: asyncio.to_thread(client.dbsize))  # it takes its key again
    assert (await stream(api, contacts(), idempotency_key="k")).error[0] == 40902
    gate.go.set()
    assert (await sending).status == 202
    assert (await stream(api, contacts(), idempotency_key="k")).error[0] == 40901


async def test_two_streams_of_one_key_without_redis_are_one(
    api: Service, operator: Pool, settings: Settings
) -> None:
    gates = [Gate(contacts(), b"") for _ in range(2)]
    sending = []
    for count, gate in enumerate(gates, 1):
        with redis.Redis.from_url(settings.redis_url) as client:
            client.flushall()
        sending.append(
            asyncio.create_task(stream(api, gate.pieces(), prefer="wait=0", idempotency_key="k"))
        )
        await until(lambda count=count: _streams(operator, count))
    for gate in gates:
        gate.go.set()
    replies = await asyncio.gather(*sending)
    assert sorted(reply.status for reply in replies) == [202, 409]
    assert (await written(operator))["ingest.batches"] == 1


async def test_a_stream_that_is_not_accepted_frees_its_key(api: Service, operator: Pool) -> None:
    reply = await stream(api, contacts() + b'{"email": "\xff"}\n', idempotency_key="k")
    assert reply.status == 422
    reply = await stream(api, contacts(), content_encoding="gzip", idempotency_key="k")
    assert reply.error == (40001, "malformed_body")
    reply = await stream(api, contacts(), prefer="wait=0", idempotency_key="k")
    assert reply.status == 202


async def _streams(operator: Pool, count: int) -> bool:
    async with operator.connection() as connection:
        found = await connection.fetchval(
            "SELECT count(*) FROM ingest.batches WHERE state = 'receiving'"
        )
    return bool(found == count)
