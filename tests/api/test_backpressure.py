"""A backlog that grows too long: refused, named, nothing lost, and over by itself."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient

from ingest.app import create_app
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.conftest import Server
from tests.api.shared import contact, exchange, head, stored
from tests.harness import REGISTRY, Reply, Service
from tests.store.migrating import connected
from tests.waiting import until
from workers.commit import Committer
from workers.settings import running_worker

BOUND = 50


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, max_backlog_items=BOUND, account_share=1, sweep_after=0.1)


@pytest.fixture
async def api(settings: Settings, operator: Pool) -> AsyncIterator[Service]:
    """An API of this process, behind the server of `ingest serve`, without any worker."""
    _, token = await create_token(operator, "acme", "tests")
    async with TestClient(Server(create_app(settings, REGISTRY))) as client:
        yield Service(client, token)


async def send(service: Service, first: int, count: int, **options: str) -> Reply:
    items = [contact(number) for number in range(first, first + count)]
    return await service.post("contacts", items, prefer="respond-async", **options)


async def filled(service: Service, operator: Pool, *, items: int = BOUND, size: int = 0) -> int:
    """Send until there is as much as this, and more is refused; how many items were accepted.

    What is accepted during a reading counts twice until the next, so a refusal may be early.
    """
    accepted = 0
    async with asyncio.timeout(60):
        while True:
            reply = await send(service, accepted, 10)
            if reply.status == 202:
                accepted += 10
                continue
            check_refusal(reply)
            waiting = await backlog(operator)
            if waiting["items"] >= items and waiting["bytes"] >= size:
                return accepted


async def backlog(operator: Pool) -> dict[str, int]:
    """What is accepted and unfinished, in items and in bytes of payload."""
    async with operator.connection() as connection:
        row = await connection.fetchrow(
            "SELECT (SELECT coalesce(sum(received), 0) FROM ingest.batches "
            "WHERE state = 'accepted') AS items, "
            "(SELECT coalesce(sum(octet_length(records) + coalesce(octet_length(raw), 0)), 0) "
            "FROM ingest.payloads) AS bytes"
        )
    assert row is not None
    return dict(row)


def check_refusal(reply: Reply) -> None:
    assert (reply.status, reply.error) == (503, (50301, "unavailable"))
    assert reply.body["error"]["type"] == "system"
    assert 1 <= int(reply.headers["Retry-After"]) <= 60


async def test_the_bound_is_refused_and_passes_by_itself(
    api: Service, operator: Pool, committer: Committer
) -> None:
    assert await filled(api, operator) == BOUND  # what this process accepts it knows at once
    assert await stored(operator, "ingest.batches") == BOUND / 10

    async def accepted_again() -> bool:
        return (await send(api, 1000, 1)).status == 202

    async with running_worker(committer):
        await until(accepted_again)
        await until(lambda: _count_is(api, BOUND + 1))


async def _count_is(service: Service, count: int) -> bool:
    return await service.count("contacts") == count


async def test_whatever_writes_nothing_is_let_in(api: Service, operator: Pool) -> None:
    assert (await send(api, 9000, 1, idempotency_key="known")).status == 202
    await filled(api, operator)
    assert (await api.get("contacts")).status == 200
    assert (await api.get("batches")).status == 200
    dry = await api.post("contacts", [contact(1)], params={"dryRun": "true"})
    assert dry.status == 200
    replay = await send(api, 9000, 1, idempotency_key="known")
    assert (replay.status, replay.error) == (409, (40901, "idempotency_replayed"))
    check_refusal(await send(api, 9000, 1, idempotency_key="new"))


async def test_what_is_wrong_with_a_request_is_said_all_the_same(
    api: Service, operator: Pool
) -> None:
    await filled(api, operator)
    assert (await api.post("nothing", [])).status == 404
    assert (await api.post("contacts", [], token="wrong")).status == 401
    assert (await api.post("contacts", [], params={"limit": "1"})).status == 400


async def test_the_body_is_not_waited_for(api: Service, operator: Pool) -> None:
    await filled(api, operator)
    promised = head(api, "Content-Type: application/json", "Content-Length: 10000000")
    check_refusal(await exchange(api, promised))


async def test_payloads_are_bounded_too(settings: Settings, operator: Pool) -> None:
    narrow = dataclasses.replace(settings, max_backlog_items=10_000, max_backlog_bytes=4000)
    _, token = await create_token(operator, "acme", "tests")
    async with TestClient(Server(create_app(narrow, REGISTRY))) as client:
        await filled(Service(client, token), operator, items=0, size=4000)
    async with operator.connection() as connection:
        largest = await connection.fetchval("SELECT max(payload_bytes) FROM ingest.batches")
        said = await connection.fetchval("SELECT sum(payload_bytes) FROM ingest.batches")
    assert said == (await backlog(operator))["bytes"]
    assert said < 4000 + largest


async def test_what_other_processes_accepted_counts(
    api: Service, settings: Settings, operator: Pool
) -> None:
    assert (await send(api, 5000, 1)).status == 202  # it has looked, and found room
    _, token = await create_token(operator, "rival", "tests")
    async with TestClient(Server(create_app(settings, REGISTRY))) as client:
        await filled(Service(client, token), operator)

    async def refused() -> bool:
        return (await send(api, 6000, 0)).status == 503

    await until(refused)


async def test_the_bound_is_passed_by_what_is_under_way_at_most(
    api: Service, operator: Pool
) -> None:
    at_once = 8
    turns = asyncio.Semaphore(at_once)

    async def one(number: int) -> int:
        async with turns:
            return (await send(api, 100 * number, 10)).status

    statuses = await asyncio.gather(*(one(number) for number in range(60)))
    assert set(statuses) == {202, 503}
    accepted = 10 * statuses.count(202)
    assert accepted == (await backlog(operator))["items"]
    assert accepted < BOUND + 10 * at_once


async def test_the_sums_are_of_accepted_batches_of_all_accounts(
    api: Service, operator: Pool, database_url: str
) -> None:
    await send(api, 0, 3)
    _, token = await create_token(operator, "rival", "tests")
    await send(Service(api.client, token), 0, 4)
    async with operator.connection() as connection:
        await connection.execute(
            "INSERT INTO ingest.batches (id, account, collection, action, options, state, "
            "trace_id, received, accepted_at, finished_at) "
            "SELECT gen_random_uuid(), 'acme', 'contacts', 'create', '{}', 'committed', 't', 1, "
            "now(), now() FROM generate_series(1, 5000)"
        )
        await connection.execute("ANALYZE ingest.batches")
    async with connected(database_url, role="ingest_app") as connection:
        sums = await connection.fetchrow("SELECT * FROM ingest.backlog(NULL)")
        assert sums is not None
        assert (sums["batches"], sums["items"], sums["known_items"]) == (2, 7, 0)
        again = await connection.fetchrow("SELECT * FROM ingest.backlog($1)", sums["oldest"])
        assert again is not None
        assert again["known_items"] == 3


async def test_the_sums_read_no_finished_batch(operator: Pool) -> None:
    async with operator.connection() as connection:
        await connection.execute(
            "INSERT INTO ingest.batches (id, account, collection, action, options, state, "
            "trace_id, received, accepted_at, finished_at) "
            "SELECT gen_random_uuid(), 'acme', 'contacts', 'create', '{}', 'committed', 't', 1, "
            "now(), now() FROM generate_series(1, 20000)"
        )
        await connection.execute("ANALYZE ingest.batches")
        body = await connection.fetchval(
            "SELECT prosrc FROM pg_proc WHERE oid = 'ingest.backlog'::regproc"
        )
        known = body.replace("known)", "now())")
        plan = await connection.fetch(f"EXPLAIN {known}")
    assert any("batches_accepted" in row[0] for row in plan), plan
