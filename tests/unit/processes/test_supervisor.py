"""The supervisor of `ingest dev` and `ingest serve`, with small processes as its parts."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from ingest.errors import ConfigurationError
from ingest.processes import supervisor
from ingest.processes.service import ServiceProcess
from ingest.processes.supervisor import Supervisor
from tests.processes import runs

LIVE = """
import signal, sys, time
from ingest.readiness import announce

def stop(*_):
    with open(sys.argv[1], "a") as journal:
        journal.write(sys.argv[2] + "\\n")
    sys.exit(0)

signal.signal(signal.SIGTERM, stop)
announce()
time.sleep(600)
"""
STUBBORN = """
import signal, subprocess, sys, time
from ingest.readiness import announce

signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
announce()
time.sleep(600)
"""
MUTE = "import time; time.sleep(600)"
BROKEN = "raise SystemExit(3)"
FLAKY = """
import os, sys
from pathlib import Path

marker = Path(sys.argv[1])
tries = int(marker.read_text()) if marker.exists() else 0
marker.write_text(str(tries + 1))
if 1 <= tries <= 2:
    raise SystemExit(9)
from ingest.readiness import announce
import time
announce()
time.sleep(600)
"""


class Recorder:
    """Counts recoveries."""

    def __init__(self) -> None:
        self.recovered = asyncio.Event()

    def __call__(self) -> None:
        self.recovered.set()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def supervised() -> AsyncIterator[Supervisor]:
    """A supervisor that leaves nothing behind."""
    running = Supervisor()
    yield running
    running.kill()
    await running.stop()
    assert not any(runs(pid) for pids in running.pids().values() for pid in pids)


def part(
    name: str, code: str, *arguments: str, grace: float = 10.0, start_timeout: float = 60.0
) -> ServiceProcess:
    command = [sys.executable, "-c", code, *arguments]
    return ServiceProcess("dummy", name, command, os.environ, grace, start_timeout)


async def test_a_part_is_started_when_it_has_announced_itself(
    supervised: Supervisor, tmp_path: Path
) -> None:
    await supervised.start([part("one", LIVE, str(tmp_path / "j"), "one")])
    (pid,) = supervised.pids()["dummy"]
    assert runs(pid)
    assert os.getsid(pid) == pid  # Ctrl-C on our terminal is not for it


async def test_a_part_that_stops_while_starting_is_an_error(supervised: Supervisor) -> None:
    with pytest.raises(ConfigurationError, match="broken stopped with status 3 while starting"):
        await supervised.start([part("broken", BROKEN)], [part("mute", MUTE)])


async def test_a_part_that_never_announces_itself_is_an_error(supervised: Supervisor) -> None:
    with pytest.raises(ConfigurationError, match="mute does not answer"):
        await supervised.start([part("mute", MUTE, start_timeout=0.2)])
    assert not any(map(runs, supervised.pids()["dummy"]))


async def test_what_dies_is_started_again(
    supervised: Supervisor, recorder: Recorder, tmp_path: Path
) -> None:
    await supervised.start([part(name, LIVE, str(tmp_path / "j"), name) for name in ("a", "b")])
    first, second = supervised.pids()["dummy"]
    keeping = asyncio.create_task(supervised.keep(recorder))
    os.kill(first, signal.SIGKILL)
    await asyncio.wait_for(recorder.recovered.wait(), 20)
    again, same = supervised.pids()["dummy"]
    assert (again != first, same) == (True, second)
    keeping.cancel()


async def test_what_does_not_start_again_is_tried_until_it_does(
    supervised: Supervisor, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY", 0.01)
    await supervised.start([part("flaky", FLAKY, str(tmp_path / "tries"))])
    keeping = asyncio.create_task(supervised.keep(recorder))
    os.kill(supervised.pids()["dummy"][0], signal.SIGKILL)
    await asyncio.wait_for(recorder.recovered.wait(), 20)
    assert (tmp_path / "tries").read_text() == "4"
    keeping.cancel()


async def test_groups_stop_in_reverse_order(supervised: Supervisor, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    names = ("first", "second", "third")
    await supervised.start(*([part(name, LIVE, str(journal), name)] for name in names))
    await supervised.stop()
    assert journal.read_text().split() == ["third", "second", "first"]


async def test_what_does_not_stop_is_killed_with_all_it_started(supervised: Supervisor) -> None:
    await supervised.start([part("stubborn", STUBBORN, grace=0.2)])
    (pid,) = supervised.pids()["dummy"]
    (child,) = psutil.Process(pid).children()
    await supervised.stop()
    assert not runs(pid)
    async with asyncio.timeout(10):
        while runs(child.pid):  # noqa: ASYNC110 - another process ends
            await asyncio.sleep(0.01)


async def test_kill_does_not_wait(supervised: Supervisor) -> None:
    await supervised.start([part("stubborn", STUBBORN, grace=600)])
    async with asyncio.timeout(60):
        supervised.kill()
        await supervised.stop()


async def test_stopping_before_starting_does_nothing(supervised: Supervisor) -> None:
    await supervised.stop()


async def test_a_start_that_is_cancelled_leaves_nothing() -> None:
    mute = part("mute", MUTE)
    starting = asyncio.create_task(mute.start())
    async with asyncio.timeout(10):
        while not mute.alive:  # noqa: ASYNC110 - the task spawns it
            await asyncio.sleep(0.01)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not mute.alive


async def test_a_program_that_cannot_be_run_is_an_error() -> None:
    missing = ServiceProcess("dummy", "missing", ["/no/such/program"], {}, grace=1)
    with pytest.raises(ConfigurationError, match="missing cannot be started"):
        await missing.start()


async def test_a_signal_stops_the_parts_and_a_second_one_kills_them(supervised: Supervisor) -> None:
    stubborn = part("stubborn", STUBBORN, grace=600)
    started = asyncio.Event()

    async def work() -> None:
        await supervised.start([stubborn])
        started.set()
        await supervised.keep()

    running = asyncio.create_task(supervised.run(work()))
    await asyncio.wait_for(started.wait(), 60)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0)  # the loop calls the handler
    assert stubborn.alive
    os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.wait_for(asyncio.shield(running), 60)
    assert await stubborn.exited() == -signal.SIGKILL
