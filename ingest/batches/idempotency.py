"""Idempotency keys in Redis: which request holds a key, and what became of it.

::

    (free) ──claim──▶ in flight ──accepted──▶ accepted
       ▲                  │                      │
       └─────release──────┘                      │
       └───────────────forget (PostgreSQL says it is free)

Redis answers fast and is believed only where it says no: the key is unique on the batch row, so
PostgreSQL has the last word on every write. An entry in flight expires with its lease.

Keys that are claimed at the same moment share a round trip, whatever accounts they are of, and so
do those whose claims end. Each is answered as if it came alone, in the order asked.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from uuid import UUID

import orjson
from redis.asyncio import Redis

from ingest.batches.gathering import Gatherer
from ingest.model import IdempotencyKey
from ingest.redis import RedisAway, RedisLink

# Takes keys, or reads who has them; the last argument is the lease. A `false` arrives as null.
_CLAIM = """
local held = {}
for i, key in ipairs(KEYS) do
    if redis.call('SET', key, ARGV[i], 'NX', 'PX', ARGV[#ARGV]) then
        held[i] = false
    else
        held[i] = redis.call('GET', key)
    end
end
return held
"""
# Replaces keys that are still whose they were, or frees them where nothing shall be there instead;
# the last argument is how long what replaces them is kept.
_END = """
for i, key in ipairs(KEYS) do
    local was, becomes = ARGV[2 * i - 1], ARGV[2 * i]
    if redis.call('GET', key) == was then
        if becomes == '' then
            redis.call('DEL', key)
        else
            redis.call('SET', key, becomes, 'PX', ARGV[#ARGV])
        end
    end
end
"""
_RENEW = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_TOGETHER = 256  # keys that Redis sees to without a pause: half a millisecond
_ALL = ""  # who asks a gatherer: keys of all accounts go together


class Phase(Enum):
    IN_FLIGHT = "in flight"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a key: a batch (or the id that it will have), and its request's fingerprint.

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


class Keys:
    """The keys of all accounts. When Redis is away every call passes and changes nothing."""

    def __init__(self, link: RedisLink, *, lease: float, ttl: float) -> None:
        """Args: `lease` and `ttl` in seconds: of a request in flight, of an accepted batch."""
        self._link = link
        self._redis = Redis(connection_pool=link.pool)
        self._claim_script = self._redis.register_script(_CLAIM)
        self._end_script = self._redis.register_script(_END)
        self._renew_script = self._redis.register_script(_RENEW)
        self._lease, self._ttl = int(lease * 1000), int(ttl * 1000)
        self._claims = Gatherer(self._claim_together, at_once=1, at_most=_TOGETHER)
        self._ends = Gatherer(self._end_together, at_once=1, at_most=_TOGETHER)

    async def claim(self, account: str, key: IdempotencyKey, batch: UUID) -> Holder | None:
        """Take a key for a batch to be; returns who has it instead, None where it is ours now."""
        ours = Holder(batch, key.fingerprint, Phase.IN_FLIGHT)
        value = await self._claims.ask(_ALL, (_name(account, key), ours.encoded()))
        return None if value is None else Holder.decoded(value)

    async def renew(self, account: str, key: IdempotencyKey, batch: UUID) -> None:
        """Lengthen the lease of a claim, or take the key again where Redis has forgotten it."""
        ours = Holder(batch, key.fingerprint, Phase.IN_FLIGHT)
        name = _name(account, key)
        arguments: list[bytes | int] = [ours.encoded(), self._lease]
        await self._quietly(lambda: self._renew_script(keys=[name], args=arguments))

    async def accepted(
        self,
        account: str,
        key: IdempotencyKey,
        batch: UUID,
        claimed: IdempotencyKey | None = None,
    ) -> None:
        """Say that the batch which holds the key is durable.

        Args: `claimed`: the key as it was claimed, where its fingerprint was not known by then.
        """
        ours = Holder(batch, (claimed or key).fingerprint, Phase.IN_FLIGHT)
        then = Holder(batch, key.fingerprint, Phase.ACCEPTED)
        await self._ends.ask(_ALL, (_name(account, key), ours.encoded(), then.encoded()))

    async def release(self, account: str, key: IdempotencyKey, batch: UUID) -> None:
        """Give up a claim: the batch was not accepted."""
        await self.forget(account, key, Holder(batch, key.fingerprint, Phase.IN_FLIGHT))

    async def forget(self, account: str, key: IdempotencyKey, holder: Holder) -> None:
        """Free a key, if this is still who has it."""
        await self._ends.ask(_ALL, (_name(account, key), holder.encoded(), b""))

    async def _claim_together(
        self, _: str, claims: Sequence[tuple[str, bytes]]
    ) -> Sequence[bytes | None]:
        """Who has each key, None where it is free or Redis is away."""
        names = [name for name, _ in claims]
        arguments: list[bytes | int] = [*(ours for _, ours in claims), self._lease]
        try:
            held: list[bytes | None] = await self._link.call(
                lambda: self._claim_script(keys=names, args=arguments)
            )
        except RedisAway:
            return [None] * len(claims)
        return held

    async def _end_together(
        self, _: str, ends: Sequence[tuple[str, bytes, bytes]]
    ) -> Sequence[None]:
        names = [name for name, _, _ in ends]
        arguments: list[bytes | int] = [value for _, *values in ends for value in values]
        arguments.append(self._ttl)
        await self._quietly(lambda: self._end_script(keys=names, args=arguments))
        return [None] * len(ends)

    async def _quietly(self, call: Callable[[], Awaitable[object]]) -> None:
        try:
            await self._link.call(call)
        except RedisAway:
            return  # the entry expires by itself, and PostgreSQL decides until then


def _name(account: str, key: IdempotencyKey) -> str:
    """Fixed length whatever a client sends, and no key readable in Redis."""
    digest = blake2b(f"{len(account)}:{account}{key.key}".encode(), digest_size=20)
    return f"ingest:key:{digest.hexdigest()}"
