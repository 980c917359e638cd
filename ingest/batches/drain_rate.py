"""How fast a backlog drains, which is when there will be room again."""

import datetime as dt
import math
from collections import deque
from dataclasses import dataclass

from ingest.store.backlog import Pending

_WINDOW = 10.0  # seconds over which the drain rate is measured; two readings may be further apart
_SHORTEST, _LONGEST = 1, 60  # seconds of Retry-After
_UNMEASURED = 5  # seconds of it while the rate is not known


class DrainRate:
    """How much is finished in a second, from what is left of earlier backlogs."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque()

    def add(self, before: Pending, now: Pending, since: dt.datetime, until: dt.datetime) -> None:
        """Learn from two readings, the second of which knows the newest batch of the first.

        However far apart they are, they count until the next ones: without writes, only scrapes
        read.
        """
        seconds = (until - since).total_seconds()
        while self._samples and (until - self._samples[0].since).total_seconds() > _WINDOW:
            self._samples.popleft()
        if not before.items or seconds <= 0:
            return
        if seconds > _WINDOW and not now.known_items:
            return  # it was finished at some unknown time between them
        items = max(before.items - now.known_items, 0)
        size = max(before.bytes - now.known_bytes, 0)
        self._samples.append(_Sample(since, seconds, items, size))

    @property
    def items(self) -> float | None:
        """Items a second; None where there was no backlog to learn from."""
        return self._mean([sample.items for sample in self._samples])

    @property
    def bytes(self) -> float | None:
        """Bytes of payload a second."""
        return self._mean([sample.bytes for sample in self._samples])

    def retry_after(self, items: float, size: float) -> int:
        """Whole seconds until so many items and bytes more are finished."""
        return max(_seconds(items, self.items), _seconds(size, self.bytes))

    def _mean(self, amounts: list[int]) -> float | None:
        seconds = sum(sample.seconds for sample in self._samples)
        return sum(amounts) / seconds if seconds else None


@dataclass(frozen=True, slots=True)
class _Sample:
    since: dt.datetime
    seconds: float
    items: int
    bytes: int


def _seconds(excess: float, rate: float | None) -> int:
    if excess <= 0:
        return _SHORTEST
    if rate is None:
        return _UNMEASURED
    if rate <= 0:
        return _LONGEST
    return max(_SHORTEST, min(math.ceil(excess / rate), _LONGEST))
