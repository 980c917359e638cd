"""What SQLAlchemy leaves to the driver: scripts of many statements, and what errors mean."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
from alembic import op
from sqlalchemy.exc import DBAPIError

_Result = TypeVar("_Result")

_PATIENCE = 60.0  # seconds of tries for locks
_PAUSE = 0.2
_ADVICE = {
    # insufficient_privilege
    "42501": "migrate as a superuser, or as a role that has CREATEROLE and CREATE on the database, "
    "is a member of ingest_app and ingest_lookup if those exist already, and owns what was "
    "migrated before",
    # lock_not_available
    "55P03": "something holds a lock; try again when the service is less busy",
    # program_limit_exceeded
    "54000": "stored values are too long to be indexed: shorten them to at most 2048 bytes, and "
    'those of "$group" to 255',
}


def run_script(file: Path) -> None:
    """Run an SQL file in the transaction of the revision that calls this."""
    sql = file.read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    # SQLAlchemy prepares what it runs, and only a single statement can be prepared.
    connection.run_async(lambda driver: driver.execute(sql))  # type: ignore[union-attr]  # asyncpg's


def is_lock_timeout(error: DBAPIError) -> bool:
    """Whether another transaction held a lock for too long."""
    return getattr(error.driver_exception, "sqlstate", None) == "55P03"


async def patiently(call: Callable[[], Awaitable[_Result]]) -> _Result:
    """What `call` returns, which waits for locks a short time only: again and again.

    Others queue behind a lock that is waited for: no longer than one `lock_timeout`.
    """
    ends = time.monotonic() + _PATIENCE
    while True:
        try:
            return await call()
        except (asyncpg.LockNotAvailableError, DBAPIError) as error:
            passing = not isinstance(error, DBAPIError) or is_lock_timeout(error)
            if not passing or time.monotonic() > ends:
                raise
        await asyncio.sleep(_PAUSE)


def reason(error: Exception) -> str:
    """Why the database refused, in one line: its message, and what to do about it where known.

    The driver's details stay out: they can hold values of items.
    """
    cause = error.driver_exception if isinstance(error, DBAPIError) else error
    message = getattr(cause, "message", None) or str(cause) or type(cause).__name__
    advice = _ADVICE.get(getattr(cause, "sqlstate", None) or "")
    return f"{message}; {advice}" if advice else str(message)
