"""Idempotency keys: which request holds one, and what became of it.

::

    (free) ──claim──▶ in flight ──ring, accepted──▶ accepted
       ▲                  │                            │
       └───end, not accepted                           │
       └───────────forget (PostgreSQL says it is free)─┘

Redis answers fast and is believed only where it says no: the key is unique on the batch row, so
PostgreSQL decides on every write. While Redis is away each claim succeeds. An entry in flight
expires with its lease, which is renewed while its process lives (`leases`).

Keys that are claimed at the same moment share a round trip, of whichever accounts they are, and so
do those that are freed; the claim of a batch that is accepted ends with its ring (`rings`). Each is
treated as if it came alone, in order.
"""

import datetime as dt
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from uuid import UUID

import orjson
from redis.asyncio import Redis

from ingest.batches.coalescing import Coalescer
from ingest.batches.leases import Lease, Leases, now
from ingest.batches.rings import Ended
from ingest.errors import InProgress, KeyMismatch
from ingest.model import IdempotencyKey
from ingest.redis import RedisFailed, RedisLink
from ingest.store import batches
from ingest.store.pool import Pool
from ingest.store.staging import KeyTaken

# Takes keys, or reads what holds them and for how long; the last argument is the lease. A `false`
# arrives as null.
_CLAIM = """
local held = {}
for i, key in ipairs(KEYS) do
    if redis.call('SET', key, ARGV[i], 'NX', 'PX', ARGV[#ARGV]) then
        held[i] = false
    else
        held[i] = {redis.call('GET', key), redis.call('PTTL', key)}
    end
end
return held
"""
# Frees keys that still hold what they held.
_FREE = """
for i, key in ipairs(KEYS) do
    if redis.call('GET', key) == ARGV[i] then
        redis.call('DEL', key)
    end
end
"""
_TOGETHER = 256  # keys that one script sees to, without a pause: half a millisecond
_ALL = ""  # keys of all accounts go together


class Phase(Enum):
    IN_FLIGHT = "in flight"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Holder:
    """What holds a key: a batch (or the id that it will have), and its request's fingerprint.

    The fingerprint is empty where the request is still arriving.
    """

    batch: UUID
    fingerprint: bytes
    phase: Phase

    def encoded(self) -> bytes:
        return orjson.dumps([str(self.batch), self.fingerprint.hex(), self.phase.value])

    @classmethod
    def decoded(cls, value: bytes) -> "Holder":
        batch, fingerprint, phase = orjson.loads(value)
        return cls(UUID(batch), bytes.fromhex(fingerprint), Phase(phase))


@dataclass(slots=True)
class Claim:
    """A request's claim on its key, for the batch that it will be."""

    account: str
    batch: UUID
    key: IdempotencyKey
    accepted: IdempotencyKey | None = None
    """The key with its whole fingerprint, once the batch is durable."""
    lease: Lease | None = None
    """Once it is granted."""

    @property
    def name(self) -> str:
        """Its name in Redis."""
        return _name(self.account, self.key.key)

    @property
    def holder(self) -> bytes:
        """What Redis holds of it in flight."""
        return Holder(self.batch, self.key.fingerprint, Phase.IN_FLIGHT).encoded()


class Claims:
    """The keys of all accounts: claimed in Redis, decided in PostgreSQL."""

    def __init__(self, pool: Pool, link: RedisLink, *, lease: float, ttl: float) -> None:
        """Args: `lease` and `ttl` in seconds: of a request in flight, of an accepted batch."""
        self._pool = pool
        self._link = link
        self._redis = Redis(connection_pool=link.pool)
        self._claim_script = self._redis.register_script(_CLAIM)
        self._free_script = self._redis.register_script(_FREE)
        self.leases = Leases(link, lease)
        self._ttl = int(ttl * 1000)
        self._keep = dt.timedelta(seconds=ttl)
        self._claims = Coalescer(self._claim_together, at_once=1, at_most=_TOGETHER)
        self._frees = Coalescer(self._free_together, at_once=1, at_most=_TOGETHER)

    async def claim(self, claim: Claim) -> UUID | None:
        """Take a key; returns the batch that has it where it was used before.

        Raises:
            InProgress: a request in flight holds it.
            KeyMismatch: it was used for another request.
        """
        asked = now()
        held = await self._claims.call(_ALL, (claim.name, claim.holder))
        if held is None:
            claim.lease = Lease(claim.batch, claim.name, claim.holder, asked)
            return None
        original = await self.original(claim.account, claim.key)
        if original is not None:
            return original
        value, left = held
        holder = Holder.decoded(value)
        if holder.phase is Phase.IN_FLIGHT:
            # A stream's fingerprint is not known while it arrives.
            theirs, own = holder.fingerprint, claim.key.fingerprint
            if theirs and own and theirs != own:
                raise _mismatch()
            raise in_progress(left)
        # Redis remembers a batch that PostgreSQL has freed: it failed, or has expired.
        await self._frees.call(_ALL, (claim.name, value))
        return await self.claim(claim)

    @asynccontextmanager
    async def held(self, claim: Claim) -> AsyncIterator[None]:
        """Renew the lease of a claim that was granted, as long as the block lasts.

        At its end the key is free again, unless the batch was accepted: see `ended`.
        """
        if claim.lease is None:
            raise ValueError("the claim was not granted")
        self.leases.hold(claim.lease)
        try:
            yield
        finally:
            await self.leases.let_go(claim.lease)
            if claim.accepted is None:
                await self._frees.call(_ALL, (claim.name, claim.holder))

    def ended(self, claim: Claim) -> Ended | None:
        """How the claim of an accepted batch ends; None where it was not accepted."""
        if claim.accepted is None:
            return None
        holder = Holder(claim.batch, claim.accepted.fingerprint, Phase.ACCEPTED)
        return Ended(claim.name, claim.holder, holder.encoded(), self._ttl)

    async def check(self, claim: Claim) -> None:
        """Make sure that a claim still holds, where its process was paused for longer than a lease.

        Raises:
            KeyTaken: another request has its key.
        """
        if claim.lease is not None and await self.leases.is_lost(claim.lease):
            raise KeyTaken(claim.key.key)

    async def in_progress(self, account: str, key: str) -> InProgress:
        """What to tell a request whose key another one has, or had a moment ago."""
        try:
            left = await self._link.call(lambda: self._redis.pttl(_name(account, key)))
        except RedisFailed:
            left = 0
        return in_progress(min(left, self.leases.milliseconds))

    async def original(self, account: str, key: IdempotencyKey) -> UUID | None:
        """The batch that holds a key in PostgreSQL.

        Raises:
            KeyMismatch: it was used for another request, as far as this one has arrived.
        """
        keep = self._keep if key.keep is None else min(key.keep, self._keep)
        found = await batches.find_by_key(self._pool, account, key.key, keep)
        if found is None:
            return None
        original, fingerprint = found
        if key.fingerprint and fingerprint != key.fingerprint:
            raise _mismatch()
        return original

    async def _claim_together(
        self, _: str, claims: Sequence[tuple[str, bytes]]
    ) -> Sequence[tuple[bytes, int] | None]:
        """What holds each key, and for how many milliseconds yet.

        None where it is ours now, or where Redis is away.
        """
        names = [name for name, _ in claims]
        arguments: list[bytes | int] = [*(ours for _, ours in claims), self.leases.milliseconds]
        try:
            held: list[tuple[bytes, int] | None] = await self._link.call(
                lambda: self._claim_script(keys=names, args=arguments)
            )
        except RedisFailed:
            return [None] * len(claims)
        return held

    async def _free_together(self, _: str, held: Sequence[tuple[str, bytes]]) -> Sequence[None]:
        names, values = zip(*held, strict=True)
        await self._quietly(lambda: self._free_script(keys=names, args=values))
        return [None] * len(held)

    async def _quietly(self, call: Callable[[], Awaitable[object]]) -> None:
        try:
            await self._link.call(call)
        except RedisFailed:
            return  # the entry expires by itself, and PostgreSQL decides until then


def in_progress(left: int = 0) -> InProgress:
    """The error of a key that a request in flight has, for so many milliseconds if it is dead."""
    return InProgress(
        "A request with this Idempotency-Key is in flight",
        "Wait, and send the same request again.",
        retry_after=max(1, math.ceil(left / 1000)),
    )


def _name(account: str, key: str) -> str:
    """What Redis has a key under: of fixed length whatever a client sends, and no key readable."""
    text = f"{len(account)}:{account}{key}"
    return f"ingest:key:{blake2b(text.encode(), digest_size=20).hexdigest()}"


def _mismatch() -> KeyMismatch:
    return KeyMismatch(
        "This Idempotency-Key was used for a different request",
        "Method, path, query, content type, body, and the preferences handling and resolution "
        "must be the same; use another key for another request.",
    )
