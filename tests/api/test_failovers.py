"""A PostgreSQL that takes no writes: a hot standby, and a primary that was demoted."""

import dataclasses
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestClient
from structlog.testing import capture_logs

import workers.__main__
from ingest.app import create_app
from ingest.errors import Unavailable
from ingest.processes.postgres import EmbeddedPostgres
from ingest.settings import Settings
from ingest.store.notices import open_notices
from ingest.store.pool import Pool, open_pool
from ingest.store.tokens import create_token
from tests.api.conftest import Server
from tests.api.shared import ANN, JIM, stored
from tests.databases import execute
from tests.harness import REGISTRY, Service
from tests.processes import running
from tests.standby import Standby, replayed
from tests.waiting import until
from workers.commit import Committer
from workers.settings import open_committer

_DEMOTE = "ALTER SYSTEM SET default_transaction_read_only = on"
_RESTORE = "ALTER SYSTEM RESET default_transaction_read_only"
_RELOAD = "SELECT pg_reload_conf()"


@pytest.fixture
def standby(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standby]:
    with running(Standby(tmp_path_factory.mktemp("standby") / "server", postgres_server)) as server:
        yield server


@pytest.fixture
async def token(operator: Pool) -> str:
    return (await create_token(operator, "acme", "tests"))[1]


@asynccontextmanager
async def serving(settings: Settings, token: str, **changes: object) -> AsyncIterator[Service]:
    app = create_app(dataclasses.replace(settings, **changes), REGISTRY)
    async with TestClient(Server(app)) as client:
        yield Service(client, token)


@asynccontextmanager
async def demoted(url: str) -> AsyncIterator[None]:
    """The server at `url` takes no writes for as long as the block lasts."""
    for statement in (_DEMOTE, _RELOAD):
        await execute(url, statement)
    try:
        yield
    finally:
        for statement in (_RESTORE, _RELOAD):
            await execute(url, statement)


def one_of(*urls: str) -> str:
    """The URL of several servers, of which the one that takes writes is to be used."""
    hosts = ",".join(urlsplit(url).netloc.rpartition("@")[2] for url in urls)
    first = urlsplit(urls[0])
    netloc = f"{first.netloc.rpartition('@')[0]}@{hosts}"
    return first._replace(netloc=netloc, query="target_session_attrs=read-write").geturl()


async def status(api: Service, path: str) -> int:
    async with api.client.get(path, headers={"Authorization": f"Bearer {api.token}"}) as response:
        return response.status


async def ready(api: Service) -> tuple[int, str]:
    """The status of /readyz, and what it says of the database."""
    async with api.client.get("/readyz") as response:
        return response.status, (await response.json())["checks"]["database"]


async def test_a_standby_answers_reads(
    service: Service,
    settings: Settings,
    postgres_server: EmbeddedPostgres,
    standby: Standby,
    token: str,
) -> None:
    batch = (await service.post("contacts", [JIM])).body["metadata"]["batchId"]
    refused = (await service.post("contacts", [JIM])).body["metadata"]["batchId"]
    await replayed(postgres_server, standby)
    paths = (
        "contacts",
        "contacts?email=jim@example.com&limit=1",
        "contacts.xml",
        "batches",
        f"batches/{batch}",
        f"batches/{refused}/failures",
    )
    url = urlsplit(standby.url)._replace(path=urlsplit(settings.database_url).path).geturl()
    for changes in ({}, {"read_only": True, "write_url": "https://write.example.com"}):
        async with serving(settings, token, database_url=url, **changes) as api:
            for path in paths:
                assert await status(api, f"/v1/{path}") == 200, path
            assert await status(api, "/metrics") == 200
            state = await ready(api)
            for options in ({}, {"params": {"dryRun": "true"}}):
                reply = await api.post("contacts", [ANN], **options)
                assert (reply.status, reply.error) == (503, (50301, "unavailable"))
                assert int(reply.headers["Retry-After"]) > 0
                if changes:
                    about = reply.body["error"]["description"]
                    assert about == "Send them to https://write.example.com."
            if changes:
                assert state == (200, "ready")
                async with api.client.get("/readyz") as response:
                    writes = (await response.json())["checks"]["writes"]
                assert writes == "refused: INGEST_READ_ONLY is set"
            else:
                assert state[0] == 503
                assert state[1].startswith("read-only: ")


async def test_nothing_is_written_where_only_reads_are_meant(
    settings: Settings, operator: Pool, token: str
) -> None:
    """Also where the database would take it."""
    async with serving(settings, token, read_only=True) as api:
        assert (await api.get("contacts")).status == 200
        assert (await api.post("contacts", [JIM])).status == 503
    async with operator.connection() as connection:
        used = await connection.fetchval("SELECT max(last_used_at) FROM ingest.tokens")
    assert used is None
    assert await stored(operator, "ingest.batches") == 0


async def test_after_a_failover_the_server_that_takes_writes_is_found(
    settings: Settings,
    postgres_server: EmbeddedPostgres,
    operator: Pool,
    standby: Standby,
    token: str,
) -> None:
    """A batch that was accepted before is committed by the next primary, and costs no attempt."""
    path = urlsplit(settings.database_url).path
    there = urlsplit(standby.url)._replace(path=path).geturl()
    both = dataclasses.replace(settings, database_url=one_of(settings.database_url, there))
    with capture_logs() as lines:
        async with serving(both, token) as api, open_committer(both, REGISTRY) as committer:
            reply = await api.post("contacts", [JIM], prefer="wait=0")
            assert reply.status == 202
            batch = reply.headers["Location"].removeprefix("/v1/")
            await replayed(postgres_server, standby)
            async with demoted(settings.database_url):
                await _takes_no_writes(api, committer)
                await standby.promote()

                async def is_ready() -> bool:
                    return (await ready(api))[0] == 200

                await until(is_ready)
                assert (await api.post("contacts", [ANN], prefer="wait=0")).status == 202
                await committer.commit_pending("acme", "contacts")
                assert (await api.get(batch)).body["data"]["state"] == "committed"
                assert await api.count("contacts") == 2
    assert await stored(operator, "collections.contacts") == 0  # of the one that was demoted
    assert not [line for line in lines if line["event"] == "unexpected error"]
    (failed,) = (line for line in lines if line["event"] == "commit failed")
    assert failed["verdict"] == "again"


async def _takes_no_writes(api: Service, committer: Committer) -> None:
    reply = await api.post("contacts", [ANN])
    assert (reply.status, reply.error) == (503, (50301, "unavailable"))
    assert reply.headers["Retry-After"] == "1"
    assert "Location" not in reply.headers
    await committer.commit_pending("acme", "contacts")
    assert (await ready(api))[0] == 503


def test_a_worker_is_not_for_reads_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("DATABASE_URL", "postgresql://h/d"), ("REDIS_URL", "redis://h")):
        monkeypatch.setenv(f"INGEST_{name}", value)
    monkeypatch.setenv("INGEST_READ_ONLY", "true")
    assert workers.__main__.main() == 1
    assert "unset INGEST_READ_ONLY" in capsys.readouterr().err


async def test_a_standby_that_cannot_be_listened_to_stops_no_process(
    settings: Settings, standby: Standby
) -> None:
    there = dataclasses.replace(settings, database_url=standby.url)
    async with open_pool(there) as pool, open_notices(there, pool) as notices:
        with pytest.raises(Unavailable):
            await anext(notices.received("ingest_rung"))
        assert not await notices.send("ingest_rung", ["nothing"])
