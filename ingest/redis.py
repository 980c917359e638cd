"""The connection to Redis, which may be away: nothing is lost with it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    ConnectionError,
    InvalidResponse,
    ResponseError,
    TimeoutError,
)

from ingest import metrics
from ingest.outage import Outage
from ingest.settings import Settings

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
_CONNECTIONS = 32
_PAUSE = 1.0  # seconds without a call after a failure
_REASON = 200  # characters of what Redis says

# What a server sends that does not know who we are. Everything else of the driver's is our own bug.
_LOGIN = (AuthenticationError, AuthorizationError, AuthenticationWrongNumberOfArgsError)
FAILURES = (ConnectionError, TimeoutError, InvalidResponse, ResponseError, OSError)
"""What the driver raises where Redis is away or refuses, as opposed to having been used wrongly."""

# What a write does to Redis: it claims a key by a script, and rings by a queue and a message.
_PROBE = """
redis.call('SET', KEYS[1], '', 'PX', 1000)
redis.call('ZADD', KEYS[2], 0, '')
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('PUBLISH', KEYS[1], '')
"""
_PROBED = ("ingest:probe", "arq:probe")


class RedisFailed(Exception):
    """A call failed; the caller continues with PostgreSQL alone. Its text completes "Redis …"."""


class RedisAway(RedisFailed):
    """Redis does not answer, or did not a moment ago."""


class LoginRefused(RedisFailed):
    """Redis answers, and does not let the service in."""


class CallRefused(RedisFailed):
    """Redis answers with an error: of a script, for want of a right or of memory, of a replica."""


def explain(error: Exception) -> RedisFailed:
    """What one of `FAILURES` means: only an answer of Redis shows that it is there."""
    reason = " ".join(str(error).split())[:_REASON] or type(error).__name__
    if isinstance(error, _LOGIN):
        return LoginRefused(f"refuses the login of INGEST_REDIS_URL: {reason}")
    if isinstance(error, ResponseError):
        return CallRefused(f"refuses a call: {reason}")
    return RedisAway("does not answer")


class RedisLink:
    """Calls to Redis, bounded in time; for a moment after a failure, none is tried."""

    def __init__(
        self, pool: BlockingConnectionPool, timeout: float, *, logged: bool = True
    ) -> None:
        """Args: as `open_redis`."""
        self.pool = pool
        self._logged = logged
        self._timeout = timeout
        self._without_until = 0.0
        self._without: RedisFailed | None = None
        """Why this process does without Redis, since the last call that says anything about it."""
        self._outage = Outage(partial(log.info, "redis answers again"))
        self._refusals = Outage(partial(log.info, "redis takes calls again"))

    async def call(self, function: Callable[[], Awaitable[Result]]) -> Result:
        """The result of `function`.

        Raises:
            RedisAway, LoginRefused: it failed so, or another call did a moment ago.
            CallRefused: Redis does not do this; it may do others.
        """
        clock = asyncio.get_running_loop().time
        if self._without is not None and clock() < self._without_until:
            raise type(self._without)(*self._without.args)
        try:
            async with asyncio.timeout(self._timeout):
                result = await function()
        except FAILURES as error:
            failure = self.report(error)
            if isinstance(failure, CallRefused):
                self._show(None)
            else:
                self._without_until = clock() + _PAUSE
                self._show(failure)
            raise failure from error
        self._show(None)
        return result

    def report(self, error: Exception) -> RedisFailed:
        """What one of `FAILURES` means, which is logged when it begins."""
        failure, kind = explain(error), type(error).__name__
        if not self._logged:
            return failure
        if isinstance(failure, CallRefused):
            refused = partial(log.error, "redis refuses a call", reason=str(failure))
            self._refusals.failed(kind, partial(refused, exc_info=error))
        elif isinstance(failure, LoginRefused):
            refused = partial(log.error, "redis refuses the login", reason=str(failure))
            self._outage.failed(str(failure), partial(refused, error=kind))
        else:
            self._outage.failed(str(failure), partial(log.warning, "redis is away", error=kind))
        return failure

    def _show(self, failure: RedisFailed | None) -> None:
        if (failure is None) is not (self._without is None):
            metrics.redis_away(failure is not None)
        self._without = failure
        if failure is None:
            self._outage.passed()

    async def probe_if_away(self) -> None:
        """Call Redis after a failure: an idle process would not notice that it is back."""
        if self._without is not None or self._refusals.goes_on:
            await self.state()

    async def state(self) -> str:
        """`ready` where Redis does what the service needs; else what it does instead."""
        probe = Redis(connection_pool=self.pool).register_script(_PROBE)
        try:
            await self.call(lambda: probe(keys=_PROBED))
        except RedisFailed as failure:
            return str(failure)
        self._refusals.passed()
        return "ready"

    async def clock(self) -> float:
        """The server's time, in seconds since 1970.

        Raises:
            RedisFailed: as `call` does.
        """
        seconds, microseconds = await self.call(Redis(connection_pool=self.pool).time)
        return float(seconds + microseconds / 1e6)

    async def version(self) -> str:
        """The version of Redis, or that which a server such as Valkey is compatible with.

        Raises:
            RedisFailed: as `call` does.
        """
        said = await self.call(partial(Redis(connection_pool=self.pool).info, "server"))
        return str(said.get("redis_version", ""))


@asynccontextmanager
async def open_redis(settings: Settings, *, logged: bool = True) -> AsyncIterator[RedisLink]:
    """Open the Redis connections of this process; they are made when needed.

    Args:
        settings: where Redis is.
        logged: whether the log says when Redis fails; not so for a command that says it itself.
    """
    pool = BlockingConnectionPool.from_url(
        settings.redis_url,
        timeout=settings.redis_timeout,
        socket_timeout=settings.redis_timeout,
        socket_connect_timeout=settings.redis_timeout,
        health_check_interval=30,
        max_connections=_CONNECTIONS,
    )
    try:
        yield RedisLink(pool, settings.redis_timeout, logged=logged)
    finally:
        await pool.disconnect()
