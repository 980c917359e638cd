"""Either embedded server: what a start finds, what a stop leaves, what a kill does not break."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from ingest.errors import ConfigurationError
from ingest.processes.postgres import EmbeddedPostgres
from ingest.processes.server import EmbeddedServer
from ingest.processes.valkey import EmbeddedValkey
from tests.processes import processes_in, running, runs

Make = Callable[[Path], EmbeddedServer]


def make_postgres(folder: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(folder, {"fsync": "off"})


@pytest.fixture(params=[make_postgres, EmbeddedValkey], ids=["postgres", "valkey"])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes either server."""
    made: Make = request.param
    return made


@pytest.fixture
async def server(make: Make, tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    """Either server, running."""
    async with make(tmp_path / "server") as running:
        yield running


def test_nothing_secret_is_readable_by_others_or_an_argument(server: EmbeddedServer) -> None:
    secret = server.password
    for path in server.folder.iterdir():
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert not stat.S_IMODE(server.folder.stat().st_mode) & 0o066
    assert not any(secret in argument for argument in psutil.Process(server.pid).cmdline())


async def test_a_stop_leaves_no_process(server: EmbeddedServer) -> None:
    await server.stop()
    assert not server.alive
    assert processes_in(server.folder) == []


async def test_a_start_while_it_runs_does_nothing(server: EmbeddedServer) -> None:
    pid = server.pid
    await server.start()
    assert server.pid == pid


async def test_a_killed_server_starts_again_at_the_same_url(server: EmbeddedServer) -> None:
    url, pid = server.url, server.pid
    os.kill(server.pid, signal.SIGKILL)  # as the out-of-memory killer would
    await server.exited()
    await server.start()
    assert server.url == url
    assert server.pid != pid


def test_a_server_runs_while_synchronous_code_does(make: Make, tmp_path: Path) -> None:
    with running(make(tmp_path / "server")) as server:
        assert runs(server.pid)
    assert processes_in(tmp_path) == []


OWNER = """
import asyncio, sys, time
from pathlib import Path
import psutil
from ingest.processes.postgres import EmbeddedPostgres
from ingest.processes.valkey import EmbeddedValkey

server = {class_name}(Path(sys.argv[1]))
sys.platform = "{platform}"
asyncio.run(server.start())
print(server.pid, flush=True)
time.sleep(600)
"""


def orphan_of(server: EmbeddedServer, platform: str) -> int:
    """Start such a server in a process that is then killed; the server's process id."""
    code = OWNER.format(class_name=type(server).__name__, platform=platform)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(server.folder)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        orphan = int(owner.stdout.readline())
        owner.kill()
    return orphan


@pytest.mark.parametrize(
    "platform", [sys.platform, pytest.param("other", id="no signal at the death of a parent")]
)
async def test_a_server_whose_owner_was_killed_does_not_hinder_the_next(
    make: Make, platform: str, tmp_path: Path
) -> None:
    again = make(tmp_path / "server")
    orphan = orphan_of(again, platform)
    async with again:
        assert again.pid != orphan
        assert not runs(orphan)
        assert await again.answers()


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be made: Not a directory"):
        await EmbeddedValkey(tmp_path / "file" / "valkey").start()
