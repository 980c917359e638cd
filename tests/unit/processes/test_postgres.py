"""The embedded PostgreSQL: its settings, its privileges, its data after a kill."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from ingest.errors import ConfigurationError
from ingest.processes.postgres import EmbeddedPostgres
from tests.databases import execute
from tests.processes import processes_in

FAST = {"fsync": "off"}


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    async with EmbeddedPostgres(tmp_path / "postgres", FAST) as server:
        yield server


async def query(url: str, sql: str) -> object:
    """The first value that PostgreSQL answers."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_postgres_is_a_version_18_of_utf8_and_utc(postgres: EmbeddedPostgres) -> None:
    assert str(await query(postgres.url, "SHOW server_version")).startswith("18")
    assert await query(postgres.url, "SHOW server_encoding") == "UTF8"
    assert await query(postgres.url, "SHOW timezone") == "UTC"
    assert await query(postgres.url, "SELECT current_database()") == "ingest"
    assert await query(postgres.url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    assert await query(postgres.url, "SELECT 'a' < 'B'") is False  # the order of code points


async def test_postgres_writes_through_by_default(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "postgres") as server:
        assert await query(server.url, "SHOW fsync") == "on"
        assert await query(server.url, "SHOW synchronous_commit") == "on"


async def test_given_settings_win(postgres: EmbeddedPostgres) -> None:
    assert await query(postgres.url, "SHOW fsync") == "off"


async def test_postgres_wants_the_password(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await query(postgres.url.replace(postgres.password, "guess"), "SELECT 1")


async def test_postgres_listens_on_loopback_only(postgres: EmbeddedPostgres) -> None:
    assert await query(postgres.url, "SHOW listen_addresses") == "127.0.0.1"
    assert await query(postgres.url, "SHOW unix_socket_directories") == ""


async def test_no_value_reaches_the_log_of_postgres(postgres: EmbeddedPostgres) -> None:
    await execute(postgres.url, "CREATE TABLE t (a text UNIQUE)")
    with pytest.raises(asyncpg.UniqueViolationError):
        await query(postgres.url, "INSERT INTO t VALUES ('x1'), ('x1')")
    log = postgres.log.read_text()
    assert "duplicate key value" in log
    assert "x1" not in log


def test_postgres_does_not_run_as_root(postgres: EmbeddedPostgres) -> None:
    uids = psutil.Process(postgres.pid).uids()
    assert 0 not in (uids.real, uids.effective, uids.saved)
    assert postgres.data.stat().st_uid == uids.real


async def test_postgres_keeps_its_data_over_a_stop_and_a_kill(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "postgres", FAST) as first:
        await execute(first.url, "CREATE TABLE kept (a int); INSERT INTO kept VALUES (7)")
    async with EmbeddedPostgres(tmp_path / "postgres", FAST) as second:
        assert await query(second.url, "SELECT a FROM kept") == 7
        os.kill(second.pid, signal.SIGKILL)  # as the out-of-memory killer would
        await second.exited()
        assert (second.data / "postmaster.pid").exists()
        await second.start()
        assert await query(second.url, "SELECT a FROM kept") == 7


async def test_a_start_that_was_killed_half_way_is_begun_again(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    half = folder / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    async with EmbeddedPostgres(folder, FAST) as server:
        assert await query(server.url, "SELECT 1") == 1
        assert not half.exists()


async def test_a_server_that_refuses_its_settings_says_why(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres", {"fsync": "off", "work_mem": "plenty"})
    with pytest.raises(ConfigurationError, match=r"with status 1 while starting: .*work_mem"):
        await server.start()
    assert processes_in(server.folder) == []
