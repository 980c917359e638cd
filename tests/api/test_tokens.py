"""Tokens that end: revoked or expired, they open nothing any more, wherever they are used."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient

from ingest.app import create_app
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.tokens import create_token, revoke_token
from tests.api.conftest import Server
from tests.api.shared import JIM, NOTHING, exchange, head, stored, written
from tests.api.streaming import NDJSON, Gate, contacts, stream
from tests.harness import REGISTRY, Service
from tests.waiting import until


@pytest.fixture
async def processes(settings: Settings) -> AsyncIterator[list[Service]]:
    """Two API processes that cannot reach Redis."""
    away = Settings(
        database_url=settings.database_url, redis_url="redis://127.0.0.1:1/0", redis_timeout=0.2
    )
    async with (
        TestClient(Server(create_app(away, REGISTRY))) as first,
        TestClient(Server(create_app(away, REGISTRY))) as second,
    ):
        yield [Service(client, "") for client in (first, second)]


async def refused(service: Service) -> bool:
    reply = await service.get("contacts")
    assert reply.status in (200, 401), reply
    return reply.status == 401


async def test_a_revocation_reaches_every_process_without_redis(
    processes: list[Service], operator: Pool
) -> None:
    token, secret = await create_token(operator, "acme", "feed")
    clients = [Service(each.client, secret) for each in processes]
    assert not any([await refused(client) for client in clients])
    assert await revoke_token(operator, token)
    for client in clients:
        await until(lambda: refused(client))  # noqa: B023 - awaited at once
        for method in ("GET", "POST", "PATCH", "DELETE"):
            reply = await client.request(method, "/v1/contacts", [JIM] * (method != "GET"))
            assert (reply.status, reply.error) == (401, (40102, "token_invalid"))
            assert reply.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert not await revoke_token(operator, token)


async def test_a_token_expires_while_it_is_in_use(api: Service, operator: Pool) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    _, secret = await create_token(operator, "acme", "feed", soon)
    client = Service(api.client, secret)
    await until(lambda: refused(client))
    assert dt.datetime.now(dt.UTC) >= soon


@pytest.fixture
async def feed(api: Service, operator: Pool) -> tuple[Service, UUID]:
    token, secret = await create_token(operator, "acme", "feed")
    return Service(api.client, secret), token


@pytest.mark.parametrize("media_type", ["application/json", NDJSON])
async def test_what_is_sent_under_a_token_that_ends_meanwhile_is_not_accepted(
    feed: tuple[Service, UUID], operator: Pool, media_type: str
) -> None:
    client, token = feed
    first, last = (b"[", b"]") if media_type == "application/json" else (b"\n", b"\n")
    gate = Gate(first, json.dumps(JIM).encode() + last)
    sending = asyncio.create_task(
        stream(client, gate.pieces(), content_type=media_type, idempotency_key="k")
    )
    await _end(client, operator, token)
    gate.go.set()
    reply = await sending
    assert (reply.status, reply.error) == (401, (40102, "token_invalid"))
    assert await written(operator) == NOTHING


async def test_a_stream_ends_with_its_token(feed: tuple[Service, UUID], operator: Pool) -> None:
    client, token = feed
    gate = Gate(contacts(), contacts(first=5_000))
    sending = asyncio.create_task(stream(client, gate.pieces()))

    async def is_staged() -> bool:
        return await stored(operator, "ingest.payloads") > 0

    await until(is_staged)
    await _end(client, operator, token)
    gate.go.set()
    assert (await sending).error == (40102, "token_invalid")
    assert await written(operator) == NOTHING


async def _end(client: Service, operator: Pool, token: UUID) -> None:
    assert await revoke_token(operator, token)
    await until(lambda: refused(client))


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic abc", "", "Token x", "bearer"])
async def test_no_token(api: Service, header: str) -> None:
    reply = await api.get("contacts", Authorization=header)
    assert (reply.status, reply.error) == (401, (40101, "token_required"))
    assert reply.headers["WWW-Authenticate"] == "Bearer"


async def test_one_token_is_enough(api: Service) -> None:
    """A server that checks the first and believes the second would be deceived."""
    for second in (f"Bearer {api.token}", "Bearer x"):
        reply = await exchange(api, head(api, f"Authorization: {second}", method="GET"))
        assert (reply.status, reply.error) == (401, (40102, "token_invalid"))
