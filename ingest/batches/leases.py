"""The leases of a process's claims: one loop renews them all for as long as the process lives.

A process that dies renews nothing more, and its keys are free once their leases have run out. One
that is paused for longer, and goes on, finds here that another request has its key. Between that
look and its INSERT it may be paused again: PostgreSQL, where a key is unique, decides.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from redis.asyncio import Redis

from ingest.redis import RedisFailed, RedisLink

log = structlog.get_logger(__name__)

# Of each key whether we hold it; one that Redis has forgotten is taken again. The last argument is
# the lease.
_RENEW = """
local ours = {}
for i, key in ipairs(KEYS) do
    if redis.call('SET', key, ARGV[i], 'NX', 'PX', ARGV[#ARGV]) then
        ours[i] = 1
    elseif redis.call('GET', key) == ARGV[i] then
        ours[i] = redis.call('PEXPIRE', key, ARGV[#ARGV])
    else
        ours[i] = 0
    end
end
return ours
"""
_TOGETHER = 1_000  # keys of one round trip: two milliseconds of Redis
_RENEWALS = 4  # in the time of one lease: some may fail


def now() -> float:
    """Seconds of the clock that leases are measured by in this process."""
    return asyncio.get_running_loop().time()


@dataclass(slots=True, eq=False)
class Lease:
    """What a request holds of its key in Redis, for as long as it is in flight."""

    batch: UUID
    name: str
    value: bytes
    confirmed: float
    """When Redis was last asked and did not say that it is another's, by the clock of the loop."""
    lost: bool = False
    """Whether another request has the key now."""


class Leases:
    """The leases that this process holds."""

    def __init__(self, link: RedisLink, seconds: float) -> None:
        self.seconds = seconds
        self.milliseconds = int(seconds * 1000)
        self._link = link
        self._script = Redis(connection_pool=link.pool).register_script(_RENEW)
        self._held: set[Lease] = set()
        self._renewing = asyncio.Lock()

    async def run(self) -> None:
        """Renew all of them at intervals, until cancelled."""
        while True:
            await asyncio.sleep(self.seconds / _RENEWALS)
            await self.renew()

    def hold(self, lease: Lease) -> None:
        """Renew a lease from now on."""
        self._held.add(lease)

    async def let_go(self, lease: Lease) -> None:
        """Renew it no more: a renewal that is under way ends first, lest it take the key again."""
        self._held.discard(lease)
        async with self._renewing:
            return

    async def is_lost(self, lease: Lease) -> bool:
        """Whether another request has the key. Redis is asked where the lease may have run out."""
        if not lease.lost and now() - lease.confirmed >= self.seconds:
            await self.renew()
        return lease.lost

    async def renew(self) -> None:
        """Renew every lease that is held, once."""
        async with self._renewing:
            held = list(self._held)
            for start in range(0, len(held), _TOGETHER):
                await self._renew_together(held[start : start + _TOGETHER])

    async def _renew_together(self, leases: Sequence[Lease]) -> None:
        names = [lease.name for lease in leases]
        arguments: list[bytes | int] = [*(lease.value for lease in leases), self.milliseconds]
        asked = now()
        try:
            ours = await self._link.call(lambda: self._script(keys=names, args=arguments))
        except RedisFailed:
            return  # PostgreSQL decides meanwhile, and the next round tries again
        for lease, held in zip(leases, ours, strict=True):
            if held:
                lease.confirmed = asked
            elif not lease.lost:
                lease.lost = True
                log.warning("another request has the key of a batch", batch=str(lease.batch))
