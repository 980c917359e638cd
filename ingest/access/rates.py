"""How many items a token, and an account, may send in a time: sliding windows in Redis.

The windows are those of the library `limits`: two counters, of which the older one weighs less
the longer it is over. All limits of a write are looked at, and counted, in one round trip: the
library takes two for each. While Redis is away nothing is counted and everything passes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog
from limits import RateLimitItem, parse
from redis.asyncio import Redis

from ingest import metrics
from ingest.access.rights import Caller
from ingest.errors import ConfigurationError
from ingest.redis import RedisFailed, RedisLink
from ingest.settings import Settings

log = structlog.get_logger(__name__)

_PREFIX = "ingest:rate"
# Counters end in whole milliseconds, and clocks are not read at the same instant.
_MARGIN = 0.01  # seconds

# KEYS: of each limit the counters of this window and of the one before. ARGV: how many items may be
# sent, the length of the window in milliseconds, what is to be counted. Returns whether it was
# counted, which it is for all limits or for none; and of each the two counters, and when the first
# expires. A counter lives for its own window and for the next, in which it is the previous one.
_CHARGE = """
local windows, fits = {}, 1
for i = 1, #KEYS / 2 do
    local current, previous = KEYS[2 * i - 1], KEYS[2 * i]
    local limit, length, cost = unpack(ARGV, 3 * i - 2, 3 * i)
    length = tonumber(length)
    local ends = redis.call('PTTL', current)
    if ends > 0 and ends < length then
        redis.call('RENAME', current, previous)
        redis.call('SET', current, 0, 'PX', ends + length)
    end
    local before = tonumber(redis.call('GET', previous)) or 0
    local now = tonumber(redis.call('GET', current)) or 0
    local weight = math.max(redis.call('PTTL', previous), 0) / length
    windows[i] = {before, now, redis.call('PTTL', current)}
    if math.floor(before * weight) + now + tonumber(cost) > tonumber(limit) then
        fits = 0
    end
end
for i = 1, fits * #KEYS / 2 do
    local current, length, cost = KEYS[2 * i - 1], ARGV[3 * i - 1], ARGV[3 * i]
    if redis.call('EXISTS', current) == 1 then
        redis.call('INCRBY', current, cost)
    else
        redis.call('SET', current, cost, 'PX', 2 * length)
    end
end
return {fits, windows}
"""


@dataclass(frozen=True, slots=True)
class Window:
    """What a limit has counted: this window and the one before it. Times in seconds."""

    limit: int
    length: float
    previous: int
    current: int
    rest: float
    """Until this window is over; until then the previous one weighs less and less."""

    @property
    def used(self) -> int:
        """Items that count now."""
        return math.floor(self.previous * self.rest / self.length) + self.current

    @property
    def left(self) -> int:
        """Items that may be sent now."""
        return max(0, self.limit - self.used)

    def seconds_until(self, items: int) -> float:
        """How long until so many items may be sent, if none are sent in between; 0 for now."""
        if self.used + items <= self.limit:
            return 0.0
        room = self.limit - items - self.current
        if room >= 0:
            return self._faded(self.previous, room, self.rest)
        # Not in this window: it has to fade itself, once it is the previous one.
        return self.rest + self._faded(self.current, self.limit - items, self.length)

    def _faded(self, count: int, room: int, rest: float) -> float:
        """When no more than `room` is left of a window that weighs nothing after `rest`."""
        # It counts whole items, so `room` and a fraction are enough.
        weightless = rest - (room + 1) * self.length / count if count else 0.0
        return max(0.0, weightless) + _MARGIN


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of one limit, for the headers of a response. `reset` in whole seconds."""

    policy: str
    limit: int
    length: int
    left: int
    reset: int


@dataclass(frozen=True, slots=True)
class Charge:
    """Whether items may be sent: at once, or after `wait` seconds."""

    remaining: Sequence[Remaining] = ()
    wait: float = 0.0


PASSED = Charge()


class Rates:
    """The limits that a process enforces; none where the settings name none."""

    def __init__(self, settings: Settings, link: RedisLink) -> None:
        self._link = link
        self._holds = True
        self.limits = [
            (policy, item)
            for policy, item in (
                ("token", _limit("INGEST_RATE_LIMIT", settings.rate_limit)),
                ("account", _limit("INGEST_ACCOUNT_RATE_LIMIT", settings.account_rate_limit)),
            )
            if item is not None
        ]
        self._script = Redis(connection_pool=link.pool).register_script(_CHARGE)

    async def charge(self, caller: Caller, items: int) -> Charge:
        """Count items that a caller wants to send; where a limit forbids it, nothing is counted.

        A batch larger than a limit needs all of it, and takes no more. Everything passes where
        there is no limit, and while Redis is away.
        """
        if not self.limits:
            return PASSED
        try:
            verdict = await self._link.call(lambda: self._charge(caller, items))
        except RedisFailed as failure:
            metrics.rate_unchecked()
            self._hold(failure)
            return PASSED
        self._hold(None)
        return verdict

    def _hold(self, failure: RedisFailed | None) -> None:
        """Log where limits begin or cease to hold."""
        holds = failure is None
        if holds is self._holds:
            return
        self._holds = holds
        if failure is None:
            log.warning("rates are limited again")
        else:
            log.warning("rates are lifted: redis fails", reason=str(failure))

    async def _charge(self, caller: Caller, items: int) -> Charge:
        keys: list[str] = []
        arguments: list[int] = []
        for policy, item in self.limits:
            current = f"{_PREFIX}:{{{item.key_for(policy, _name(policy, caller))}}}"
            keys += [current, f"{current}/-1"]
            length = item.get_expiry() * 1000
            arguments += [item.amount, length, min(items, item.amount)]
        fits, counted = await self._script(keys=keys, args=arguments)
        windows = [
            _window(item, *counts) for (_, item), counts in zip(self.limits, counted, strict=True)
        ]
        if not fits:
            return Charge(self._remaining(windows), _wait(windows, items) or _MARGIN)
        after = [replace(w, current=w.current + min(items, w.limit)) for w in windows]
        return Charge(self._remaining(after))

    def _remaining(self, windows: Sequence[Window]) -> list[Remaining]:
        return [
            Remaining(
                policy,
                window.limit,
                int(window.length),
                window.left,
                math.ceil(window.seconds_until(window.limit)),
            )
            for (policy, _), window in zip(self.limits, windows, strict=True)
        ]


def _window(item: RateLimitItem, previous: int, current: int, ends: int) -> Window:
    """Args: `ends`: milliseconds until the counter of this window expires; negative without one."""
    length = item.get_expiry()
    rest = min(max(ends / 1000 - length, 0.0), length)
    return Window(item.amount, length, previous, current, rest)


def _wait(windows: Sequence[Window], items: int) -> float:
    """Seconds until every limit allows so many items; 0 for now."""
    return max(window.seconds_until(min(items, window.limit)) for window in windows)


def _name(policy: str, caller: Caller) -> str:
    return str(caller.token) if policy == "token" else caller.account


def _limit(setting: str, text: str) -> RateLimitItem | None:
    """A limit such as `50000/second`; None where the setting is empty."""
    if not text:
        return None
    try:
        item = parse(text)
    except ValueError:
        item = None
    if item is None or item.amount < 1:
        raise ConfigurationError(f"{setting}={text}: must be a rate such as 50000/second")
    return item
