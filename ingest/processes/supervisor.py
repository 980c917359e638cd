"""Keeps parts running: starts again what dies, and stops everything in order."""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import NoReturn

import structlog

from ingest import readiness
from ingest.errors import ConfigurationError
from ingest.processes.part import Part

FIRST_DELAY, LAST_DELAY = 0.1, 2.0
"""How long to wait before a part is started again: doubled each time, in seconds."""
SETTLED = 10.0
"""After how many seconds of running a part's next death counts as its first."""

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_log = structlog.get_logger(__name__)


class Supervisor:
    """Parts in groups; the groups stop in reverse order of starting."""

    def __init__(self) -> None:
        self._groups: list[Sequence[Part]] = []
        self._down: set[Part] = set()

    def pids(self) -> dict[str, list[int]]:
        """The process ids of the parts, by kind."""
        found: dict[str, list[int]] = {}
        for part in self._parts():
            if part.process is not None:
                found.setdefault(part.kind, []).append(part.process.pid)
        return found

    async def run(self, work: Coroutine[None, None, None]) -> None:
        """Run `work` until SIGINT, SIGTERM or SIGHUP, then stop every part; a second signal kills.

        Raises:
            ConfigurationError: what `work` raised, after everything was stopped.
        """
        working, stopping = asyncio.create_task(work), asyncio.Event()

        def on_signal() -> None:
            if stopping.is_set():
                self.kill()
            else:
                readiness.stopping()
            stopping.set()
            working.cancel()

        for number in _STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, on_signal)
        try:
            await working
        except asyncio.CancelledError:
            if not stopping.is_set():
                raise
        finally:
            await self.stop()

    async def start(self, *groups: Sequence[Part]) -> None:
        """Start all parts of these groups side by side, and wait until each answers.

        Raises:
            ConfigurationError: one of them did not start; the others may run.
        """
        self._groups.extend(groups)
        try:
            async with asyncio.TaskGroup() as starting:
                for group in groups:
                    for part in group:
                        starting.create_task(part.start())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def keep(self, on_recovery: Callable[[], None] = lambda: None) -> None:
        """Start again whatever dies, until cancelled.

        Args:
            on_recovery: called whenever a part was started again and all parts answer.
        """
        async with asyncio.TaskGroup() as keeping:
            for part in self._parts():
                keeping.create_task(self._keep(part, on_recovery))

    async def stop(self) -> None:
        """Stop every part, the group that was started last first."""
        for group in reversed(self._groups):
            await asyncio.gather(*(part.stop() for part in group))

    def kill(self) -> None:
        """Kill every part at once."""
        for part in self._parts():
            part.kill()

    def _parts(self) -> list[Part]:
        """Every part, in order of starting."""
        return [part for group in self._groups for part in group]

    async def _keep(self, part: Part, on_recovery: Callable[[], None]) -> NoReturn:
        delay = FIRST_DELAY
        while True:
            began = time.monotonic()
            status = await part.exited()
            self._down.add(part)
            _log.warning("a part stopped and is started again", part=part.name, status=status)
            if time.monotonic() - began > SETTLED:
                delay = FIRST_DELAY
            while not part.alive:
                await asyncio.sleep(delay)
                delay = min(2 * delay, LAST_DELAY)
                try:
                    await part.start()
                except ConfigurationError as error:
                    _log.error("a part does not start", part=part.name, reason=str(error))
            self._down.discard(part)
            _log.info("a part answers again", part=part.name)
            if not self._down:
                on_recovery()
