"""What the failure of a commit means, and how long to wait before the next attempt. Pure."""

from enum import Enum

from ingest.errors import ConfigurationError, TooSlow, Unavailable
from ingest.store.commit import UnservedCollection

_FIRST_DELAY = 0.1
_LONGEST_DELAY = 10.0


class Verdict(Enum):
    """What to do after a failed commit."""

    AGAIN = "again"
    """The cause passes: a lost connection, a deadlock, a missing migration. Not an attempt."""
    NOT_HERE = "not here"
    """This worker does not serve the collection; another one may."""
    COUNTED = "counted"
    """The database refused: an attempt. After the last one the batch is a dead letter."""


def judge(error: Exception) -> Verdict:
    """The verdict on an exception of a commit."""
    if isinstance(error, UnservedCollection):
        return Verdict.NOT_HERE
    # What is too slow always will be, and others wait behind it.
    passes = isinstance(error, Unavailable | ConfigurationError) and not isinstance(error, TooSlow)
    return Verdict.AGAIN if passes else Verdict.COUNTED


def delay(tries: int) -> float:
    """Seconds before the next try after `tries` tries: doubling, with a bound."""
    return min(_FIRST_DELAY * 2.0 ** min(tries - 1, 16), _LONGEST_DELAY)
