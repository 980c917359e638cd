"""Connections to PostgreSQL: one pool a process, one account a transaction, and their timeouts.

Every transaction begins by naming its account, which row-level security then holds it to. The
driver's errors become ours here, where `proof` has evidence of what they mean.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import asyncpg
import structlog

from ingest.errors import ConfigurationError, IngestError, ReadOnlyDatabase
from ingest.outage import Outage
from ingest.settings import Settings
from ingest.store.connecting import FAILURES, log_absence, not_connected
from ingest.store.proof import explained, may_lack_tables
from ingest.store.session import (
    APPLICATION,
    ROLE,
    begin_with,
    is_pooled,
    session_settings,
)

if TYPE_CHECKING:
    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    _AsyncpgPool = asyncpg.Pool[asyncpg.Record]
    Lacks = Callable[[Connection], Awaitable[Sequence[str]]]

CONNECT_TIMEOUT = 5.0
_NAME_ACCOUNT = "SELECT set_config('ingest.account', $1, true)"
_GRACE = 5.0  # seconds by which the client waits longer than the server does
_CLOSE_TIMEOUT = 5.0  # seconds for connections to be closed in order

# A statement was measured to take 6 to 30 microseconds an item: a machine may be 15 times slower.
_SECONDS_AN_ITEM = 0.0005
_SECONDS_A_BYTE = 0.000001
_FEW_ITEMS = 10_000  # for which the settings' own timeout is meant
FEW_BYTES = 16 * 1024 * 1024
"""Bytes for which it is meant; with more, `allow_time` needs a transaction."""
LONGEST_ALLOWANCE = 6 * 3600.0
"""The most seconds that `allow_time` adds, for any number of items."""
_LENGTHEN = """
SELECT milliseconds, set_config('statement_timeout', milliseconds::text, true)
FROM (SELECT setting::bigint + $1 AS milliseconds
      FROM pg_settings WHERE name = 'statement_timeout') longer
"""

PLAN_LIFETIME = 10
"""Seconds after which a statement is planned anew: for a table that is empty as yet, PostgreSQL
makes plans that read all of it, and keeps them until autovacuum has analyzed what it became."""

_NAMED = 5  # of the places that the database lacks, in an error

log = structlog.get_logger(__name__)


class Pool:
    """The database connections of one process."""

    def __init__(
        self,
        pool: "_AsyncpgPool",
        lacks: "Lacks | None" = None,
        *,
        logged: bool = True,
        writes: bool = True,
        begin: str = "",
    ) -> None:
        """
        Args:
            lacks, logged: as `open_pool`.
            writes: whether the service means to write here.
            begin: what every transaction begins with; empty where sessions are our own.
        """
        self._pool = pool
        self._logged = logged
        self._lacks = lacks
        self.writes = writes
        self._begin = begin
        self._outage = Outage(partial(log.info, "the database answers again"))

    @asynccontextmanager
    async def transaction(
        self, account: str | None = None, *, snapshot: bool = False
    ) -> "AsyncIterator[Connection]":
        """A transaction that sees and writes one account's rows.

        Args:
            account: the account that row-level security holds the transaction to; None where its
                first statement names it, and sees no row before.
            snapshot: read only, and all statements see the same instant.

        Raises:
            Unavailable: the database is away, or too busy; the same call may succeed later.
        """
        async with (
            self._explained() as connection,
            connection.transaction(
                isolation="repeatable_read" if snapshot else "read_committed", readonly=snapshot
            ),
        ):
            await self._settle(connection)
            if account is not None:
                await connection.execute(_NAME_ACCOUNT, account)
            yield connection

    @asynccontextmanager
    async def dry_run(self, account: str) -> "AsyncIterator[Connection]":
        """A transaction as `transaction` gives it, which is always rolled back at its end.

        Raises:
            Unavailable: as `transaction` does.
        """
        async with self._explained() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                await self._settle(connection)
                await connection.execute(_NAME_ACCOUNT, account)
                yield connection
            finally:
                await transaction.rollback()

    @asynccontextmanager
    async def connection(self) -> "AsyncIterator[Connection]":
        """A connection of no account: it sees no rows, and may call what looks across accounts.

        Raises:
            Unavailable: the same call may succeed later. Its class says what is proven.
            ConfigurationError: the database lacks what a migration makes, and says so.
            What the block raises, and what the driver does, where nothing of that is proven.
        """
        async with self._explained() as connection:
            if not self._begin:
                yield connection
                return
            async with connection.transaction():
                await self._settle(connection)
                yield connection

    async def _settle(self, connection: "Connection") -> None:
        """Set a transaction as every session is set that is our own."""
        if not self._begin:
            return
        try:
            await connection.execute(self._begin)
        except (asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError) as error:
            raise not_connected(error) from error

    @asynccontextmanager
    async def _explained(self) -> "AsyncIterator[Connection]":
        async with self._acquired() as connection:
            try:
                yield connection
            except IngestError:
                raise
            except Exception as error:
                ours = explained(connection, error) or await self._unmigrated(connection, error)
                if ours is None:
                    raise
                if self.writes and isinstance(ours, ReadOnlyDatabase):
                    await self.reconnect()
                raise ours from error

    async def reconnect(self) -> None:
        """Replace every connection before it is used again.

        Of the servers that the URL names, another one may take writes by now.
        """
        await self._pool.expire_connections()

    async def _unmigrated(
        self, connection: "Connection", error: Exception
    ) -> ConfigurationError | None:
        """What to say of an error where the catalogue lacks what a migration makes."""
        if self._lacks is None or not may_lack_tables(error):
            return None
        missing = await self._lacks(connection)
        if not missing:
            return None
        places = ", ".join(missing[:_NAMED])
        return ConfigurationError(
            f"the database is not migrated: run `ingest migrate`; it lacks {places}"
        )

    @asynccontextmanager
    async def _acquired(self) -> "AsyncIterator[Connection]":
        try:
            connection = await self._pool.acquire(timeout=CONNECT_TIMEOUT)
        except FAILURES as error:
            ours = not_connected(error)
            if self._logged:
                log_absence(self._outage, ours, error)
            raise ours from error
        self._outage.passed()
        try:
            yield connection
        finally:
            await self._give_back(connection)

    async def _give_back(self, connection: "Connection") -> None:
        """Return a connection; the pool closes one that cannot be used again.

        What the block did stands, whatever becomes of its connection afterwards.
        """
        try:
            await self._pool.release(connection)
        except Exception as error:  # noqa: BLE001 - of the driver, about that connection alone
            log.warning("a connection was dropped", error=type(error).__name__)


@asynccontextmanager
async def open_pool(
    settings: Settings,
    *,
    lacks: "Lacks | None" = None,
    logged: bool = True,
    role: str | None = ROLE,
    statement_timeout: float | None = None,
    work_mem: str = "",
) -> AsyncIterator[Pool]:
    """Open the pool of this process, and close it at the end.

    Connections are made when they are needed, so that a process can start before its database.

    Args:
        settings: where the database is, how many connections, how long a statement may take.
        lacks: finds what the database lacks that a migration makes.
        logged: whether the log says when the database cannot be connected to; not so for a command
            whose error says it.
        role: the role that every connection works as; None for the login's own rights.
        statement_timeout: seconds, in place of `settings.database_timeout`.
        work_mem: what PostgreSQL may use for one step of a statement, such as `32MB`, in place of
            its own setting.
    """
    timeout = settings.database_timeout if statement_timeout is None else statement_timeout
    session = session_settings(
        role, timeout=timeout, work_mem=work_mem, read_only=settings.read_only
    )
    pooled = is_pooled(settings)
    pool = asyncpg.create_pool(
        settings.database_url,
        min_size=0,
        max_size=settings.database_pool,
        timeout=CONNECT_TIMEOUT,
        command_timeout=timeout + _GRACE,
        statement_cache_size=settings.statement_cache,
        max_cached_statement_lifetime=PLAN_LIFETIME,
        server_settings={"application_name": APPLICATION, **({} if pooled else session)},
        reset=_leave_as_it_is,
    )
    await pool
    try:
        yield Pool(
            pool,
            lacks,
            logged=logged,
            writes=not settings.read_only,
            begin=begin_with(session) if pooled else "",
        )
    finally:
        await _close(pool)


async def allow_time(connection: "Connection", items: int, size: int) -> float | None:
    """Give the statements of this transaction the time that so many items and bytes need.

    Returns:
        The timeout in seconds to call the driver with; None where the usual one is enough.
    """
    if items <= _FEW_ITEMS and size <= FEW_BYTES:
        return None
    added = min(items * _SECONDS_AN_ITEM + size * _SECONDS_A_BYTE, LONGEST_ALLOWANCE)
    milliseconds: int = await connection.fetchval(_LENGTHEN, int(added * 1000))
    return milliseconds / 1000 + _GRACE


async def _leave_as_it_is(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Save the round trip that resets a session: every setting here ends with its transaction.

    The driver itself rolls back what was left open.
    """


async def _close(pool: "_AsyncpgPool") -> None:
    """Close a pool, without waiting for a database that does not answer."""
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await pool.close()
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        pool.terminate()
