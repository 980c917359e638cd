"""Every limit of memory and of turns that the bodies of one process share."""

import asyncio
from weakref import WeakValueDictionary

from ingest.errors import Unavailable

LARGE_ITEMS = 64 * 1024 * 1024
"""Bytes that all large items of streams may hold together."""
WINDOWS = 128 * 1024 * 1024
"""Bytes that all streams of zstd may hold to go on from."""
PLACES = 2
"""Long bodies that may be decoded: one is validated while the next is decoded and claimed."""


class Admission:
    """What bodies wait for, and what they are refused for."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        """Held while a piece of a stream is worked on: no request waits for more than one."""
        self.places = asyncio.Semaphore(PLACES)
        """How many long bodies may be decoded and not yet validated."""
        self.beside_the_loop = asyncio.Semaphore(1)
        """Held by a body that a thread decodes. It takes its place afterwards, so that one more
        may be decoded than there are places."""
        self.large_item = asyncio.Lock()
        """Held while a large item of a stream is worked on, and not while its client sends."""
        self.large_items = Budget(LARGE_ITEMS, "Too many items of this size are being read")
        self.windows = Budget(WINDOWS, "Too many bodies of zstd are being read")
        self.unknown_callers = Turns()
        """By address: whose body is read to find out who calls."""


class Turns:
    """One at a time of each name."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, name: str) -> asyncio.Lock:
        """The lock of a name, which lasts for as long as it is in use."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock


class Budget:
    """Memory that requests side by side may hold for one purpose, in all."""

    def __init__(self, limit: int, refusal: str) -> None:
        """
        Args:
            limit: in bytes; a request that is alone may hold more.
            refusal: what a request is answered for which nothing is left.
        """
        self._limit = limit
        self._refusal = refusal
        self._held = 0

    def change(self, before: int, after: int) -> None:
        """Count a request that holds `after` bytes and no longer `before`.

        Raises:
            Unavailable: all together would be too much; nothing is changed.
        """
        held = self._held - before + after
        if after > before < self._held and held > self._limit:
            raise self.exhausted()
        self._held = held

    def exhausted(self) -> Unavailable:
        """The answer to a request for which nothing is left."""
        return Unavailable(self._refusal, "Send it again.", retry_after=5)


class Share:
    """The part of one request in a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held = 0

    def hold(self, size: int) -> None:
        """Set how many bytes the request holds.

        Raises:
            Unavailable: it has grown, and others hold too much.
        """
        self._budget.change(self._held, size)
        self._held = size


class LargeItem:
    """The large item that one request may be at; each call may be repeated.

    What has come of it counts until it is complete. A request that waits for its client lets other
    large items be worked on.
    """

    def __init__(self, admission: Admission, timeout: float) -> None:
        """Args: `timeout` is how many seconds it waits for others that are worked on."""
        self._lock = admission.large_item
        self._budget = admission.large_items
        self._timeout = timeout
        self._working = False
        self._share = Share(admission.large_items)

    async def work(self) -> None:
        """Wait until no other is worked on.

        Raises:
            Unavailable: others are, for too long.
        """
        if self._working:
            return
        try:
            async with asyncio.timeout(self._timeout):
                await self._lock.acquire()
        except TimeoutError:
            raise self._budget.exhausted() from None
        self._working = True

    def hold(self, size: int) -> None:
        """Set how many bytes of it there are. Raises as `Share.hold` does."""
        self._share.hold(size)

    def rest(self) -> None:
        """Let others be worked on."""
        if self._working:
            self._working = False
            self._lock.release()

    def end(self) -> None:
        """It is complete, or given up."""
        self.rest()
        self.hold(0)
