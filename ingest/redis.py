"""The connection to Redis, which may be away: nothing is lost with it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    BusyLoadingError,
    ClusterCrossSlotError,
    ClusterDownError,
    ConnectionError,
    InvalidResponse,
    MovedError,
    ResponseError,
    TimeoutError,
)

from ingest import metrics
from ingest.outage import Outage
from ingest.redis_pool import redis_pool, refuse_cluster
from ingest.settings import Settings
from ingest.tasks import end

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
_CONNECTIONS = 32
_PAUSE = 1.0  # seconds between two calls of a process that does without Redis
_REASON = 200  # characters of what Redis says

# What a server sends that does not know who we are. Everything else of the driver's is our own bug.
_LOGIN = (AuthenticationError, AuthorizationError, AuthenticationWrongNumberOfArgsError)
_CLUSTER = (ClusterCrossSlotError, ClusterDownError, MovedError)
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
    if isinstance(error, BusyLoadingError):
        return RedisAway("is loading its data")
    if isinstance(error, _CLUSTER):
        return CallRefused(f"refuses a call, because it is a cluster: {reason}")
    if isinstance(error, ResponseError):
        return CallRefused(f"refuses a call: {reason}")
    certificate = _refused_certificate(error)
    if certificate is not None:
        return RedisAway(f"has a certificate that is not trusted: {certificate}")
    return RedisAway("does not answer")


def _refused_certificate(error: BaseException | None) -> str | None:
    """Why a certificate was refused, where that led to an error."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return None if error is None else error.verify_message


class RedisLink:
    """Calls to Redis, bounded in time; after a failure, none is tried until Redis answers again.

    So no request waits for a Redis that is known to be away.
    """

    def __init__(
        self, pool: BlockingConnectionPool, timeout: float, *, logged: bool = True
    ) -> None:
        """Args: as `open_redis`."""
        self.pool = pool
        self._logged = logged
        self._timeout = timeout
        self._without: RedisFailed | None = None
        """Why this process does without Redis, since the last call that says anything about it."""
        self._answers_since = float("-inf")
        self._outage = Outage(partial(log.info, "redis answers again"))
        self._refusals = Outage(partial(log.info, "redis takes calls again"))

    async def call(self, function: Callable[[], Awaitable[Result]]) -> Result:
        """The result of `function`.

        Raises:
            RedisAway, LoginRefused: it failed so, or did when it was last called.
            CallRefused: Redis does not do this; it may do others.
        """
        if self._without is not None:
            raise type(self._without)(*self._without.args)
        return await self._tried(function)

    async def _tried(self, function: Callable[[], Awaitable[Result]]) -> Result:
        try:
            async with asyncio.timeout(self._timeout):
                result = await function()
        except FAILURES as error:
            failure = self.report(error)
            self._show(None if isinstance(failure, CallRefused) else failure)
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
            away = partial(log.warning, "redis is away", error=kind)
            self._outage.failed(str(failure), partial(away, reason=str(failure)))
        return failure

    def _show(self, failure: RedisFailed | None) -> None:
        if (failure is None) is not (self._without is None):
            metrics.redis_away(failure is not None)
            self._answers_since = asyncio.get_running_loop().time()
        self._without = failure
        if failure is None:
            self._outage.passed()

    def has_answered_for(self, seconds: float) -> bool:
        """Whether no outage ended later than so long ago: a Redis that was frozen does at the end
        of it what it was sent meanwhile."""
        return asyncio.get_running_loop().time() - self._answers_since >= seconds

    async def watch(self) -> None:
        """Call Redis from time to time after a failure, until cancelled."""
        while True:
            await asyncio.sleep(_PAUSE)
            if self._without is not None or self._refusals.goes_on:
                with suppress(RedisFailed):
                    await self._tried(self._probe)
                    self._refusals.passed()

    async def state(self) -> str:
        """`ready` where Redis does what the service needs; else what it does instead."""
        try:
            await self.call(self._probe)
        except RedisFailed as failure:
            return str(failure)
        self._refusals.passed()
        return "ready"

    async def _probe(self) -> None:
        await Redis(connection_pool=self.pool).register_script(_PROBE)(keys=_PROBED)

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

    Raises:
        ConfigurationError: the URL cannot be used, or names a node of a cluster.
    """
    pool = redis_pool(
        settings.redis_url,
        connections=_CONNECTIONS,
        wait=settings.redis_timeout,
        socket_timeout=settings.redis_timeout,
        socket_connect_timeout=settings.redis_timeout,
        health_check_interval=30,
    )
    link = RedisLink(pool, settings.redis_timeout, logged=logged)
    watching = asyncio.create_task(link.watch())
    try:
        # Where Redis is away it is tried later, and an error names the cluster.
        with suppress(*FAILURES):
            async with asyncio.timeout(settings.redis_timeout):
                await refuse_cluster(pool)
        yield link
    finally:
        await end([watching])
        await pool.disconnect()
