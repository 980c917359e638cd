"""The real stack as `ingest dev` runs it, and what can be done to its processes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from tests.processes import clean_environment, runs

ROOT = Path(__file__).parents[2]
TIMEOUT = 60.0
"""How long to wait for what must happen, in seconds."""
POLL = 0.02
_ARGUMENTS = {"api": ["-m", "ingest", "serve"], "worker": ["-m", "workers"]}
_INJECTED = str(Path(__file__).parent / "injected")
_NAMES = {"postgres": "postgres", "redis": "valkey-server"}


class Stack:
    """A running `ingest dev`, with settings by name: `sweep_after="1"`.

    Args:
        folder: where it keeps its data and its log.
        faults: what its processes suffer, as `tests.chaos.faults` reads it.
        seed: decides when.
    """

    def __init__(
        self,
        folder: Path,
        *,
        api: int = 2,
        workers: int = 2,
        faults: str = "",
        seed: int = 0,
        **settings: str,
    ) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.ready_file = folder / "ready.json"
        self._parts = {"api": api, "worker": workers, "postgres": 1, "redis": 1}
        self._environment = {f"INGEST_{name.upper()}": value for name, value in settings.items()}
        if faults:
            self._environment |= self.suffering(faults, seed)
        self._process: subprocess.Popen[bytes] | None = None
        self._extra: list[subprocess.Popen[bytes]] = []

    async def __aenter__(self) -> Self:
        arguments = ["dev", "--port", "0", "--data-dir", str(self.folder / "data")]
        arguments += ["--ready-file", str(self.ready_file)]
        arguments += ["--api", str(self._parts["api"]), "--workers", str(self._parts["worker"])]
        with open(self.log, "ab") as log:  # noqa: ASYNC230 - nothing else runs yet
            self._process = subprocess.Popen(  # noqa: ASYNC220
                [sys.executable, "-m", "ingest", *arguments],
                cwd=ROOT,
                env={**clean_environment(), "INGEST_LOG_FORMAT": "json", **self._environment},
                stdout=log,
                stderr=log,
            )
        try:
            await self.until(self.ready_file.exists, "the ready file")
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process is not None
        for process in [*self._extra, *self._children()]:
            _send(process.pid, signal.SIGCONT)
        self.dismiss()
        self._process.terminate()
        try:
            await asyncio.to_thread(self._process.wait, TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    @property
    def ready(self) -> dict[str, Any]:
        """What the ready file says: `url`, `token`, `databaseUrl`, `redisUrl`, `pids`."""
        content: dict[str, Any] = json.loads(self.ready_file.read_text())
        return content

    def pids(self, kind: str) -> list[int]:
        """The processes of one kind (`api`, `worker`, `postgres`, `redis`) that run now."""
        return sorted(process.pid for process in self._children() if _is(process, kind))

    def send(self, kind: str, number: signal.Signals, which: int = 0) -> int | None:
        """Send a signal to one process of a kind; its id, None where none runs at this moment."""
        running = self.pids(kind)
        if not running:
            return None
        pid = running[which % len(running)]
        return pid if _send(pid, number) else None

    def send_all(self, kind: str, number: signal.Signals) -> None:
        """Send a signal to every process of a kind."""
        for pid in self.pids(kind):
            _send(pid, number)

    def freeze_database(self, number: signal.Signals) -> None:
        """SIGSTOP or SIGCONT to PostgreSQL and all of its processes."""
        server = psutil.Process(self.pids("postgres")[0])
        for process in [server, *server.children(recursive=True)]:
            _send(process.pid, number)

    async def until(
        self, condition: Callable[[], bool], what: str, within: float = TIMEOUT
    ) -> float:
        """Wait until `condition` holds; how many seconds that took."""
        assert self._process is not None
        began = time.monotonic()
        while not condition():
            if self._process.poll() is not None:
                raise AssertionError(f"ingest dev ended: {self.log.read_text()[-2000:]}")
            if time.monotonic() - began > within:
                raise AssertionError(f"after {within:.0f} s still not: {what}")
            await asyncio.sleep(POLL)
        return time.monotonic() - began

    async def gone(self, pid: int) -> float:
        """Wait until a process has ended; how many seconds that took."""
        return await self.until(lambda: not runs(pid), f"the end of process {pid}")

    async def complete(self) -> float:
        """Wait until every part runs and answers; how many seconds that took."""
        return await self.until(self._is_complete, "every part")

    def _is_complete(self) -> bool:
        """The ready file is rewritten once every part answers that was started again."""
        answering = self.ready["pids"]
        return all(
            self.pids(kind) == sorted(answering[kind]) and len(answering[kind]) == count
            for kind, count in self._parts.items()
        )

    def suffering(self, faults: str, seed: int) -> dict[str, str]:
        """The environment of a process of this stack that suffers planned faults."""
        starts = self.folder / "starts"
        starts.mkdir(exist_ok=True)
        return {
            "PYTHONPATH": _INJECTED,
            "CHAOS_FAULTS": faults,
            "CHAOS_FAULTS_SEED": str(seed),
            "CHAOS_STARTS": str(starts),
        }

    def hire(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run one more worker, with the environment of the stack's own and more."""
        own = psutil.Process(self.pids("worker")[0]).environ()
        own.pop("INGEST_READY_FD", None)
        with open(self.log, "ab") as log:
            self._extra.append(
                subprocess.Popen(
                    [sys.executable, *command],
                    cwd=ROOT,
                    env={**own, **environment},
                    stdout=log,
                    stderr=log,
                )
            )

    def dismiss(self) -> None:
        """End the workers that were hired."""
        for process in self._extra:
            process.kill()
            process.wait()
        self._extra.clear()

    def faults(self) -> dict[str, int]:
        """How often each planned fault has happened, by its point."""
        counts: dict[str, int] = {}
        for line in self.log.read_text().splitlines():
            if '"message":"fault"' in line:
                point = json.loads(line)["point"]
                counts[point] = counts.get(point, 0) + 1
        return counts

    def _children(self) -> list[psutil.Process]:
        assert self._process is not None
        try:
            return psutil.Process(self._process.pid).children()
        except psutil.NoSuchProcess:
            return []


def _send(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _is(process: psutil.Process, kind: str) -> bool:
    """Whether a process is a running part of this kind."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if kind in _NAMES:  # Valkey rewrites its command line
            return process.name() == _NAMES[kind]
        return process.cmdline()[1:] == _ARGUMENTS[kind]
    except psutil.Error:
        return False
