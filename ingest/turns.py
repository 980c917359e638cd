"""Turns at what only a few may have at a time, shared fairly between accounts.

::

    waiting of account a ─▶ its own few ─┐
    waiting of account b ─▶ its own few ─┴─▶ all ─▶ turn

Of each account only as many as it may have wait for all others, in the order in which they came. So
a turn is at most as far away as there are accounts, however many of one of them wait.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class PerName:
    """A few at a time of each name."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._places: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, name: str) -> asyncio.Semaphore:
        """The places of a name, which last for as long as they are in use."""
        places = self._places.get(name)
        if places is None:
            places = self._places[name] = asyncio.Semaphore(self._most)
        return places


class Turns:
    """A few at a time in all, and of each account."""

    def __init__(self, most: int, of_account: int) -> None:
        self._all = asyncio.Semaphore(most)
        self._own = PerName(of_account)
        self._held: dict[str, list[asyncio.Semaphore]] = {}

    async def acquire(self, account: str) -> None:
        """Wait for a turn."""
        own = self._own.of(account)
        await own.acquire()
        try:
            await self._all.acquire()
        except BaseException:
            own.release()
            raise
        self._held.setdefault(account, []).append(own)

    def release(self, account: str) -> None:
        """End a turn of an account."""
        held = self._held[account]
        own = held.pop()
        if not held:
            del self._held[account]
        self._all.release()
        own.release()

    @asynccontextmanager
    async def taken(self, account: str) -> AsyncIterator[None]:
        """A turn for as long as the block lasts."""
        await self.acquire(account)
        try:
            yield
        finally:
            self.release(account)
