"""The parts that a supervisor looks after: child processes that can be started again."""

import asyncio
import os
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from ingest.errors import ConfigurationError
from ingest.processes.children import die_with_parent, signal_session
from ingest.readiness import READY_FD
from ingest.settings import PART

START_TIMEOUT = 60.0
"""How long a part may take to answer, in seconds."""
FAULTS_SEED = "INGEST_FAULTS_SEED"
"""What of the environment is extended for each start of a process."""
POLL = 0.05
"""How often to look whether a process has ended, in seconds."""


class Part(ABC):
    """One child process that can be started any number of times.

    Args:
        kind: the part's entry in the ready file.
        name: how messages call it.
        stop_signal: what asks it to stop.
        grace: how long it may take to stop before it is killed, in seconds.
    """

    def __init__(self, kind: str, name: str, stop_signal: signal.Signals, grace: float) -> None:
        self.kind = kind
        self.name = name
        self._stop_signal = stop_signal
        self._grace = grace

    @property
    @abstractmethod
    def process(self) -> subprocess.Popen[bytes] | None:
        """The process that was started last."""

    @abstractmethod
    async def _start(self) -> None:
        """Start the process and wait until it answers."""

    async def start(self) -> None:
        """Start the part and wait until it answers.

        Raises:
            ConfigurationError: it stopped before, took longer than `START_TIMEOUT`, or the system
                refused; nothing of it runs then.
        """
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await self._start()
        except TimeoutError:
            await self.stop()
            raise ConfigurationError(
                f"{self.name} does not answer after {START_TIMEOUT:.0f} s"
            ) from None
        except OSError as error:  # no memory, no space, no processes left
            await self.stop()
            raise ConfigurationError(f"{self.name} cannot be started: {error}") from error

    async def exited(self) -> int:
        """Wait until the process has ended; its exit status, negative for a signal."""
        if self.process is None:
            return 0
        while (status := self.process.poll()) is None:  # noqa: ASYNC110 - nobody else reaps it
            await asyncio.sleep(POLL)
        return status

    async def stop(self) -> None:
        """Ask the process to stop, kill it when its grace is over, and wait until it is gone."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(self._stop_signal)
        try:
            async with asyncio.timeout(self._grace):
                await self.exited()
        except TimeoutError:
            self.kill()
            await self.exited()

    def kill(self) -> None:
        """Kill the process, and whatever it started, at once."""
        if self.process is not None:
            signal_session(self.process, signal.SIGKILL)


class ProcessPart(Part):
    """A process of the service's own, which says by `ingest.readiness` when it accepts work.

    Args:
        command: the program and its arguments.
        environment: all of its environment, but for what this adds.
        orphaned: what the process gets when we are killed.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        grace: float,
        orphaned: signal.Signals = signal.SIGKILL,
    ) -> None:
        super().__init__(kind, name, signal.SIGTERM, grace)
        self._command = list(command)
        self._environment = {**environment, PART: name.replace(" ", "-")}
        self._orphaned = orphaned
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        return self._process

    async def _start(self) -> None:
        announced, announce = os.pipe()
        try:
            self._process = self._spawn(announce)
        finally:
            os.close(announce)
        try:
            said = await _first_byte(announced)
        finally:
            os.close(announced)
        if not said:
            status = await self.exited()
            raise ConfigurationError(f"{self.name} stopped with status {status} while starting")

    def _spawn(self, announce: int) -> subprocess.Popen[bytes]:
        """Start the process in a session of its own, so that Ctrl-C reaches only us."""
        self._starts += 1
        return subprocess.Popen(  # noqa: S603 - our own program
            self._command,
            env={**self._environment, READY_FD: str(announce), **self._seed()},
            stdin=subprocess.DEVNULL,
            pass_fds=[announce],
            start_new_session=True,
            preexec_fn=die_with_parent(self._orphaned),
        )

    def _seed(self) -> dict[str, str]:
        """Each start its own sequence of planned faults, or one that crashes would never get on."""
        seed = self._environment.get(FAULTS_SEED, "")
        return {FAULTS_SEED: f"{seed}/{self.name}/{self._starts}"}


async def _first_byte(descriptor: int) -> bytes:
    """The first byte of a pipe; empty when its other end was closed without one."""
    readable = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, 1)
