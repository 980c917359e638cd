"""Items of more than ordinary size in streams: what they cost, however many senders there are."""

import asyncio

from ingest.http.budget import Budget, Share


class LargeItems:
    """What one process spends on them: one is worked on at a time, and so many bytes are held.

    Nobody keeps others from working while its client is waited for. What has come of its item
    until then counts, and whoever would hold too much is refused.
    """

    def __init__(self, limit: int = 64 * 1024 * 1024) -> None:
        """Args: `limit` in bytes; an item that is alone may be larger."""
        self.lock = asyncio.Lock()
        self.budget = Budget(limit, "Too many items of this size are being read")


class LargeItem:
    """The part of one request in it. It may be told the same thing twice."""

    def __init__(self, all_: LargeItems, seconds: float) -> None:
        """Args: `seconds` is how long it waits for others that are worked on."""
        self._all = all_
        self._seconds = seconds
        self._working = False
        self._share = Share(all_.budget)

    async def work(self) -> None:
        """Wait until no other is worked on.

        Raises:
            Unavailable: others are, for too long.
        """
        if self._working:
            return
        try:
            async with asyncio.timeout(self._seconds):
                await self._all.lock.acquire()
        except TimeoutError:
            raise self._all.budget.exhausted() from None
        self._working = True

    def hold(self, size: int) -> None:
        """Say how many bytes of it there are.

        Raises:
            Unavailable: it has grown, and there are too many of others.
        """
        self._share.hold(size)

    def rest(self) -> None:
        """Let others be worked on."""
        if self._working:
            self._working = False
            self._all.lock.release()

    def end(self) -> None:
        """It is complete, or given up."""
        self.rest()
        self.hold(0)
