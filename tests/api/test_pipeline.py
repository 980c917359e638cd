"""A write on its way into the database, and what becomes of it when the database goes away."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from ingest.app import create_app
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.relay import Cut, Relay, relayed
from tests.api.shared import ANN, JIM, NOTHING, stored, written
from tests.harness import REGISTRY, Service
from tests.waiting import finished, until


@pytest.fixture
async def relay(database_url: str) -> AsyncIterator[Relay]:
    async with relayed(database_url) as relay:
        yield relay


@pytest.fixture
async def cuttable(
    relay: Relay, settings: Settings, operator: Pool, worker: object
) -> AsyncIterator[Service]:
    """The service, whose API reaches the database through the relay; its worker does not."""
    _, token = await create_token(operator, "acme", "tests")
    app = create_app(dataclasses.replace(settings, database_url=relay.url), REGISTRY)
    async with TestClient(TestServer(app)) as client:
        yield Service(client, token)


@pytest.mark.parametrize("key", [None, "k"])
async def test_a_commit_whose_answer_is_lost_is_looked_up(
    cuttable: Service, relay: Relay, operator: Pool, key: str | None
) -> None:
    relay.cut = Cut.ANSWER
    headers = {} if key is None else {"idempotency_key": key}
    reply = await cuttable.post("contacts", [JIM], **headers)
    assert relay.cut is Cut.NOTHING
    assert reply.status == 201, reply.body
    assert await stored(operator, "ingest.batches") == 1
    assert await stored(operator, "collections.contacts") == 1


async def test_where_a_statement_was_lost_the_outcome_is_unknown(
    cuttable: Service, relay: Relay, operator: Pool
) -> None:
    relay.cut = Cut.STATEMENT
    reply = await cuttable.post("contacts", [JIM], idempotency_key="k")
    assert (reply.status, reply.error) == (503, (50301, "unavailable"))
    assert int(reply.headers["Retry-After"]) > 0
    location = reply.headers["Location"]
    assert (await cuttable.request("GET", location)).error == (40404, "unknown_batch")
    assert await written(operator) == NOTHING
    assert (await cuttable.post("contacts", [JIM], idempotency_key="k")).status == 201
    assert await stored(operator, "collections.contacts") == 1


@pytest.mark.parametrize(
    ("items", "state"),
    [([{"title": "x", "value": "1"}], "committed"), ([{"title": 5}], "rejected")],
)
async def test_a_statement_that_comes_late_is_found_at_its_location(
    cuttable: Service, relay: Relay, operator: Pool, items: list[object], state: str
) -> None:
    """It is still on its way to the server while the answer says that the outcome is unknown."""
    relay.cut = Cut.CLIENT
    reply = await cuttable.post("deals", items)
    assert (reply.status, reply.error) == (503, (50301, "unavailable"))
    assert await written(operator) == NOTHING
    assert b"SELECT 1" in await relay.release()
    assert (await finished(cuttable, reply.headers["Location"]))["state"] == state
    assert await stored(operator, "collections.deals") == (state == "committed")


async def test_a_retry_that_overtakes_its_first_statement_wins(
    cuttable: Service, relay: Relay, operator: Pool
) -> None:
    """Both have one key, of which PostgreSQL takes one batch."""
    relay.cut = Cut.CLIENT
    first = await cuttable.post("contacts", [JIM], idempotency_key="k")
    assert first.status == 503
    assert (await cuttable.post("contacts", [JIM], idempotency_key="k")).status == 201
    assert b"SELECT 0" in await relay.release()
    location = first.headers["Location"]
    assert (await cuttable.request("GET", location)).error == (40404, "unknown_batch")
    assert await stored(operator, "ingest.batches") == 1
    assert await stored(operator, "collections.contacts") == 1


@pytest.mark.parametrize("cut", [Cut.ANSWER, Cut.STATEMENT])
async def test_when_the_outcome_is_unknown_the_answer_tells_where_to_ask(
    cuttable: Service, relay: Relay, operator: Pool, cut: Cut
) -> None:
    relay.cut, relay.then_away = cut, True
    reply = await cuttable.post("contacts", [JIM], idempotency_key="k")
    assert (reply.status, reply.error) == (503, (50301, "unavailable"))
    assert int(reply.headers["Retry-After"]) > 0
    location = reply.headers["Location"]
    relay.then_away = False
    await relay.open()
    if cut is Cut.ANSWER:
        assert (await finished(cuttable, location))["state"] == "committed"
        again = await cuttable.post("contacts", [JIM], idempotency_key="k")
        assert again.headers["Location"] == location
        assert again.error == (40901, "idempotency_replayed")
    else:
        assert (await cuttable.request("GET", location)).error == (40404, "unknown_batch")
        assert (await cuttable.post("contacts", [JIM], idempotency_key="k")).status == 201
    assert await stored(operator, "collections.contacts") == 1


async def test_a_rejected_batch_needs_the_database_too(
    cuttable: Service, relay: Relay, operator: Pool
) -> None:
    relay.cut = Cut.STATEMENT
    reply = await cuttable.post("contacts", [{"email": "x"}])
    assert (reply.status, reply.error) == (503, (50301, "unavailable"))
    assert await written(operator) == NOTHING


async def test_a_database_that_goes_away_during_the_wait_leaves_202(
    relay: Relay, settings: Settings, operator: Pool
) -> None:
    _, token = await create_token(operator, "acme", "tests")
    away = dataclasses.replace(settings, database_url=relay.url, wait=1)
    async with TestClient(TestServer(create_app(away, REGISTRY))) as client:
        api = Service(client, token)
        waiting = asyncio.create_task(api.post("contacts", [JIM]))
        await until(lambda: stored(operator, "ingest.payloads"))
        relay.close()
        reply = await waiting
        assert (reply.status, reply.body["result"]) == (202, "accepted")
        assert (await api.post("contacts", [ANN])).status == 503
    assert await stored(operator, "ingest.batches") == 1


async def test_large_batches_are_one_transaction(service: Service, operator: Pool) -> None:
    items = [{"email": f"c{n}@example.com", "first_name": "C"} for n in range(3000)]
    bad = await service.post("contacts", [*items, items[1500]])
    assert bad.codes == {3000: [(40904, "email")]}
    assert "1500" in bad.body["failures"][0]["errors"][0]["description"]
    assert await stored(operator, "collections.contacts") == 0
    good = await service.post("contacts", items)
    assert good.body["metadata"]["created"] == 3000
    assert [item["email"] for item in good.body["data"]] == [item["email"] for item in items]
    assert await stored(operator, "collections.contacts") == 3000


@pytest.mark.parametrize("turns", [0, 1, 5, 20])
async def test_an_api_can_be_stopped_at_any_moment(settings: Settings, turns: int) -> None:
    for _ in range(3):
        server = TestServer(create_app(settings, REGISTRY))
        await server.start_server()
        for _ in range(turns):
            await asyncio.sleep(0)
        stopping = asyncio.create_task(server.close())
        done, _pending = await asyncio.wait({stopping}, timeout=60)
        assert done
