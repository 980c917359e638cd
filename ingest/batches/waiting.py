"""Waiting for batches to finish: woken by the doorbell, and by the database where that is lost."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

from ingest.batches.announcements import Announced
from ingest.batches.doorbell import Doorbell
from ingest.errors import ConfigurationError, Unavailable
from ingest.model import Counts
from ingest.redis import RedisFailed
from ingest.store import batches
from ingest.store.pool import Pool
from ingest.tasks import end

_POLL = 0.1  # seconds between two look-ups in the database, while requests wait
_RECONNECT = 0.5  # seconds before what carries announcements is tried again
_FIRST = 1.0  # seconds before PostgreSQL is listened to, which is for when Redis fails


class Waiters:
    """The requests of this process that wait for a batch."""

    def __init__(self, pool: Pool, doorbell: Doorbell) -> None:
        self._pool = pool
        self._doorbell = doorbell
        self._waiting: dict[UUID, Waited] = {}
        self._any = asyncio.Event()

    @contextmanager
    def expecting(self, account: str, batch: UUID) -> Iterator["Waited"]:
        """Wait for a batch. Enter before it can be finished."""
        waited = self._waiting.setdefault(batch, Waited(account))
        waited.waiters += 1
        self._any.set()
        try:
            yield waited
        finally:
            waited.waiters -= 1
            if not waited.waiters:
                del self._waiting[batch]

    async def run(self) -> None:
        """Wake waiters until cancelled."""
        parts = (
            self._listen(self._doorbell.finished),
            self._listen(self._doorbell.finished_by_notice, pause=_FIRST),
            self._poll(),
        )
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            await asyncio.gather(*tasks)
        finally:
            await end(tasks)

    async def _listen(
        self, announced: Callable[[], AsyncIterator[list[Announced]]], *, pause: float = 0.0
    ) -> None:
        while True:
            await asyncio.sleep(pause)
            pause = _RECONNECT
            with suppress(RedisFailed, Unavailable, ConfigurationError):
                async for finished in announced():
                    for batch, counts in finished:
                        self._wake(batch, counts)

    async def _poll(self) -> None:
        while True:
            await self._any.wait()
            await asyncio.sleep(_POLL)
            late = self.late()
            if not self._waiting:
                self._any.clear()
            await self._look_up(late)

    def late(self) -> dict[str, list[UUID]]:
        """Batches by account that are unfinished, and were waited for at the last call, too.

        Most are announced before that, and need no look-up.
        """
        by_account: dict[str, list[UUID]] = defaultdict(list)
        for batch, waited in self._waiting.items():
            if waited.late and not waited.finished.is_set():
                by_account[waited.account].append(batch)
            waited.late = True
        return by_account

    async def _look_up(self, by_account: dict[str, list[UUID]]) -> None:
        for account, waiting in by_account.items():
            try:
                for batch in await batches.finished_among(self._pool, account, waiting):
                    self._wake(batch)
            except (Unavailable, ConfigurationError):
                return  # the next round tries again

    def _wake(self, batch: UUID, counts: Counts | None = None) -> None:
        waited = self._waiting.get(batch)
        if waited is not None:
            waited.counts = waited.counts or counts
            waited.finished.set()


@dataclass(slots=True)
class Waited:
    """A batch that requests wait for."""

    account: str
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    counts: Counts | None = None
    """Those that were announced with it, if they were."""
    waiters: int = 0
    late: bool = False
    """Whether it was waited for in the last round already."""
