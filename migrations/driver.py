"""What SQLAlchemy leaves to the driver: scripts of many statements, and what errors mean."""

from pathlib import Path

from alembic import op
from sqlalchemy.exc import DBAPIError

_INSUFFICIENT_PRIVILEGE, _LOCK_NOT_AVAILABLE, _TOO_LONG = "42501", "55P03", "54000"
_ADVICE = {
    _INSUFFICIENT_PRIVILEGE: "migrate as a superuser, or as a role that has CREATEROLE and CREATE "
    "on the database, is a member of ingest_app and ingest_lookup if those exist already, and "
    "owns what was migrated before",
    _LOCK_NOT_AVAILABLE: "something holds a lock; try again when the service is less busy",
    _TOO_LONG: "stored values are too long to be indexed: shorten them to at most 2048 bytes, and "
    'those of "$group" to 255',
}


def run_script(file: Path) -> None:
    """Run an SQL file in the transaction of the revision that calls this."""
    sql = file.read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    # SQLAlchemy prepares what it runs, and only a single statement can be prepared.
    connection.run_async(lambda driver: driver.execute(sql))  # type: ignore[union-attr]  # asyncpg's


def reason(error: Exception) -> str:
    """Why the database refused, in one line: its message, and what to do about it where known.

    The driver's details stay out: they can hold values of items.
    """
    cause = error.driver_exception if isinstance(error, DBAPIError) else error
    message = getattr(cause, "message", None) or str(cause) or type(cause).__name__
    advice = _ADVICE.get(getattr(cause, "sqlstate", None) or "")
    return f"{message}; {advice}" if advice else str(message)
