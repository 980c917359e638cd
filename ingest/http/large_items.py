"""Items of more than ordinary size in streams: what they cost, however many senders there are."""

import asyncio

from ingest.errors import Unavailable


class LargeItems:
    """What one process spends on them: one is worked on at a time, and so many bytes are held.

    Nobody keeps others from working while its client is waited for. What has come of its item
    until then counts, and whoever would hold too much is refused.
    """

    def __init__(self, limit: int = 64 * 1024 * 1024) -> None:
        """Args: `limit` in bytes; an item that is alone may be larger."""
        self.lock = asyncio.Lock()
        self._limit = limit
        self._held = 0

    def change(self, before: int, after: int) -> None:
        """Say that somebody holds `after` bytes and no longer `before`.

        Raises:
            Unavailable: all together would be too much; nothing is changed.
        """
        held = self._held - before + after
        if after > before < self._held and held > self._limit:
            raise _too_many()
        self._held = held


class LargeItem:
    """The part of one request in it. It may be told the same thing twice."""

    def __init__(self, all_: LargeItems, seconds: float) -> None:
        """Args: `seconds` is how long it waits for others that are worked on."""
        self._all = all_
        self._seconds = seconds
        self._working = False
        self._held = 0

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
            raise _too_many() from None
        self._working = True

    def hold(self, size: int) -> None:
        """Say how many bytes of it there are.

        Raises:
            Unavailable: it has grown, and there are too many of others.
        """
        self._all.change(self._held, size)
        self._held = size

    def rest(self) -> None:
        """Let others be worked on."""
        if self._working:
            self._working = False
            self._all.lock.release()

    def end(self) -> None:
        """It is complete, or given up."""
        self.rest()
        self.hold(0)


def _too_many() -> Unavailable:
    return Unavailable(
        "Too many items of this size are being read", "Send it again.", retry_after=5
    )
