"""Idempotency keys in Redis: which request holds a key, and what became of it.

::

    (free) ──claim──▶ in flight ──accepted──▶ accepted
       ▲                  │                      │
       └─────release──────┘                      │
       └───────────────forget (PostgreSQL says it is free)

Redis answers fast and is believed only where it says no: the key is unique on the batch row, so
PostgreSQL has the last word on every write. An entry in flight expires with its lease.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from uuid import UUID

import orjson
from redis.asyncio import Redis

from ingest.model import IdempotencyKey
from ingest.redis_link import RedisAway, RedisLink

# One round trip each: take the key or read who has it; replace or delete it if it is still ours.
_CLAIM = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return nil end
return redis.call('GET', KEYS[1])
"""
_RENEW = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_REPLACE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
_DELETE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


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
        self._claim = self._redis.register_script(_CLAIM)
        self._renew = self._redis.register_script(_RENEW)
        self._replace = self._redis.register_script(_REPLACE)
        self._delete = self._redis.register_script(_DELETE)
        self._lease, self._ttl = int(lease * 1000), int(ttl * 1000)

    async def claim(self, account: str, key: IdempotencyKey, batch: UUID) -> Holder | None:
        """Take a key for a batch to be; returns who has it instead, None where it is ours now."""
        ours = Holder(batch, key.fingerprint, Phase.IN_FLIGHT)
        name = _name(account, key)
        try:
            value = await self._link.call(
                lambda: self._claim(keys=[name], args=[ours.encoded(), self._lease])
            )
        except RedisAway:
            return None
        return None if value is None else Holder.decoded(value)

    async def renew(self, account: str, key: IdempotencyKey, batch: UUID) -> None:
        """Lengthen the lease of a claim, or take the key again where Redis has forgotten it."""
        ours = Holder(batch, key.fingerprint, Phase.IN_FLIGHT)
        name = _name(account, key)
        await self._quietly(lambda: self._renew(keys=[name], args=[ours.encoded(), self._lease]))

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
        name = _name(account, key)
        arguments: list[bytes | int] = [ours.encoded(), then.encoded(), self._ttl]
        await self._quietly(lambda: self._replace(keys=[name], args=arguments))

    async def release(self, account: str, key: IdempotencyKey, batch: UUID) -> None:
        """Give up a claim: the batch was not accepted."""
        await self.forget(account, key, Holder(batch, key.fingerprint, Phase.IN_FLIGHT))

    async def forget(self, account: str, key: IdempotencyKey, holder: Holder) -> None:
        """Free a key, if this is still who has it."""
        name = _name(account, key)
        await self._quietly(lambda: self._delete(keys=[name], args=[holder.encoded()]))

    async def _quietly(self, call: Callable[[], Awaitable[object]]) -> None:
        try:
            await self._link.call(call)
        except RedisAway:
            return  # the entry expires by itself, and PostgreSQL decides until then


def _name(account: str, key: IdempotencyKey) -> str:
    """Fixed length whatever a client sends, and no key readable in Redis."""
    digest = blake2b(f"{len(account)}:{account}{key.key}".encode(), digest_size=20)
    return f"ingest:key:{digest.hexdigest()}"
