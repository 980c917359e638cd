"""The connection to Redis, which may be away: nothing is lost with it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from ingest import metrics
from ingest.settings import Settings

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
_CONNECTIONS = 32
_PAUSE = 1.0  # seconds without a call after a failure


class RedisAway(Exception):
    """Redis does not answer; the caller continues with PostgreSQL alone."""


class RedisLink:
    """Calls to Redis, bounded in time; for a moment after a failure, none is tried."""

    def __init__(self, pool: BlockingConnectionPool, timeout: float) -> None:
        self.pool = pool
        self._timeout = timeout
        self._away_until = 0.0
        self._away = False

    async def call(self, function: Callable[[], Awaitable[Result]]) -> Result:
        """The result of `function`.

        Raises:
            RedisAway: Redis did not answer in time, or failed a moment ago.
        """
        clock = asyncio.get_running_loop().time
        if clock() < self._away_until:
            raise RedisAway
        try:
            async with asyncio.timeout(self._timeout):
                result = await function()
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = clock() + _PAUSE
            self._show(away=True)
            log.warning("redis is away", error=type(error).__name__)
            raise RedisAway from error
        if self._away:
            self._show(away=False)
        return result

    def _show(self, *, away: bool) -> None:
        if away is not self._away:
            self._away = away
            metrics.redis_away(away)

    async def probe_if_away(self) -> None:
        """Call Redis after a failure: an idle process would not notice that it is back."""
        if self._away:
            await self.is_there()

    async def is_there(self) -> bool:
        """Whether Redis answers."""
        try:
            await self.call(Redis(connection_pool=self.pool).ping)
        except RedisAway:
            return False
        return True


@asynccontextmanager
async def open_redis(settings: Settings) -> AsyncIterator[RedisLink]:
    """Open the Redis connections of this process; they are made when needed."""
    pool = BlockingConnectionPool.from_url(
        settings.redis_url,
        timeout=settings.redis_timeout,
        socket_timeout=settings.redis_timeout,
        socket_connect_timeout=settings.redis_timeout,
        health_check_interval=30,
        max_connections=_CONNECTIONS,
    )
    try:
        yield RedisLink(pool, settings.redis_timeout)
    finally:
        await pool.disconnect()
