"""`ingest dev` as a user starts it: a process of its own, a folder, a ready file."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from tests.processes import clean_environment, processes_in, runs

TIMEOUT = 60.0
"""How long to wait for what must happen soon, in seconds."""
POLL = 0.02
"""How often to look whether it has, in seconds."""


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the headers by lower-case name, the document."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


class Dev:
    """A running `ingest dev`."""

    def __init__(
        self, folder: Path, *arguments: str, ready_file: str = "ready.json", **settings: str
    ) -> None:
        """Args: `settings`: environment variables, such as `INGEST_BODY_TIMEOUT="3"`."""
        self.folder = folder
        self.ready_file = folder / ready_file
        # Files, because a pipe is not read while it runs, and a full one would stop it.
        self._output = self.ready_file.with_suffix(".output")
        self._complaints = self.ready_file.with_suffix(".complaints")
        self.process = self._start(arguments, settings)
        self.seen: set[int] = set()

    def _start(
        self, arguments: tuple[str, ...], settings: dict[str, str]
    ) -> "subprocess.Popen[bytes]":
        with self._output.open("wb") as output, self._complaints.open("wb") as complaints:
            return subprocess.Popen(
                [
                    *(sys.executable, "-m", "ingest", "dev", "--port", "0"),
                    *("--data-dir", str(self.folder / "data")),
                    *("--ready-file", str(self.ready_file)),
                    *arguments,
                ],
                env={**clean_environment(), **settings},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=complaints,
            )

    @property
    def output(self) -> str:
        """What it printed on standard output."""
        return self._output.read_text()

    @property
    def complaints(self) -> str:
        """What it printed on standard error."""
        return self._complaints.read_text()

    @property
    def ready(self) -> dict[str, Any]:
        """What the ready file says now."""
        content: dict[str, Any] = json.loads(self.ready_file.read_text())
        return content

    @property
    def pids(self) -> dict[str, list[int]]:
        """The process ids of the ready file, by kind; all that were ever there are remembered."""
        pids: dict[str, list[int]] = self.ready["pids"]
        self.seen.update(pid for each in pids.values() for pid in each)
        return pids

    def wait_ready(self) -> Self:
        """Wait for the ready file."""

        def written() -> bool:
            assert self.process.poll() is None, self.complaints
            return self.ready_file.exists()

        self.until(written, "the ready file")
        _ = self.pids
        return self

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until `condition` holds."""
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, f"still not: {what}\n{self.complaints}"
            time.sleep(POLL)

    def refusal(self) -> str:
        """The one line that it leaves where it cannot work."""
        assert (self.process.wait(TIMEOUT), self.output) == (1, "")
        lines = self.complaints.splitlines()
        assert [line for line in lines if line.startswith("ingest: ")] == lines[-1:]
        assert "Traceback" not in self.complaints
        return lines[-1]

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run another `ingest …` command on the same database, as its superuser."""
        return subprocess.run(
            [sys.executable, "-m", "ingest", *arguments],
            env={**clean_environment(), "INGEST_DATABASE_URL": self.ready["databaseUrl"]},
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )

    def request(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send one request with the token of the ready file."""
        ready = self.ready
        connection = HTTPConnection(ready["url"].removeprefix("http://"), timeout=30)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["Authorization"] = f"Bearer {ready['token']}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body is not None else None, sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, json.loads(response.read() or b"{}"))

    def stop(self, number: signal.Signals = signal.SIGTERM, *, broken: bool = False) -> None:
        """Stop it, and check that it ends well and leaves nothing.

        Args:
            broken: something was made to break, and has been logged.
        """
        if self.ready_file.exists():
            _ = self.pids
        self.process.send_signal(number)
        assert self.process.wait(TIMEOUT) == 0, self.complaints
        assert ("Traceback" in self.complaints) is broken
        assert not self.ready_file.exists()
        self.check_nothing_left()

    def check_nothing_left(self) -> None:
        """No process of ours runs, whether the ready file named it or not."""
        assert [pid for pid in self.seen if runs(pid)] == []
        assert processes_in(self.folder) == []

    def clean_up(self) -> None:
        """Whatever a test did, leave nothing behind."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(TIMEOUT)


@pytest.fixture
def start_dev(tmp_path: Path) -> Iterator[Callable[..., Dev]]:
    """Starts `ingest dev` with more arguments, on the test's own folder or another."""
    started: list[Dev] = []

    def start(
        *arguments: str, folder: Path = tmp_path, ready_file: str = "ready.json", **settings: str
    ) -> Dev:
        started.append(Dev(folder, *arguments, ready_file=ready_file, **settings))
        return started[-1]

    yield start
    for dev in started:
        dev.clean_up()


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One `ingest dev`, with two API processes and two workers, for the tests of a module."""
    running = Dev(tmp_path_factory.mktemp("dev"), "--api", "2", "--workers", "2")
    try:
        yield running.wait_ready()
    finally:
        running.clean_up()
    running.check_nothing_left()


@dataclass
class Command:
    """A running `ingest …`, with what it says on standard error."""

    process: "subprocess.Popen[bytes]"
    complaints: Path

    def logged(self, message: str) -> dict[str, Any] | None:
        """The first line of its log with this message."""
        for line in self.complaints.read_text().splitlines():
            if line.startswith("{") and (event := json.loads(line))["message"] == message:
                return dict(event)
        return None

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, f"still not: {what}\n{self.complaints.read_text()}"
            time.sleep(POLL)

    def serving(self) -> dict[str, Any]:
        """What it says once all its processes serve."""
        self.until(lambda: self.logged("processes serve"), "processes that serve")
        return self.logged("processes serve") or {}

    def children(self) -> list[int]:
        """The processes that it runs now."""
        return [child.pid for child in psutil.Process(self.process.pid).children()]


Start = Callable[..., Command]


@pytest.fixture
def start(dev: Dev, tmp_path: Path) -> Iterator[Start]:
    """Starts `ingest …` on the servers of `dev`, with a folder of its own for what is temporary."""
    started: list[Command] = []
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    def run(*arguments: str, **settings: str) -> Command:
        complaints = tmp_path / f"complaints-{len(started)}"
        environment = {
            **clean_environment(),
            "INGEST_DATABASE_URL": dev.ready["databaseUrl"],
            "INGEST_REDIS_URL": dev.ready["redisUrl"],
            "TMPDIR": str(temporary),
            **settings,
        }
        with complaints.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "ingest", *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
            )
        started.append(Command(process, complaints))
        return started[-1]

    yield run
    for command in started:
        if command.process.poll() is None:
            command.process.terminate()
        command.process.wait(TIMEOUT)
    assert list(temporary.iterdir()) == []
