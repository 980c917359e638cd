"""What it means that the driver could not connect to PostgreSQL."""

from functools import partial

import asyncpg
import structlog

from ingest.errors import NotAdmitted, Unreachable
from ingest.logs import cause_of
from ingest.outage import Outage
from ingest.store.sqlstates import REFUSED_LOGINS, is_passing

log = structlog.get_logger(__name__)

FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InternalClientError,
    asyncpg.InterfaceError,  # the URL cannot be used, or this pool is being closed
    OSError,
    TimeoutError,
)
"""What the driver raises where it cannot connect."""

_POOLER = "08P01"
"""What PgBouncer gives nearly every refusal; what the driver itself says has other codes."""
_NO_SETTINGS = (
    "refuses the connection: a pooler takes no settings of sessions; behind PgBouncer set "
    "INGEST_STATEMENT_CACHE=0"
)


def not_connected(error: Exception) -> Unreachable:
    """What is to be raised in place of one of `FAILURES`.

    Returns:
        NotAdmitted: an operator has to change something.
        Unreachable: the server does not answer, or says that it will let us in later.
    """
    state: str | None = getattr(error, "sqlstate", None)
    refusal = _refusal(error, state)
    if refusal is not None:
        return NotAdmitted(
            "The database refuses to be connected to",
            "Nothing was lost; send the same request again.",
            retry_after=5,
            reason=refusal,
        )
    return Unreachable(
        "The database is not available at the moment",
        "Nothing was lost; send the same request again.",
        retry_after=1,
        reason=_absence(error, state),
    )


def _refusal(error: Exception, state: str | None) -> str | None:
    """What an operator has to change; None where nothing has to be changed."""
    if state == _POOLER and "unsupported startup parameter" in str(error):
        return _NO_SETTINGS
    refused = isinstance(error, asyncpg.PostgresError) and not is_passing(state)
    if refused or isinstance(error, asyncpg.ClientConfigurationError):
        other = f"refuses the connection: {type(error).__name__}, SQLSTATE {state}"
        return REFUSED_LOGINS.get(state, other)
    return None


def _absence(error: Exception, state: str | None) -> str:
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return "no server of INGEST_DATABASE_URL is what its target_session_attrs asks for"
    # What the driver itself says of a connection has a class of its own.
    said = state is not None and (state == _POOLER or not state.startswith("08"))
    return f"admits no one for now: SQLSTATE {state}" if said else "does not answer"


def log_absence(outage: Outage, ours: Unreachable, error: Exception) -> None:
    """Log that the database cannot be connected to, unless that has been said."""
    if isinstance(ours, NotAdmitted):
        say = partial(log.error, "the database refuses the service")
    else:
        say = partial(log.warning, "the database is away")
    cause = cause_of(error)
    outage.failed(cause, partial(say, reason=ours.reason, cause=cause))
