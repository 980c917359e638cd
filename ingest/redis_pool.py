"""What INGEST_REDIS_URL names: one server, with TLS or without, or the primary that sentinels know.

::

    redis://login:password@host:6379/0      rediss://… with TLS      unix:///path
    redis+sentinel://login:password@host:26379,host:26379/service/0      rediss+sentinel://…
"""

from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool

from ingest.errors import ConfigurationError

SENTINEL_PORT = 26379
_VARIABLE = "INGEST_REDIS_URL"


class _SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to the primary that sentinels name; a call waits for one that is free."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        """Close the connections; and those to the sentinels, where all are closed."""
        await super().disconnect(inuse_connections)
        if inuse_connections:
            for client in self.sentinel_manager.sentinels:
                await client.aclose()


def redis_pool(
    url: str, *, connections: int, wait: float, **options: Any
) -> BlockingConnectionPool:
    """A pool of connections, which are made when they are needed.

    Args:
        connections: the most that there are.
        wait: seconds that a call waits for one.
        options: of redis-py, for every connection; those in the URL win.

    Raises:
        ConfigurationError: the URL has an option that there is not, or a value that cannot be.
    """
    options |= {"max_connections": connections, "timeout": wait}
    scheme = urlsplit(url).scheme
    if scheme.startswith("rediss"):
        options["ssl_check_hostname"] = True
    try:
        if scheme.endswith("+sentinel"):
            pool: BlockingConnectionPool = _sentinel_pool(url, options)
        else:
            pool = BlockingConnectionPool.from_url(url, **options)
        # It connects to nothing, and takes no option that it does not know.
        pool.make_connection()  # type: ignore[no-untyped-call]  # not typed there
    except (TypeError, ValueError) as error:
        # What the driver says may quote the URL, which holds a password.
        raise ConfigurationError(
            f"{_VARIABLE} has an option that redis-py does not take, or a value of another type"
        ) from error
    return pool


async def refuse_cluster(pool: BlockingConnectionPool) -> None:
    """Refuse a node of a cluster, which would refuse every script: their keys are in several slots.

    Raises:
        ConfigurationError: the server is one.
        Exception: what the driver raises where Redis is away, or refuses to say.
    """
    info = await Redis(connection_pool=pool).info("cluster")
    if info.get("cluster_enabled"):
        raise ConfigurationError(
            f"{_VARIABLE} names a node of a cluster, which the service does not work with; name a "
            "server without cluster mode, or the sentinels of one (redis+sentinel://…)"
        )


def _sentinel_pool(url: str, options: dict[str, Any]) -> _SentinelPool:
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    scheme = parts.scheme.removesuffix("+sentinel")
    # redis-py reads what is the same in both forms.
    read = parse_url(f"{scheme}://{login}@host/{database or 0}?{parts.query}")
    given = {**options, **read}
    for name in ("host", "connection_class"):
        given.pop(name, None)
    sentinels = {name: given.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    shared = {name: value for name, value in given.items() if name.startswith(("ssl_", "socket_"))}
    tls = {"ssl": True} if scheme == "rediss" else {}
    manager = Sentinel(  # type: ignore[no-untyped-call]  # not typed there
        _addresses(hosts), sentinel_kwargs={**shared, **tls, **sentinels}
    )
    return _SentinelPool(service, manager, **tls, **given)  # type: ignore[no-untyped-call]  # nor here


def _addresses(hosts: str) -> list[tuple[str, int]]:
    places = [urlsplit(f"//{host}") for host in hosts.split(",")]
    return [(place.hostname or "", place.port or SENTINEL_PORT) for place in places]
