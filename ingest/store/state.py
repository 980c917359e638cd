"""Whether the service can work with the database as it is: for /readyz, and for the log."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import asyncpg
import structlog

from ingest.errors import Unavailable, Unreachable
from ingest.logs import cause_of
from ingest.outage import Outage
from ingest.resources.resource import Resource
from ingest.store.missing import NOT_MIGRATED, missing_tables, not_migrated
from ingest.store.pool import Pool
from ingest.tasks import end

if TYPE_CHECKING:
    from ingest.store.pool import Connection

READY = "ready"
_READ_ONLY = "read-only: a standby, or default_transaction_read_only is on"
_IS_READ_ONLY = "SELECT current_setting('transaction_read_only')::boolean"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0  # seconds

log = structlog.get_logger(__name__)


async def takes_no_writes(connection: "Connection") -> bool:
    """Whether the database is read-only. Asked for: a pooler reports what once was so elsewhere."""
    answer: bool = await connection.fetchval(_IS_READ_ONLY)
    return answer


async def state_of_database(pool: Pool, served: Mapping[str, Resource]) -> str:
    """`READY` where the service can work with the database; else what is wrong with it."""
    try:
        async with pool.connection() as connection:
            missing = await missing_tables(connection, served)
            read_only = pool.writes and await takes_no_writes(connection)
    except Unreachable as error:
        return error.reason
    except (Unavailable, asyncpg.PostgresError) as error:
        return f"refuses a query: {cause_of(error)}"
    if not missing and read_only:
        await pool.reconnect()
        return _READ_ONLY
    return not_migrated(missing) or READY


@asynccontextmanager
async def state_logged(pool: Pool, served: Mapping[str, Resource]) -> AsyncIterator[None]:
    """Look at the database until the block ends, and log what is wrong with it.

    So that a process which nothing calls says why it cannot work, too: at its start, and where the
    database becomes read-only or loses what a migration made.
    """
    task = asyncio.create_task(_log_states(pool, served))
    try:
        yield
    finally:
        await end([task])


async def _log_states(pool: Pool, served: Mapping[str, Resource]) -> None:
    unready = Outage(partial(log.info, "the database is ready"))
    pause = _FIRST_PAUSE
    while True:
        try:
            state = await state_of_database(pool, served)
        except Exception as error:
            state = "is not known"
            log.exception("the database could not be looked at", error=type(error).__name__)
        # Of a connection that failed the pool has written.
        if state.startswith((NOT_MIGRATED, _READ_ONLY)):
            unready.failed(state, partial(log.error, "the database is not ready", reason=state))
        elif state == READY:
            unready.passed()
            pause = _LONGEST_PAUSE
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
