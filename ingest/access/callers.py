"""Tokens: their form, their digests, and the callers that they stand for.

A caller is remembered for less than a second, so that most requests need no database. A token in
use is looked up again before its answer is too old, behind the requests that send it, so that none
of them waits. Requests that send one token share a look-up. Of tokens that were not valid a moment
ago, few are looked up at a time, and what was learnt of them has room of its own: a flood of
guesses displaces no valid token, and takes few of the database's connections.
"""

import asyncio
import hashlib
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ingest.access.rights import Caller
from ingest.errors import Unavailable

PREFIX = "ingest_"
_RANDOM_BYTES = 32
_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")

LIFETIME = 0.8
"""Seconds that an answer is used, from before its look-up: a revocation takes effect within it."""
RENEW_AFTER = 0.4
"""Seconds after which a valid token is looked up again, while its answer is still used."""

MAX_KNOWN = 10_000  # answers kept of each kind
MAX_LOOKUPS = 2  # of unknown tokens, at a time
MAX_WAITING = 500  # look-ups of unknown tokens, at a time, before more are refused


def make_token() -> str:
    """A new token of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def digest_of(token: str) -> bytes:
    """SHA-256 of a token, all that is kept of it. Its 256 random bits need no slower hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


Find = Callable[[bytes], Awaitable[Caller | None]]


@dataclass(frozen=True, slots=True)
class _Answer:
    caller: Caller | None
    since: float


class Callers:
    """The callers of one process, by their tokens' digests; a token itself is not kept."""

    def __init__(self, find: Find, clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._known: OrderedDict[bytes, _Answer] = OrderedDict()
        self._unknown: OrderedDict[bytes, _Answer] = OrderedDict()
        self._lookups: dict[bytes, asyncio.Task[Caller | None]] = {}
        self._turns = asyncio.Semaphore(MAX_LOOKUPS)
        self._waiting = 0

    async def find(self, token: str) -> Caller | None:
        """The caller of a token; None where it is unknown, revoked or has expired.

        Raises:
            Unavailable: the database is away, or there are too many unknown tokens at once.
        """
        if not _TOKEN.fullmatch(token):
            return None
        digest = digest_of(token)
        answer = self._known.get(digest) or self._unknown.get(digest)
        if answer is None:
            return await self._look_up(digest)
        age = self._clock() - answer.since
        if age >= LIFETIME:
            return await self._look_up(digest)
        if age >= RENEW_AFTER and answer.caller is not None:
            self._start(digest)
        return answer.caller

    async def close(self) -> None:
        """End the look-ups that are under way."""
        lookups = list(self._lookups.values())
        for task in lookups:
            task.cancel()
        await asyncio.gather(*lookups, return_exceptions=True)

    async def _look_up(self, digest: bytes) -> Caller | None:
        # One request may be cancelled; the others still want the answer.
        return await asyncio.shield(self._start(digest))

    def _start(self, digest: bytes) -> "asyncio.Task[Caller | None]":
        task = self._lookups.get(digest)
        if task is None:
            task = asyncio.create_task(self._bounded(digest))
            self._lookups[digest] = task
            task.add_done_callback(lambda done: self._done(digest, done))
        return task

    def _done(self, digest: bytes, task: "asyncio.Task[Caller | None]") -> None:
        del self._lookups[digest]
        if not task.cancelled():
            task.exception()  # or it would be reported as never retrieved, where no request waits

    async def _bounded(self, digest: bytes) -> Caller | None:
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
        since = self._clock()
        caller = await self._find(digest)
        self._unknown.pop(digest, None)
        self._known.pop(digest, None)
        kept = self._unknown if caller is None else self._known
        kept[digest] = _Answer(caller, since)
        if len(kept) > MAX_KNOWN:
            kept.popitem(last=False)
        return caller
