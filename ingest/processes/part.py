"""A part: a child process that can be started again, and that leaves nothing behind."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self

from ingest.errors import ConfigurationError

POLL = 0.05
"""How often to check whether a part answers, or has ended, in seconds."""
_PR_SET_PDEATHSIG = 1


class Part(ABC):
    """One child process; a subclass spawns it and knows when it answers.

    It runs in a session of its own, so that Ctrl-C on a terminal reaches only us.
    """

    kind: str
    """Its entry in the ready file."""
    name: str
    """What messages call it."""
    start_timeout: float = 60.0
    """How long it may take to answer, in seconds."""
    grace: float = 30.0
    """How long it may take to stop before it is killed, in seconds."""
    stop_signal: signal.Signals = signal.SIGTERM
    orphaned: signal.Signals
    """What it gets when we are killed; see `die_with_parent`."""
    process: subprocess.Popen[bytes] | None = None
    """The process that was started last."""

    @property
    def alive(self) -> bool:
        """Whether the process runs, answering or not."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """The process id.

        Raises:
            RuntimeError: it was not started.
        """
        if self.process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self.process.pid

    async def start(self) -> None:
        """Start the process and wait until it answers; do nothing while it runs.

        Raises:
            ConfigurationError: it stopped before it answered, took longer than `start_timeout`, or
                the system refused; nothing of it runs then.
        """
        if self.alive:
            return
        try:
            await self._start()
        except BaseException as error:
            await self.stop()
            if isinstance(error, OSError):  # no memory, space or processes left
                raise ConfigurationError(f"{self.name} cannot be started: {error}") from error
            raise

    async def exited(self) -> int:
        """Wait until the process has ended; its exit status, negative for a signal."""
        if self.process is None:
            return 0
        while (status := self.process.poll()) is None:  # noqa: ASYNC110 - `poll` reaps it
            await asyncio.sleep(POLL)
        return status

    async def stop(self) -> None:
        """Stop the process, kill it when its grace is over, and wait until it is gone."""
        if self.process is not None and self.alive:
            self.process.send_signal(self.stop_signal)
        try:
            async with asyncio.timeout(self.grace):
                await self.exited()
        except TimeoutError:
            self.kill()
            await self.exited()

    def kill(self) -> None:
        """Kill the process, and all that it started, at once."""
        if self.alive:
            os.killpg(self.pid, signal.SIGKILL)

    @abstractmethod
    async def _start(self) -> None:
        """Spawn the process and wait until it answers."""

    def _spawn(
        self, command: Sequence[str], environment: Mapping[str, str], **options: Any
    ) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent(self.orphaned),
            **options,
        )

    async def _wait_for(self, answers: Callable[[], Awaitable[bool]]) -> None:
        try:
            async with asyncio.timeout(self.start_timeout):
                while not await answers():
                    if not self.alive:
                        reason = f"stopped with status {await self.exited()} while starting"
                        raise ConfigurationError(f"{self.name} {reason}{self._details()}")
                    await asyncio.sleep(POLL)
        except TimeoutError:
            reason = f"does not answer after {self.start_timeout:.0f} s"
            raise ConfigurationError(f"{self.name} {reason}{self._details()}") from None

    def _details(self) -> str:
        """What a message about a failed start ends with."""
        return ""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn` for `Popen`: the child gets a signal when the thread that starts it ends.

    `Popen` calls it after the change of user, which would undo it. Only Linux offers this;
    elsewhere it is None, and the next start stops what a killed process left running.
    """
    if sys.platform != "linux":
        return None
    parent = os.getpid()
    library = ctypes.CDLL(None, use_errno=True)

    def request_signal() -> None:
        library.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # killed before the request
            os._exit(1)

    return request_signal
