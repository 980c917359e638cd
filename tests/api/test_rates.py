"""Rates, in items, by token and account; requests side by side (contract 2, limits)."""

import asyncio
import re

import pytest
from aiohttp.test_utils import TestClient
from structlog.testing import capture_logs

from ingest.app import create_app
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.conftest import Server
from tests.api.shared import NOTHING, configured, contact, send, stored, written
from tests.harness import REGISTRY, Reply, Service
from tests.waiting import until
from workers.commit import Committer

LIMIT = re.compile(r'"(\w+)";r=(\d+);t=(\d+)')
DRY = "contacts?dryRun=true"


def _items(count: int) -> list[dict[str, object]]:
    return [contact(number) for number in range(count)]


def _left(reply: Reply) -> dict[str, int]:
    return {name: int(left) for name, left, _ in LIMIT.findall(reply.headers["RateLimit"])}


def _refused(reply: Reply) -> int:
    """How long to wait, as the answer says."""
    assert (reply.status, reply.error) == (429, (42901, "rate_limited"))
    assert reply.headers["Retry-After"].isdigit()
    return int(reply.headers["Retry-After"])


@configured(rate_limit="10/minute")
async def test_items_are_counted(api: Service, operator: Pool) -> None:
    first = await api.post(DRY, _items(4))
    assert first.status == 200
    assert first.headers["RateLimit-Policy"] == '"token";q=10;w=60'
    assert _left(first) == {"token": 6}
    assert _left(await api.post(DRY, _items(6))) == {"token": 0}
    refused = await api.post("contacts", _items(1))
    assert 1 <= _refused(refused) <= 60
    assert _left(refused) == {"token": 0}
    assert _refused(await api.post("contacts", _items(10))) <= 120
    assert await written(operator) == NOTHING


@configured(rate_limit="10/second")
@pytest.mark.parametrize("size", [1, 10, 50])
async def test_the_wait_is_true(api: Service, size: int) -> None:
    refused = await _until_refused(api, size)
    wait = _refused(refused)
    assert 1 <= wait <= 2
    await asyncio.sleep(wait)  # it is a promise about time: so much of it is enough
    assert (await api.post(DRY, _items(size))).status == 200


async def _until_refused(api: Service, size: int) -> Reply:
    """The first answer that refuses so many items; a slow machine needs more than two requests."""
    for _ in range(100):
        await api.post(DRY, _items(10))
        reply = await api.post(DRY, _items(size))
        if reply.status == 429:
            return reply
    raise AssertionError("nothing was refused")


@configured(rate_limit="5/minute", account_rate_limit="8/minute")
async def test_tokens_have_their_own_rate_and_share_their_accounts(
    api: Service, rival: Service, operator: Pool
) -> None:
    _, token = await create_token(operator, "acme", "second")
    second = Service(api.client, token)
    first = await api.post(DRY, _items(5))
    assert first.headers["RateLimit-Policy"] == '"token";q=5;w=60, "account";q=8;w=60'
    assert _left(first) == {"token": 0, "account": 3}
    _refused(await api.post(DRY, _items(1)))
    _refused(await second.post(DRY, _items(4)))
    # What was refused did not count.
    assert _left(await second.post(DRY, _items(3))) == {"token": 2, "account": 0}
    _refused(await second.post(DRY, _items(1)))
    assert _left(await rival.post(DRY, _items(5))) == {"token": 0, "account": 3}


@configured(rate_limit="100/minute")
async def test_no_more_than_the_limit_passes_at_once(api: Service) -> None:
    replies = await asyncio.gather(*(api.post(DRY, _items(10)) for _ in range(30)))
    assert [reply.status for reply in replies].count(200) == 10
    assert all(_refused(reply) <= 120 for reply in replies if reply.status != 200)


@configured(rate_limit="1/minute")
async def test_reading_and_empty_writes_cost_nothing(api: Service) -> None:
    for _ in range(3):
        reply = await api.get("contacts")
        assert (reply.status, "RateLimit" in reply.headers) == (200, False)
        assert (await send(api, "contacts", b"[")).status == 400
        assert (await api.post(DRY, [])).status == 200
    assert (await api.post(DRY, _items(1))).status == 200


async def test_without_a_limit_no_header_speaks_of_one(api: Service) -> None:
    reply = await api.post(DRY, _items(1))
    assert not [name for name in reply.headers if name.lower().startswith("ratelimit")]


async def test_without_redis_everything_passes(settings: Settings, operator: Pool) -> None:
    _, token = await create_token(operator, "acme", "tests")
    away = Settings(
        database_url=settings.database_url,
        redis_url="redis://127.0.0.1:1/0",
        redis_timeout=0.2,
        rate_limit="1/minute",
    )
    async with TestClient(Server(create_app(away, REGISTRY))) as client:
        service = Service(client, token)
        before = await _unchecked(service)
        with capture_logs() as lines:
            for _ in range(3):
                reply = await service.post(DRY, _items(2))
                assert (reply.status, "RateLimit" in reply.headers) == (200, False)
        assert await _unchecked(service) == before + 3
    assert [line["event"] for line in lines].count("rates are lifted: redis fails") == 1


async def _unchecked(service: Service) -> float:
    async with service.client.get("/metrics") as response:
        text = await response.text()
    [value] = re.findall(r"^ingest_rates_unchecked_total (\S+)$", text, re.MULTILINE)
    return float(value)


@configured(max_concurrent=3)
async def test_requests_side_by_side_are_bounded(
    api: Service, rival: Service, operator: Pool, committer: Committer
) -> None:
    waiting = [
        asyncio.create_task(api.post("contacts", contact(number), prefer="wait=30"))
        for number in range(3)
    ]  # they wait for their commit

    async def all_wait() -> bool:
        return await stored(operator, "ingest.batches") == 3

    await until(all_wait)
    reply = await api.get("contacts")
    assert _refused(reply) == 1
    assert (await rival.get("contacts")).status == 200
    await committer.commit_pending("acme", "contacts")
    assert [reply.status for reply in await asyncio.gather(*waiting)] == [201] * 3
    assert (await api.get("contacts")).status == 200
