"""Batches that do not get on, and those that the service could not commit."""

import datetime as dt
from collections.abc import AsyncIterator

from ingest.doctor.finding import AT_MOST, Finding, Subject, ago, counted, place
from ingest.store.doctor import look

# A commit may take `commit_timeout`, and half a millisecond for each item of a long batch: with ten
# minutes more than its share, a batch waits for something else.
_WAITING = dt.timedelta(minutes=10)
_SILENT = dt.timedelta(minutes=5)  # a sweeper removes what is silent for one


async def waiting(subject: Subject) -> AsyncIterator[Finding]:
    """Batches that were accepted long ago and are not finished."""
    allowed = _WAITING + dt.timedelta(seconds=subject.settings.commit_timeout)
    for row in await look(subject.pool, "waiting", allowed, AT_MOST):
        tried = f", after {counted(row['attempts'], 'attempt')}" if row["attempts"] else ""
        yield Finding(
            place(row["account"], row["collection"]),
            f"{counted(row['batches'], 'batch')} accepted and not committed, "
            f"the first {ago(row['since'], row['now'])} ago{tried}",
            "see whether an `ingest worker` runs that serves this collection, and what its log "
            "says of `commit failed`",
        )


async def silent(subject: Subject) -> AsyncIterator[Finding]:
    """Streams whose request is gone, and which no sweeper has removed."""
    for row in await look(subject.pool, "silent", _SILENT, AT_MOST):
        yield Finding(
            place(row["account"], row["collection"]),
            f"{counted(row['batches'], 'batch')} still receiving, and nothing has arrived for "
            f"more than {ago(row['now'] - _SILENT, row['now'])}; the first is "
            f"{ago(row['since'], row['now'])} old",
            "start an `ingest worker`, which removes them, or look for `maintenance failed` in "
            "its log",
        )


async def dead_letters(subject: Subject) -> AsyncIterator[Finding]:
    """Batches that failed for a reason of the service's own."""
    for row in await look(subject.pool, "dead_letters", AT_MOST):
        yield Finding(
            place(row["account"], row["collection"]),
            f"{counted(row['batches'], 'batch')} could not be committed, the last "
            f"{ago(row['last'], row['now'])} ago ({row['newest']}: {row['reason']})",
            "correct the cause, then run `ingest batches retry ID` for each that "
            "`ingest batches list --state failed` shows",
        )
