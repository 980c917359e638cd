"""What an error of the driver proves about the connection and the database.

A family of exceptions proves nothing: code in a trigger can raise every SQLSTATE, and the driver
has one family for connections that are gone and for calls that are wrong. So each claim has
evidence:

========================================  ====================================================
the connection is lost                    it is closed, or the server said FATAL on closing it
the server refused, nothing was done      it said ERROR, and the connection is as good as before
another transaction held a lock too long  the server's own time-out said so, not a trigger
the database is read-only                 it said so to this session, without being asked
the database is not migrated              its catalogue lacks something (`missing`)
========================================  ====================================================
"""

from typing import TYPE_CHECKING

import asyncpg

from ingest.errors import (
    LockTimeout,
    ReadOnlyDatabase,
    Refused,
    TooSlow,
    Unavailable,
    Unreachable,
)
from ingest.store.sqlstates import READ_ONLY, is_passing

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[asyncpg.Record]

_LOCK_TIMEOUT = asyncpg.LockNotAvailableError.sqlstate
_TIMEOUTS = "ProcessInterrupts"  # the server's function that ends a statement which takes too long
# A migration has changed the table since the statement was planned. What else passes says the
# server, and `sqlstates`.
_PLANNED_ANEW = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)


class OddError(Exception):
    """An error with the SQLSTATE of a warning or of no data, as a trigger can raise it.

    The driver has classes for these whose instances cannot pass through context managers.
    """


def is_lost(connection: "Connection", error: Exception) -> bool:
    """Whether the connection is gone, as opposed to having been used wrongly."""
    if getattr(error, "severity_en", None) in ("FATAL", "PANIC"):
        return True
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool has taken a closed one away from us
        return True


def is_refusal(error: BaseException | None) -> bool:
    """Whether the server itself has answered that the statement failed, so that it did nothing."""
    return isinstance(error, asyncpg.PostgresError) and error.severity_en == "ERROR"


def is_read_only(connection: "Connection") -> bool:
    """Whether the server has reported of this session that it takes no writes."""
    reported = connection.get_settings()
    return "on" in (
        getattr(reported, "in_hot_standby", None),
        getattr(reported, "default_transaction_read_only", None),
    )


def may_lack_tables(error: Exception) -> bool:
    """Whether the error could come from tables that are missing; only the catalogue can tell."""
    return isinstance(
        error, asyncpg.SyntaxOrAccessError | asyncpg.InvalidSchemaNameError
    ) and is_refusal(error)


def explained(connection: "Connection", error: Exception) -> Unavailable | OddError | None:
    """What is to be raised in place of an error inside a block with a connection; None for itself.

    Returns:
        Unreachable: the connection is lost.
        TooSlow: the statement ran out of time, here or in the server.
        LockTimeout: another transaction held a lock for too long.
        ReadOnlyDatabase: it takes no writes.
        Refused: the server says that it cannot do this now.
        OddError: the error cannot be raised again.
    """
    if isinstance(error, TimeoutError | asyncpg.QueryCanceledError):
        return _unavailable(TooSlow)
    if is_lost(connection, error):
        return _unavailable(Unreachable)
    if _waited_for_a_lock(error):
        return _unavailable(LockTimeout)
    state = error.sqlstate if isinstance(error, asyncpg.PostgresError) else None
    if state == READ_ONLY and is_read_only(connection):
        return read_only()
    # For the database's own reasons, as far as requests go: no code of users runs before a batch is
    # accepted.
    if is_passing(state) or isinstance(error, _PLANNED_ANEW):
        return _unavailable(Refused)
    return OddError(str(error)) if isinstance(error, asyncpg.PostgresLogMessage) else None


def _waited_for_a_lock(error: Exception) -> bool:
    return (
        isinstance(error, asyncpg.PostgresError)
        and error.sqlstate == _LOCK_TIMEOUT
        and error.server_source_function == _TIMEOUTS
    )


def read_only() -> ReadOnlyDatabase:
    """The answer to a write that a read-only database cannot take."""
    return ReadOnlyDatabase(
        "The database takes no writes at the moment",
        "Nothing was lost; send the same request again.",
        retry_after=1,
    )


def _unavailable(kind: type[Unavailable]) -> Unavailable:
    return kind(
        "The database is not available at the moment",
        "Nothing was lost; send the same request again.",
        retry_after=1,
    )
