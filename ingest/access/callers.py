"""Who calls, remembered for less than a second: most requests need no database to find out.

A token that is in use is looked up again before its answer is too old, behind the requests that
send it, so that none of them waits. Requests that send one token share one look-up. Tokens that
were not valid a moment ago are strangers: few of them are looked up at a time, and what was
learnt of them has room of its own, so that a flood of guesses displaces nobody and takes no more
than a few of the database's connections.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ingest.access.rights import Caller
from ingest.access.secrets import digest_of, is_token
from ingest.errors import Unavailable

LIFETIME = 0.8
"""Seconds that an answer is used, from before it was asked for: a revocation is heard within it."""
RENEW_AFTER = 0.4
"""Seconds after which a valid token is looked up again, while its answer is still used."""

MAX_KNOWN = 10_000  # answers kept of each kind
MAX_LOOKUPS = 2  # of strangers, at a time
MAX_WAITING = 500  # look-ups of strangers, at a time, before more are turned away

Find = Callable[[bytes], Awaitable[Caller | None]]


@dataclass(frozen=True, slots=True)
class _Answer:
    caller: Caller | None
    asked_at: float


class Callers:
    """The callers of one process, by their tokens' digests; a token itself is not kept."""

    def __init__(self, find: Find, clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._known: OrderedDict[bytes, _Answer] = OrderedDict()
        self._strangers: OrderedDict[bytes, _Answer] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Caller | None]] = {}
        self._turns = asyncio.Semaphore(MAX_LOOKUPS)
        self._waiting = 0

    async def find(self, token: str) -> Caller | None:
        """Who a token belongs to; None where it is unknown, revoked or has expired.

        Raises:
            Unavailable: the database is away, or there are too many unknown tokens at once.
        """
        if not is_token(token):
            return None
        digest = digest_of(token)
        answer = self._known.get(digest) or self._strangers.get(digest)
        if answer is None:
            return await self._ask(digest)
        age = self._clock() - answer.asked_at
        if age >= LIFETIME:
            return await self._ask(digest)
        if age >= RENEW_AFTER and answer.caller is not None:
            self._start(digest)
        return answer.caller

    async def close(self) -> None:
        """End the look-ups that are under way."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, digest: bytes) -> Caller | None:
        # One request may give up; the others still want the answer.
        return await asyncio.shield(self._start(digest))

    def _start(self, digest: bytes) -> "asyncio.Task[Caller | None]":
        task = self._asking.get(digest)
        if task is None:
            task = asyncio.create_task(self._look_up(digest))
            self._asking[digest] = task
            task.add_done_callback(lambda done: self._done(digest, done))
        return task

    def _done(self, digest: bytes, task: "asyncio.Task[Caller | None]") -> None:
        del self._asking[digest]
        if not task.cancelled():
            task.exception()  # whoever awaits it hears of it; nobody may be

    async def _look_up(self, digest: bytes) -> Caller | None:
        if digest in self._known:
            return await self._answer(digest)
        if self._waiting >= MAX_WAITING:
            raise Unavailable("Too many unknown tokens are being looked up", retry_after=1)
        self._waiting += 1
        try:
            async with self._turns:
                return await self._answer(digest)
        finally:
            self._waiting -= 1

    async def _answer(self, digest: bytes) -> Caller | None:
        asked_at = self._clock()
        caller = await self._find(digest)
        self._strangers.pop(digest, None)
        self._known.pop(digest, None)
        kept = self._strangers if caller is None else self._known
        kept[digest] = _Answer(caller, asked_at)
        if len(kept) > MAX_KNOWN:
            kept.popitem(last=False)
        return caller
