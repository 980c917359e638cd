"""The embedded servers: what a start finds, what a stop leaves, what a kill does not break."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis

from ingest.errors import ConfigurationError
from ingest.processes.embedded import EmbeddedPostgres, EmbeddedServer, EmbeddedValkey
from tests.processes import processes_in, runs

FAST = {"fsync": "off"}


def make_postgres(folder: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(folder, FAST)


@pytest.fixture(scope="module")
def postgres_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an initialised PostgreSQL; each test starts it and stops it again."""
    folder = tmp_path_factory.mktemp("embedded") / "postgres"
    with make_postgres(folder):
        return folder


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with make_postgres(tmp_path / "postgres") as server:
        yield server


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path / "valkey") as server:
        yield server


@pytest.fixture(params=[make_postgres, EmbeddedValkey], ids=["postgres", "valkey"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedServer]:
    """Either server, running."""
    make: Callable[[Path], EmbeddedServer] = request.param
    with make(tmp_path / "server") as running:
        yield running


def query(url: str, sql: str) -> object:
    """The first value that PostgreSQL answers."""

    async def ask() -> object:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def kill(server: EmbeddedServer) -> None:
    """As the out-of-memory killer would."""
    assert server.process is not None
    os.kill(server.pid, signal.SIGKILL)
    server.process.wait(10)


def test_postgres_is_a_version_18_of_utf8_and_utc(postgres: EmbeddedPostgres) -> None:
    assert str(query(postgres.url, "SHOW server_version")).startswith("18")
    assert query(postgres.url, "SHOW server_encoding") == "UTF8"
    assert query(postgres.url, "SHOW timezone") == "UTC"
    assert query(postgres.url, "SELECT current_database()") == "ingest"
    assert query(postgres.url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    assert query(postgres.url, "SELECT 'a' < 'B'") is False  # the order of code points


def test_postgres_writes_through_unless_told_otherwise(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        assert query(server.url, "SHOW fsync") == "on"
        assert query(server.url, "SHOW synchronous_commit") == "on"


def test_settings_given_win(postgres: EmbeddedPostgres) -> None:
    assert query(postgres.url, "SHOW fsync") == "off"


def test_postgres_wants_the_password(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        query(postgres.url.replace(postgres.password, "guess"), "SELECT 1")


def test_postgres_listens_on_loopback_only(postgres: EmbeddedPostgres) -> None:
    assert query(postgres.url, "SHOW listen_addresses") == "127.0.0.1"
    assert query(postgres.url, "SHOW unix_socket_directories") == ""


def test_no_value_reaches_the_log_of_postgres(postgres: EmbeddedPostgres) -> None:
    postgres.execute("CREATE TABLE t (a text UNIQUE)")
    with pytest.raises(asyncpg.UniqueViolationError):
        query(postgres.url, "INSERT INTO t VALUES ('x1'), ('x1')")
    log = postgres.log.read_text()
    assert "duplicate key value" in log
    assert "x1" not in log


def test_sql_that_is_refused_says_why(postgres: EmbeddedPostgres) -> None:
    postgres.execute("CREATE TABLE fine (a int)")
    with pytest.raises(ConfigurationError, match='relation "fine" already exists'):
        postgres.execute("CREATE TABLE fine (a int)")


def test_postgres_does_not_run_as_root(postgres: EmbeddedPostgres) -> None:
    uids = psutil.Process(postgres.pid).uids()
    assert 0 not in (uids.real, uids.effective, uids.saved)
    assert postgres.data.stat().st_uid == uids.real


def test_valkey_is_a_version_9_that_keeps_what_it_is_told(valkey: EmbeddedValkey) -> None:
    with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
        assert str(client.info("server")["valkey_version"]).startswith("9.")
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_valkey_wants_the_password(valkey: EmbeddedValkey) -> None:
    with (
        redis.Redis(port=valkey.port) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_nothing_secret_is_readable_by_others_or_an_argument(server: EmbeddedServer) -> None:
    secret = server.password
    for path in server.folder.iterdir():
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert not stat.S_IMODE(server.folder.stat().st_mode) & 0o066
    assert not any(secret in argument for argument in psutil.Process(server.pid).cmdline())


def test_a_stop_leaves_no_process(server: EmbeddedServer) -> None:
    server.stop()
    assert not server.alive
    assert processes_in(server.folder) == []


def test_a_start_while_it_runs_does_nothing(server: EmbeddedServer) -> None:
    pid = server.pid
    server.start()
    assert server.pid == pid


def test_a_second_start_on_the_folder_is_refused(server: EmbeddedServer) -> None:
    second = type(server)(server.folder)
    with pytest.raises(ConfigurationError, match=f"in use by process {os.getpid()}") as refused:
        second.start()
    assert "\n" not in str(refused.value)
    assert server.answers()


def test_a_killed_server_starts_again_at_the_same_url(server: EmbeddedServer) -> None:
    url, pid = server.url, server.pid
    kill(server)
    server.start()
    assert server.url == url
    assert server.pid != pid


def test_postgres_keeps_its_data_over_a_stop_and_a_kill(postgres_folder: Path) -> None:
    with make_postgres(postgres_folder) as first:
        first.execute("CREATE TABLE kept (a int); INSERT INTO kept VALUES (7)")
    with make_postgres(postgres_folder) as second:
        assert query(second.url, "SELECT a FROM kept") == 7
        kill(second)
        assert (second.data / "postmaster.pid").exists()
        second.start()
        assert query(second.url, "SELECT a FROM kept") == 7


def test_valkey_keeps_its_data_over_a_stop(valkey: EmbeddedValkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.set("kept", "7")
    valkey.stop()
    valkey.start()
    with redis.Redis.from_url(valkey.url) as client:
        assert client.get("kept") == b"7"


OWNER = """
import sys, time
from pathlib import Path
from ingest.processes.embedded import EmbeddedPostgres, EmbeddedValkey

server = {class_name}(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("class_name", ["EmbeddedPostgres", "EmbeddedValkey"])
def test_a_server_whose_owner_was_killed_is_in_nobodys_way(class_name: str, tmp_path: Path) -> None:
    folder = tmp_path / "server"
    with subprocess.Popen(
        [sys.executable, "-c", OWNER.format(class_name=class_name), str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        orphan = int(owner.stdout.readline())
        owner.kill()
    with (EmbeddedPostgres if class_name == "EmbeddedPostgres" else EmbeddedValkey)(
        folder
    ) as again:
        assert again.pid != orphan
        assert not runs(orphan)


def test_an_orphan_that_ignores_the_death_of_its_owner_is_stopped(postgres_folder: Path) -> None:
    """Where the system does not tell a child that its parent was killed."""
    owner = make_postgres(postgres_folder)
    owner.start()
    owner.release()  # as the system does when the owner dies
    with make_postgres(postgres_folder) as again:
        assert owner.process is not None
        assert owner.process.poll() is not None
        assert again.answers()


def test_a_start_that_was_killed_half_way_is_begun_again(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    half = folder / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with make_postgres(folder) as server:
        assert query(server.url, "SELECT 1") == 1
        assert not half.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be made: Not a directory"):
        EmbeddedValkey(tmp_path / "file" / "valkey").start()


def test_a_server_that_refuses_its_settings_says_why(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres", {"fsync": "off", "work_mem": "plenty"})
    with pytest.raises(ConfigurationError, match=r"stopped with status 1: .*work_mem"):
        server.start()
    assert processes_in(server.folder) == []
