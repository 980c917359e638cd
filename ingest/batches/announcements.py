"""What is announced of finished batches: their ids, and what came of those that were saved whole.

A message is rows of 16 bytes::

    ids ─▶ a mark ─▶ counts, one row for each id

Earlier versions send ids alone, and take every row for an id: they wait for none of the others.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from ingest.model import BatchState, Counts, Finished

_ROW = 16  # bytes
_COUNTS = struct.Struct("!4I")
_MARK = b"\xff" * _ROW  # no UUID
_UNKNOWN = _MARK


class Announced(NamedTuple):
    """A batch that is finished."""

    batch: UUID
    counts: Counts | None = None
    """None where more has to be read of it than how many items it changed."""


def announced(finished: Finished, *, limited: bool) -> Announced:
    """What to announce of a batch.

    Args:
        limited: whether its account has quotas, of which answers have to speak.
    """
    whole = finished.state is BatchState.COMMITTED and not finished.invalid
    return Announced(finished.batch, None if limited or not whole else finished.counts)


def encoded(batches: Sequence[Announced]) -> bytes:
    """A message of Redis."""
    counts = (_UNKNOWN if each.counts is None else _COUNTS.pack(*each.counts) for each in batches)
    return b"".join((ids_of(batches), _MARK, *counts))


def ids_of(batches: Sequence[Announced]) -> bytes:
    """A message of ids alone."""
    return b"".join(each.batch.bytes for each in batches)


def decoded(message: bytes) -> list[Announced]:
    """The batches of a message; none where it is not ours."""
    if len(message) % _ROW:
        return []
    rows = [message[start : start + _ROW] for start in range(0, len(message), _ROW)]
    half = len(rows) // 2
    if len(rows) % 2 and rows[half] == _MARK:
        return [
            Announced(
                UUID(bytes=row), None if counts == _UNKNOWN else Counts(*_COUNTS.unpack(counts))
            )
            for row, counts in zip(rows[:half], rows[half + 1 :], strict=True)
        ]
    return [Announced(UUID(bytes=row)) for row in rows]
