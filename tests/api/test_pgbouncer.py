"""The service behind PgBouncer in transaction mode: writes and reads, and what sessions lose."""

import dataclasses
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import pytest

from ingest.processes.postgres import EmbeddedPostgres
from ingest.settings import Settings
from ingest.store.notices import open_notices
from ingest.store.pool import Pool, open_pool
from ingest.store.session import session_settings
from ingest.store.state import state_of_database
from tests.api.shared import JIM
from tests.api.test_writes import *  # noqa: F403 - all of them, once more
from tests.harness import Service
from tests.pgbouncer import PROGRAM, PgBouncer
from tests.processes import running

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs pgbouncer (Debian's package)")


@pytest.fixture(scope="module")
def pgbouncer(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PgBouncer]:
    with running(PgBouncer(tmp_path_factory.mktemp("pgbouncer"), postgres_server.url)) as part:
        yield part


@pytest.fixture
def settings(settings: Settings, pgbouncer: PgBouncer) -> Settings:
    """As docs/operations.md says; the superuser works as `ingest_app`, as any login does."""
    url = pgbouncer.url(urlsplit(settings.database_url).path.removeprefix("/"))
    return dataclasses.replace(settings, database_url=url, statement_cache=0)


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    async with open_pool(settings, statement_timeout=7.0, work_mem="32MB") as pool:
        yield pool


async def test_every_transaction_has_what_a_session_of_our_own_has(
    pool: Pool, settings: Settings, database_url: str
) -> None:
    names = list(session_settings("ingest_app", timeout=7.0, work_mem="32MB"))
    shown = "SELECT current_user::text || current_setting(name) FROM unnest($1::text[]) name"
    own = dataclasses.replace(settings, database_url=database_url, statement_cache=100)
    async with (
        open_pool(own, statement_timeout=7.0, work_mem="32MB") as direct,
        direct.connection() as connection,
    ):
        wanted = await connection.fetch(shown, names)
    for opened in (pool.connection, pool.transaction, lambda: pool.dry_run("acme")):
        async with opened() as connection:
            assert await connection.fetch(shown, names) == wanted


async def test_no_setting_is_left_in_a_session(pool: Pool, operator: Pool) -> None:
    async with pool.transaction("acme") as connection:
        session = await connection.fetchval("SELECT pg_backend_pid()")
    for _ in range(10):
        async with operator.transaction() as connection:
            if await connection.fetchval("SELECT pg_backend_pid()") == session:
                account = "SELECT current_setting('ingest.account', true)"
                assert not await connection.fetchval(account)
                assert await connection.fetchval("SELECT current_user") == "postgres"
                return
    raise AssertionError("the session was not given again")


async def test_a_setting_that_is_forgotten_is_named(settings: Settings) -> None:
    async with open_pool(dataclasses.replace(settings, statement_cache=100)) as pool:
        said = await state_of_database(pool, {})
    assert "behind PgBouncer set INGEST_STATEMENT_CACHE=0" in said


async def test_reads_are_only_reads(settings: Settings, service: Service) -> None:
    await service.post("contacts", [JIM])
    only = dataclasses.replace(settings, read_only=True)
    async with open_pool(only) as pool:
        async with pool.transaction("acme", snapshot=True) as connection:
            assert await connection.fetchval("SELECT count(*) FROM collections.contacts") == 1
        async with pool.connection() as connection:
            assert await connection.fetchval("SHOW transaction_read_only") == "on"


async def test_it_is_ready_and_listens_to_nothing(
    service: Service, settings: Settings, pool: Pool
) -> None:
    async with service.client.get("/readyz") as response:
        assert (await response.json())["checks"]["database"] == "ready"
    async with open_notices(settings, pool) as notices:
        assert await notices.send("ingest_rung", ["nothing"])


async def test_a_role_that_is_missing_is_named(settings: Settings) -> None:
    async with open_pool(settings, role="unheard_of") as pool:
        with pytest.raises(Exception, match="refuses to be connected to") as raised:
            async with pool.transaction("acme"):
                pass
    assert "ingest migrate" in getattr(raised.value, "reason", "")
