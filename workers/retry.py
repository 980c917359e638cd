"""What the failure of a commit means, and how long to wait before the next attempt. Pure."""

from enum import Enum

from ingest.errors import ConfigurationError, LockTimeout, ReadOnlyDatabase, Unreachable
from ingest.store.commit import UnservedCollection
from ingest.store.layouts import NotApplicable

_FIRST_DELAY = 0.1
_LONGEST_DELAY = 10.0


class Verdict(Enum):
    """What to do after a failed commit."""

    AGAIN = "again"
    """The cause is proven to lie outside the batch, and passes. Not an attempt."""
    NOT_HERE = "not here"
    """This worker does not know the collection, or not the layout of the batch, or the table lacks
    what that needs. Another worker may, or the next migration helps. Not an attempt."""
    COUNTED = "counted"
    """Anything else: an attempt. After the last one the batch is a dead letter."""


_ELSEWHERE = (
    Unreachable,  # the connection is gone
    LockTimeout,  # another transaction is in the way
    ReadOnlyDatabase,  # it has failed over, and there is one that takes writes, or will be
    ConfigurationError,  # the catalogue says that the database is not migrated
)


def judge(error: Exception) -> Verdict:
    """The verdict on an exception of a commit."""
    if isinstance(error, UnservedCollection | NotApplicable):
        return Verdict.NOT_HERE
    return Verdict.AGAIN if isinstance(error, _ELSEWHERE) else Verdict.COUNTED


def delay(tries: int) -> float:
    """Seconds before the next try after `tries` tries: doubling, with a bound."""
    return min(_FIRST_DELAY * 2.0 ** min(tries - 1, 16), _LONGEST_DELAY)
