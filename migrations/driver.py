"""What SQLAlchemy leaves to the driver: scripts of many statements, and what errors mean."""

from pathlib import Path

from alembic import op
from sqlalchemy.exc import DBAPIError

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


def reason(error: Exception) -> str:
    """Why the database refused, in one line: its message, and what to do about it where known.

    The driver's details stay out: they can hold values of items.
    """
    cause = error.driver_exception if isinstance(error, DBAPIError) else error
    message = getattr(cause, "message", None) or str(cause) or type(cause).__name__
    advice = _ADVICE.get(getattr(cause, "sqlstate", None) or "")
    return f"{message}; {advice}" if advice else str(message)
