"""Which failure of a commit means again, and which means that the batch itself is stuck. Pure."""

from enum import Enum

from ingest.errors import ConfigurationError, TooSlow, Unavailable
from ingest.store.commit import UnservedCollection

_FIRST_DELAY = 0.1
_LONGEST_DELAY = 10.0


class Verdict(Enum):
    """What to do after a commit raised."""

    AGAIN = "again"
    """It will pass: a lost connection, a deadlock, a missing migration. Not counted."""
    NOT_HERE = "not here"
    """Another worker may do it: this one does not serve the collection."""
    COUNTED = "counted"
    """The database answered, and said no: after a number of attempts the batch has failed."""


def judge(error: Exception) -> Verdict:
    """What an exception of a commit means."""
    if isinstance(error, TooSlow):  # always will be: others wait behind it
        return Verdict.COUNTED
    if isinstance(error, Unavailable | ConfigurationError):
        return Verdict.AGAIN
    if isinstance(error, UnservedCollection):
        return Verdict.NOT_HERE
    return Verdict.COUNTED


def delay(tries: int) -> float:
    """Seconds before the try that follows `tries` earlier ones: doubling, with a bound."""
    return min(_FIRST_DELAY * 2.0 ** min(max(tries - 1, 0), 16), _LONGEST_DELAY)
