"""Backpressure: new writes are refused while too much of what was accepted is unfinished.

PostgreSQL knows how much that is. A process reads it a few times a second while there is traffic,
and adds what it has itself accepted since. The bound can be passed by what is being staged at that
moment, and by what other processes accept between two readings.
"""

import asyncio
import datetime as dt
import math
from collections import deque
from dataclasses import dataclass

import structlog

from ingest import metrics
from ingest.errors import ConfigurationError, Overloaded, Unavailable
from ingest.settings import Settings
from ingest.store.backlog import Waiting, read_waiting
from ingest.store.batches import find_by_key
from ingest.store.pool import Pool
from ingest.tasks import end

log = structlog.get_logger(__name__)

_EVERY = 0.25  # seconds between two readings
_SHARE = 0.05  # of the time that readings may take: a long backlog is read less often
_STALE = 1.0  # seconds beyond that after which a reading says too little to admit a write
_WINDOW = 10.0  # seconds over which the drain rate is measured; two readings may be further apart
_ROOM = 0.9  # of the bound: a request that comes back finds room for more than one
_SHORTEST, _LONGEST = 1, 60  # seconds of Retry-After
_UNMEASURED = 5  # seconds of it while the rate is not known


class DrainRate:
    """How much is finished in a second, from what is left of earlier backlogs."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque()

    def add(self, before: Waiting, now: Waiting) -> None:
        """Learn from two readings, the second of which knows the newest batch of the first.

        However far apart they are, they count until the next ones: without writes, only scrapes
        read.
        """
        seconds = (now.asked_at - before.asked_at).total_seconds()
        while self._samples and (now.asked_at - self._samples[0].since).total_seconds() > _WINDOW:
            self._samples.popleft()
        if not before.items or seconds <= 0:
            return
        if seconds > _WINDOW and not now.known_items:
            return  # it was finished at some unknown time between them
        items = max(before.items - now.known_items, 0)
        size = max(before.bytes - now.known_bytes, 0)
        self._samples.append(_Sample(before.asked_at, seconds, items, size))

    @property
    def items(self) -> float | None:
        """Items a second; None where there was no backlog to learn from."""
        return self._mean([sample.items for sample in self._samples])

    @property
    def bytes(self) -> float | None:
        """Bytes of payload a second."""
        return self._mean([sample.bytes for sample in self._samples])

    def _mean(self, amounts: list[int]) -> float | None:
        seconds = sum(sample.seconds for sample in self._samples)
        return sum(amounts) / seconds if seconds else None


@dataclass(frozen=True, slots=True)
class _Sample:
    since: dt.datetime
    seconds: float
    items: int
    bytes: int


class Backlog:
    """Admits writes, or refuses them; one for each API process."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._max_items = settings.max_backlog_items
        self._max_bytes = settings.max_backlog_bytes
        self._keep = dt.timedelta(seconds=settings.idempotency_ttl)
        self._waiting: Waiting | None = None
        self._read_at = -math.inf
        self._pause = _EVERY
        self._items = self._bytes = 0  # accepted here since the reading
        self._rate = DrainRate()
        self._reading: asyncio.Task[None] | None = None

    async def admit(self, account: str, collection: str, key: str | None) -> None:
        """Admit a write; always one whose key is known already, for it writes nothing.

        Raises:
            Overloaded: too much is unfinished.
            Unavailable: the database is away.
        """
        await self._read_if_old()
        if self._full and not await self._is_known(account, key):
            self.check(collection)

    async def _is_known(self, account: str, key: str | None) -> bool:
        return bool(key and await find_by_key(self._pool, account, key, self._keep))

    def check(self, collection: str) -> None:
        """Check again before a batch is staged: many may have been admitted at the same time.

        Raises:
            Overloaded: too much is unfinished by now.
        """
        if not self._full:
            return
        metrics.refused(collection)
        raise Overloaded(
            "Too much of what was accepted is not committed yet",
            "Nothing was lost; send the same request again after Retry-After seconds.",
            retry_after=self._retry_after(),
        )

    def accepted(self, items: int, size: int) -> None:
        """Add a batch that this process has accepted; `size` is its payload in bytes."""
        self._items += items
        self._bytes += size

    async def refresh(self, at_most: float) -> None:
        """Bring the metrics up to date, or leave them where the database takes its time."""
        if self._now() - self._read_at >= self._pause:
            await asyncio.wait({self._read()}, timeout=at_most)

    async def close(self) -> None:
        """End a reading that is under way."""
        if self._reading is not None:
            await end([self._reading])

    @property
    def _full(self) -> bool:
        waiting = self._waiting
        return waiting is not None and (
            waiting.items + self._items >= self._max_items
            or waiting.bytes + self._bytes >= self._max_bytes
        )

    async def _read_if_old(self) -> None:
        """Know enough to decide: what was read a moment ago will do while there is room."""
        age = self._now() - self._read_at
        if age < self._pause:
            return
        reading = self._read()
        if self._full or age >= self._pause + _STALE:
            await asyncio.shield(reading)

    def _read(self) -> "asyncio.Task[None]":
        """The reading that is under way, or a new one."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_once())
            self._reading.add_done_callback(_log_failure)
        return self._reading

    async def _read_once(self) -> None:
        before = self._waiting
        items, size = self._items, self._bytes
        now = await read_waiting(self._pool, None if before is None else before.newest)
        self._read_at = self._now()
        self._pause = max(_EVERY, now.seconds / _SHARE)
        # Those are in what was read; what was accepted meanwhile may be, and counts as if not.
        self._items -= items
        self._bytes -= size
        if before is not None:
            self._rate.add(before, now)
        self._waiting = now
        metrics.backlog(now.batches, now.items, now.bytes, now.age, self._rate.items or 0.0)

    def _retry_after(self) -> int:
        """Seconds until there is room again, at the rate of late."""
        if self._waiting is None:
            return _UNMEASURED
        items = self._waiting.items + self._items - _ROOM * self._max_items
        size = self._waiting.bytes + self._bytes - _ROOM * self._max_bytes
        return max(_seconds(items, self._rate.items), _seconds(size, self._rate.bytes))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _seconds(excess: float, rate: float | None) -> int:
    if excess <= 0:
        return _SHORTEST
    if rate is None:
        return _UNMEASURED
    if rate <= 0:
        return _LONGEST
    return max(_SHORTEST, min(math.ceil(excess / rate), _LONGEST))


def _log_failure(reading: "asyncio.Task[None]") -> None:
    """Log how a reading failed, for no request may have waited for it."""
    if reading.cancelled() or (error := reading.exception()) is None:
        return
    if not isinstance(error, Unavailable | ConfigurationError):  # those the next write meets too
        log.error("the backlog cannot be read", exc_info=error)
