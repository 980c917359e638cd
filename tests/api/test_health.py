"""/healthz and /readyz, and what clients see while the database is away (contract 2)."""

import dataclasses
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestClient
from structlog.testing import capture_logs

from ingest import outage
from ingest.app import create_app
from ingest.settings import Settings
from ingest.store import batches, state
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.conftest import Server
from tests.api.relay import Relay, relayed
from tests.api.shared import JIM, NOTHING, configured, written
from tests.harness import REGISTRY, Service
from tests.waiting import until
from workers.settings import open_committer

UNREACHABLE = "127.0.0.1:1"


async def _health(api: Service, path: str) -> tuple[int, dict[str, object]]:
    """Without a token: monitoring has none."""
    async with api.client.get(path) as response:
        return response.status, await response.json()


async def test_a_process_is_alive_and_ready(api: Service) -> None:
    assert (await _health(api, "/healthz"))[0] == 200
    status, body = await _health(api, "/readyz")
    assert status == 200
    assert body["checks"] == {"database": "ready", "redis": "ready"}


@configured(redis_url=f"redis://{UNREACHABLE}/0")
async def test_without_redis_it_is_alive_and_degraded(api: Service) -> None:
    assert (await _health(api, "/healthz"))[0] == 200
    status, body = await _health(api, "/readyz")
    assert (status, body["status"]) == (200, "degraded")
    checks = body["checks"]
    assert isinstance(checks, dict)
    assert checks["database"] == "ready"
    assert checks["redis"] == "does not answer"


@pytest.fixture
def wrong_password(settings: Settings) -> Settings:
    parts = urlsplit(settings.redis_url)
    wrong = parts._replace(netloc=f":wrong@{parts.hostname}:{parts.port}").geturl()
    return dataclasses.replace(settings, redis_url=wrong)


async def test_a_redis_that_refuses_is_told_from_one_that_is_away(
    wrong_password: Settings, operator: Pool
) -> None:
    """Writes with a key pass, as they do without Redis: PostgreSQL decides."""
    _, token = await create_token(operator, "acme", "tests")
    async with TestClient(Server(create_app(wrong_password, REGISTRY))) as client:
        api = Service(client, token)
        reply = await api.post("contacts", [JIM], idempotency_key="k", prefer="wait=0")
        again = await api.post("contacts", [JIM], idempotency_key="k", prefer="wait=0")
        status, body = await _health(api, "/readyz")
    assert (reply.status, again.error) == (202, (40901, "idempotency_replayed"))
    assert (status, body["status"]) == (200, "degraded")
    assert str(body["checks"]).count("refuses the login of INGEST_REDIS_URL") == 1


@pytest.mark.own_database
async def test_a_database_that_is_not_migrated_is_not_ready(api: Service, operator: Pool) -> None:
    async with operator.connection() as connection:
        await connection.execute("ALTER TABLE collections.contacts DROP COLUMN age")
    status, body = await _health(api, "/readyz")
    assert status == 503
    checks = body["checks"]
    assert isinstance(checks, dict)
    lacks = "not migrated: lacks collections.contacts.age; run `ingest migrate`"
    assert checks["database"] == lacks


@pytest.mark.own_database
async def test_what_a_database_lacks_is_logged_at_the_start_and_later(
    settings: Settings, operator: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By processes that nothing calls."""
    monkeypatch.setattr(state, "_LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(outage, "_BEGINNINGS", 0.0)

    async def run(statement: str) -> None:
        async with operator.connection() as connection:
            await connection.execute(f"ALTER TABLE collections.contacts {statement}")

    def reasons(event: str) -> list[str | None]:
        return [line.get("reason") for line in lines if line["event"] == event]

    async def said(event: str, times: int) -> None:
        async def logged() -> bool:
            return len(reasons(event)) == times

        await until(logged)

    await run("DROP COLUMN age")
    with capture_logs() as lines:
        async with open_committer(settings, REGISTRY):
            for times in (1, 2):
                await said("the database is not ready", times)
                await run("ADD age bigint")
                await said("the database is ready", times)
                await run("DROP COLUMN age")
    lacks = "not migrated: lacks collections.contacts.age; run `ingest migrate`"
    assert reasons("the database is not ready")[:2] == [lacks, lacks]


async def test_a_database_that_lets_nobody_in_is_told_from_one_that_is_away(
    settings: Settings, operator: Pool
) -> None:
    parts = urlsplit(settings.database_url)
    wrong = parts._replace(netloc=f"nobody:wrong@{parts.hostname}:{parts.port}").geturl()
    app = create_app(dataclasses.replace(settings, database_url=wrong), REGISTRY)
    with capture_logs() as lines:
        async with TestClient(Server(app)) as client:
            _, body = await _health(Service(client, ""), "/readyz")
    assert body["checks"] == {
        "database": "refuses the login: the name or the password in INGEST_DATABASE_URL is wrong",
        "redis": "ready",
    }
    (line,) = (line for line in lines if line["event"] == "the database refuses the service")
    assert "SQLSTATE 28P01" in line["cause"]


async def test_a_wrong_call_of_the_driver_is_a_bug_and_no_outage(
    api: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver has one family of errors for it and for a connection that is gone."""
    batch = (await api.post("contacts", [JIM], prefer="wait=0")).headers["Location"]
    wrong = {**batches.QUERIES, "get_batches_of": "SELECT 1", "get_batch": "SELECT 1"}
    with monkeypatch.context() as patched, capture_logs() as lines:
        patched.setattr(batches, "QUERIES", wrong)
        reply = await api.request("GET", batch)
    assert (reply.status, reply.error) == (500, (50001, "internal_error"))
    (line,) = (line for line in lines if line["event"] == "unexpected error")
    assert line["error"] == "InterfaceError"
    assert (await api.request("GET", batch)).status == 200


@pytest.fixture
async def relay(database_url: str) -> AsyncIterator[Relay]:
    async with relayed(database_url) as relay:
        yield relay


async def test_without_its_database_it_is_alive_and_says_503(
    relay: Relay, settings: Settings, operator: Pool
) -> None:
    _, token = await create_token(operator, "acme", "tests")
    app = create_app(dataclasses.replace(settings, database_url=relay.url), REGISTRY)
    async with TestClient(Server(app)) as client:
        api = Service(client, token)
        assert (await api.get("contacts")).status == 200
        relay.close()
        assert (await _health(api, "/healthz"))[0] == 200
        assert (await _health(api, "/readyz"))[0] == 503
        for reply in (await api.post("contacts", [JIM]), await api.get("contacts")):
            assert (reply.status, reply.error) == (503, (50301, "unavailable"))
            assert int(reply.headers["Retry-After"]) > 0
            assert reply.body["error"]["type"] == "system"
        await relay.open()
        assert (await api.get("contacts")).status == 200
        assert (await _health(api, "/readyz"))[0] == 200
    assert await written(operator) == NOTHING


async def test_connections_that_were_cut_are_replaced(api: Service, operator: Pool) -> None:
    assert (await api.get("contacts")).status == 200
    async with operator.connection() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert {(await api.get("contacts")).status for _ in range(3)} <= {200, 503}
    assert (await api.get("contacts")).status == 200
