"""What the driver's errors mean for whoever runs `ingest migrate`."""

from sqlalchemy.exc import DBAPIError

_ADVICE = {
    "42501": "migrate as a superuser, or as the owner of what was migrated before, "
    "with CREATEROLE and CREATE on the database",  # insufficient_privilege
    "55P03": "something holds a lock; try again when the service is less busy",  # lock_not_available
}


def reason(error: Exception) -> str:
    """Why the database refused, in one line: its message, and what to do about it if we know."""
    cause = error.driver_exception if isinstance(error, DBAPIError) else error
    message = " ".join(str(cause).split()) or type(cause).__name__
    advice = _ADVICE.get(getattr(cause, "sqlstate", None) or "")
    return f"{message}; {advice}" if advice else message
