"""Backpressure: new writes are refused while too much of what was accepted is unfinished.

PostgreSQL knows how much that is. A process reads it a few times a second while there is traffic,
and adds what it has itself accepted since, and what it is staging. The bounds can be passed by what
other processes accept between two readings.

Each account may hold a share of them, so that there is always room for others: what one holds
beyond its share does not count against them.
"""

import asyncio
import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import structlog

from ingest import metrics
from ingest.batches.drain_rate import DrainRate
from ingest.errors import BodyTooLarge, ConfigurationError, Overloaded, Unavailable
from ingest.settings import Settings
from ingest.store.backlog import Pending, Waiting, read_waiting
from ingest.store.batches import find_by_key
from ingest.store.pool import Pool
from ingest.tasks import end

log = structlog.get_logger(__name__)

_EVERY = 0.25  # seconds between two readings
_SHARE = 0.05  # of the time that readings may take: a long backlog is read less often
_STALE = 1.0  # seconds beyond that after which a reading says too little to admit a write
_ROOM = 0.9  # of the bound: a request that comes back finds room for more than one
_WORTH_MEASURING = 8  # an account that holds this part of its share may soon be refused


class Amount(NamedTuple):
    """Items, and bytes of payload."""

    items: int = 0
    bytes: int = 0

    def plus(self, items: int, size: int) -> "Amount":
        return Amount(self.items + items, self.bytes + size)

    def minus(self, other: "Amount") -> "Amount":
        return Amount(self.items - other.items, self.bytes - other.bytes)

    def beyond(self, bound: "Amount") -> "Amount":
        """How much of it is more than a bound."""
        return Amount(max(self.items - bound.items, 0), max(self.bytes - bound.bytes, 0))

    def reaches(self, bound: "Amount") -> bool:
        """Whether either of the two is as much as it may be."""
        return self.items >= bound.items or self.bytes >= bound.bytes


NOTHING = Amount()


class Backlog:
    """Admits writes, or refuses them; one for each API process."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._bound = Amount(settings.max_backlog_items, settings.max_backlog_bytes)
        self._share = Amount(*(max(1, int(settings.account_share * each)) for each in self._bound))
        self._keep = dt.timedelta(seconds=settings.idempotency_ttl)
        self._waiting: Waiting | None = None
        self._read_at = -math.inf
        self._pause = _EVERY
        self._added: dict[str, Amount] = {}  # accepted here since the reading, by account
        self._staging: defaultdict[str, Amount] = defaultdict(Amount)
        self._rate = DrainRate()
        self._rates: dict[str, DrainRate] = {}
        self._reading: asyncio.Task[None] | None = None

    async def admit(self, account: str, collection: str, key: str | None) -> None:
        """Admit a write; always one whose key is known already, for it writes nothing.

        Raises:
            Overloaded: too much is unfinished.
            Unavailable: the database is away.
        """
        await self._read_if_old(account)
        if self._refusal(account) and not await self._is_known(account, key):
            self.check(account, collection)

    async def _is_known(self, account: str, key: str | None) -> bool:
        return bool(key and await find_by_key(self._pool, account, key, self._keep))

    def check(self, account: str, collection: str, own: Amount = NOTHING) -> None:
        """Check again while a batch is staged: many may have been admitted at the same time.

        Args:
            own: what is staged of that batch, which does not stand in its own way.

        Raises:
            Overloaded: too much is unfinished by now.
        """
        refusal = self._refusal(account, own)
        if refusal is not None:
            metrics.refused(collection)
            raise refusal

    @contextmanager
    def staging(self, account: str, collection: str) -> "Iterator[Room]":
        """Count what is staged of a batch while the block lasts."""
        room = Room(self, account, collection)
        try:
            yield room
        finally:
            left = self._staging[account].minus(room.held)
            self._staging[account] = left
            if not any(left):
                del self._staging[account]

    def stage(self, account: str, items: int, size: int) -> None:
        """Count more that is being staged."""
        self._staging[account] = self._staging[account].plus(items, size)

    def accepted(self, account: str, items: int, size: int) -> None:
        """Add a batch that this process has accepted; `size` is its payload in bytes."""
        self._added[account] = self._added.get(account, Amount()).plus(items, size)

    async def refresh(self, at_most: float) -> None:
        """Bring the metrics up to date, or leave them where the database takes its time."""
        if self._now() - self._read_at >= self._pause:
            await asyncio.wait({self._read()}, timeout=at_most)

    async def close(self) -> None:
        """End a reading that is under way."""
        if self._reading is not None:
            await end([self._reading])

    # -- what is held, and by whom --------------------------------------------------------------

    def _refusal(self, account: str, own: Amount = NOTHING) -> Overloaded | None:
        """Why a write of an account cannot be accepted now, where that is so."""
        if self._waiting is None:
            return None
        held = self._held(account).minus(own)
        if held.reaches(self._share):
            rate = self._rates.get(account) or DrainRate()
            return _overloaded("what this account sent", held, self._share, rate)
        whole = self._whole().minus(own)
        if not whole.reaches(self._bound):
            return None
        for each in self._holders():
            whole = whole.minus(self._held(each).beyond(self._share))
        if not whole.reaches(self._bound):
            return None
        return _overloaded("what was accepted", whole, self._bound, self._rate)

    def _held(self, account: str) -> Amount:
        """What an account has pending and in the making."""
        pending = self._waiting.accounts.get(account) if self._waiting else None
        return _sum(
            Amount(pending.items, pending.bytes) if pending else Amount(),
            self._added.get(account, Amount()),
            self._staging.get(account, Amount()),
        )

    def _whole(self) -> Amount:
        total = self._waiting.total if self._waiting else Pending()
        return _sum(
            Amount(total.items, total.bytes), *self._added.values(), *self._staging.values()
        )

    def _holders(self) -> set[str]:
        listed = self._waiting.accounts if self._waiting else {}
        return {*listed, *self._added, *self._staging}

    @property
    def share(self) -> Amount:
        """The most that one account may hold."""
        return self._share

    # -- readings --------------------------------------------------------------------------------

    async def _read_if_old(self, account: str) -> None:
        """Know enough to decide: what was read a moment ago will do while there is room."""
        age = self._now() - self._read_at
        if age < self._pause:
            return
        reading = self._read()
        if self._refusal(account) or age >= self._pause + _STALE:
            await asyncio.shield(reading)

    def _read(self) -> "asyncio.Task[None]":
        """The reading that is under way, or a new one."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_once())
            self._reading.add_done_callback(_log_failure)
        return self._reading

    async def _read_once(self) -> None:
        before, added = self._waiting, dict(self._added)
        now = await read_waiting(self._pool, None if before is None else before.newest)
        self._read_at = self._now()
        self._pause = max(_EVERY, now.seconds / _SHARE)
        # Those are in what was read; what was accepted meanwhile may be, and counts as if not.
        left = {each: self._added[each].minus(amount) for each, amount in added.items()}
        self._added = {each: amount for each, amount in (self._added | left).items() if any(amount)}
        self._waiting = now
        if before is not None:
            self._learn(before, now)
        total = now.total
        metrics.backlog(total.batches, total.items, total.bytes, now.age, self._rate.items or 0.0)

    def _learn(self, before: Waiting, now: Waiting) -> None:
        """Measure how fast the backlog drains, and that of each account that holds much of it."""
        times = before.asked_at, now.asked_at
        self._rate.add(before.total, now.total, *times)
        worth = Amount(*(each // _WORTH_MEASURING for each in self._share))
        held = {*before.accounts, *now.accounts}
        rates = {}
        for account in held:
            was, left = (each.accounts.get(account, Pending()) for each in (before, now))
            if Amount(was.items, was.bytes).reaches(worth):
                rates[account] = self._rates.get(account) or DrainRate()
                rates[account].add(was, left, *times)
        self._rates = rates

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class Room:
    """What one batch takes while it is staged."""

    def __init__(self, backlog: Backlog, account: str, collection: str) -> None:
        self._backlog = backlog
        self._account = account
        self._collection = collection
        self.held = NOTHING

    def take(self, items: int, size: int, *, saves: bool) -> None:
        """Count more items of the batch.

        Args:
            size: bytes of their payload and failures.
            saves: whether they are to be saved, and not only tried.

        Raises:
            BodyTooLarge: the batch would never fit.
            Overloaded: too much is unfinished.
        """
        if saves:
            self._backlog.check(self._account, self._collection, self.held)
        self.held = self.held.plus(items, size)
        self._backlog.stage(self._account, items, size)
        most = self._backlog.share.bytes
        if self.held.bytes > most:
            raise BodyTooLarge(
                f"The items take more than {most} bytes as they are stored",
                "Send them in several requests. Stored as JSON, a control character takes six"
                " bytes.",
            )


def _overloaded(whose: str, held: Amount, bound: Amount, rate: DrainRate) -> Overloaded:
    """The refusal of a write, until there is room again at the rate of late."""
    return Overloaded(
        f"Too much of {whose} is not committed yet",
        "Nothing was lost; send the same request again after Retry-After seconds.",
        retry_after=rate.retry_after(
            held.items - _ROOM * bound.items, held.bytes - _ROOM * bound.bytes
        ),
    )


def _sum(*amounts: Amount) -> Amount:
    return Amount(sum(each.items for each in amounts), sum(each.bytes for each in amounts))


def _log_failure(reading: "asyncio.Task[None]") -> None:
    """Log how a reading failed, for no request may have waited for it."""
    if reading.cancelled() or (error := reading.exception()) is None:
        return
    if not isinstance(error, Unavailable | ConfigurationError):  # those the next write meets too
        log.error("the backlog cannot be read", exc_info=error)
