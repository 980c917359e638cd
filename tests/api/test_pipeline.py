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

WITHDRAWN = NOTHING | {"ingest.batches": 1}  # an id that nothing can be written under any more


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


async def test_a_commit_that_never_came_is_503_and_may_be_sent_again(
    cuttable: Service, relay: Relay, operator: Pool
) -> None:
    relay.cut = Cut.STATEMENT
    reply = await cuttable.post("contacts", [JIM], idempotency_key="k")
    assert (reply.status, reply.error) == (503, (50301, "unavailable"))
    assert int(reply.headers["Retry-After"]) > 0
    assert "Location" not in reply.headers
    assert await written(operator) == WITHDRAWN
    assert (await cuttable.post("contacts", [JIM], idempotency_key="k")).status == 201
    assert await stored(operator, "collections.contacts") == 1


@pytest.mark.parametrize("items", [[{"title": "x", "value": "1"}], [{"title": 5}]])
async def test_a_statement_that_comes_too_late_writes_nothing(
    cuttable: Service, relay: Relay, operator: Pool, items: list[object]
) -> None:
    """Its client was told that nothing was saved, and has no key to send it again with."""
    relay.cut = Cut.CLIENT
    reply = await cuttable.post("deals", items)
    assert (reply.status, reply.error) == (503, (50301, "unavailable"))
    assert b"SELECT 0" in await relay.release()
    assert await written(operator) == WITHDRAWN
    batches = (await cuttable.get("batches")).body
    assert (batches["data"], batches["metadata"]["recordsCount"]) == ([], 0)
    async with operator.connection() as connection:
        withdrawn = await connection.fetchval("SELECT id FROM ingest.batches")
    for path in (f"batches/{withdrawn}", f"batches/{withdrawn}/failures"):
        assert (await cuttable.get(path)).error == (40404, "unknown_batch")
    again = await cuttable.post("deals", items)
    assert again.status in (201, 422)
    assert (await cuttable.get("batches")).body["metadata"]["recordsCount"] == 1
    assert await stored(operator, "collections.deals") == (again.status == 201)


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
    assert await written(operator) == WITHDRAWN


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
