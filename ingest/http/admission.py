"""Every limit of memory and of turns that the bodies of one process share.

Each account may take a part of it: what one sends never keeps out what others send.
"""

import asyncio
from collections import Counter

from ingest.errors import Unavailable
from ingest.turns import PerName, Turns

LARGE_ITEMS = 64 * 1024 * 1024
"""Bytes that all large items of streams may hold together."""
WINDOWS = 128 * 1024 * 1024
"""Bytes that all streams of zstd may hold to go on from."""
BODIES = 192 * 1024 * 1024
"""Bytes that all long bodies may hold together while they arrive."""
ANSWERS = 96 * 1024 * 1024
"""Bytes that all long answers may hold together until their clients have read them."""
LONG = 64 * 1024
"""Bytes beyond which a body is long."""
STREAM = 2 * 1024 * 1024
"""Bytes that a stream holds at most, besides a large item: a chunk that is made, and one that is
written."""
READS = 4
"""Lists and batches that are being made into answers, each of which may be long."""
PLACES = 3
"""Long bodies that may be decoded; of one account, one is validated while the next is decoded and
claimed."""
_RETRY_AFTER = 5  # seconds: a body, or what is worked on of it, rarely takes longer


class Admission:
    """What bodies wait for, and what they are refused for."""

    def __init__(self, share: float) -> None:
        """Args: `share` is the part that one account may take."""
        self.turn = Turns(1, 1)
        """Held while a piece of a stream is worked on: no request waits for more than one of each
        other account."""
        self.places = Turns(PLACES, max(1, int(share * PLACES)))
        """How many long bodies may be decoded and not yet validated."""
        self.reads = Turns(READS, max(1, int(share * READS)))
        """Held until an answer is made, and not while its client reads it."""
        self.beside_the_loop = Turns(1, 1)
        """Held by a body that a thread decodes, which has its place already."""
        self.large_item = Turns(1, 1)
        """Held while a large item of a stream is worked on, and not while its client sends."""
        self.large_items = Budget(LARGE_ITEMS, share, "Too many items of this size are being read")
        self.windows = Budget(WINDOWS, share, "Too many bodies of zstd are being read")
        self.bodies = Budget(BODIES, share, "Too many long bodies are being read")
        self.answers = Budget(ANSWERS, share, "Too many long answers are being read")
        self.unknown_callers = PerName(1)
        """By address: whose body is read to find out who calls."""


class Budget:
    """Memory that requests side by side may hold for one purpose: in all, and those of one
    account."""

    def __init__(self, limit: int, share: float, refusal: str) -> None:
        """
        Args:
            limit: in bytes; a request that is alone may hold more.
            share: the part of it for one account.
            refusal: what a request is answered for which nothing is left.
        """
        self._limit = limit
        self._of_account = int(share * limit)
        self._refusal = refusal
        self._held: Counter[str] = Counter()

    def change(self, account: str, before: int, after: int) -> None:
        """Count a request of an account that holds `after` bytes and no longer `before`.

        Raises:
            Unavailable: all together would be too much, or those of the account; nothing is
                changed.
        """
        own, total = self._held[account], self._held.total()
        more = after - before
        if more > 0 and (
            (before < total and total + more > self._limit)
            or (before < own and own + more > self._of_account)
        ):
            raise self.exhausted()
        self._held[account] += more
        if not self._held[account]:
            del self._held[account]

    def exhausted(self) -> Unavailable:
        """The answer to a request for which nothing is left."""
        return Unavailable(self._refusal, "Send it again.", retry_after=_RETRY_AFTER)


class Share:
    """The part of one request in a budget."""

    def __init__(self, budget: Budget, account: str) -> None:
        self._budget = budget
        self._account = account
        self._held = 0

    def hold(self, size: int) -> None:
        """Set how many bytes the request holds.

        Raises:
            Unavailable: it has grown, and others hold too much.
        """
        if size != self._held:
            self._budget.change(self._account, self._held, size)
            self._held = size


class LargeItem:
    """The large item that one request may be at; each call may be repeated.

    What has come of it counts until it is complete. A request that waits for its client lets other
    large items be worked on.
    """

    def __init__(self, admission: Admission, account: str, timeout: float) -> None:
        """Args: `timeout` is how many seconds it waits for others that are worked on."""
        self._turn = admission.large_item
        self._budget = admission.large_items
        self._account = account
        self._timeout = timeout
        self._working = False
        self._share = Share(admission.large_items, account)

    async def work(self) -> None:
        """Wait until no other is worked on.

        Raises:
            Unavailable: others are, for too long.
        """
        if self._working:
            return
        try:
            async with asyncio.timeout(self._timeout):
                await self._turn.acquire(self._account)
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
            self._turn.release(self._account)

    def end(self) -> None:
        """It is complete, or given up."""
        self.rest()
        self.hold(0)
