"""Pending batches that this worker leaves to others for a while: it cannot apply them for now."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from uuid import UUID

from ingest.model import Batch

_AGAIN_AFTER = 2.0  # seconds before it is tried whether they can be applied by now
_MOST = 1_000  # of each kind that are remembered


class Left:
    """By layout, or by id where a batch has none."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: OrderedDict[str | UUID, float] = OrderedDict()
        self._reasons: OrderedDict[str, None] = OrderedDict()

    def leave(self, batch: Batch) -> None:
        """Leave a batch, and all of its layout, for a moment."""
        left = batch.layout or batch.id
        self._until[left] = self._clock() + _AGAIN_AFTER
        self._until.move_to_end(left)
        if len(self._until) > _MOST:
            self._until.popitem(last=False)

    def is_new(self, reason: str) -> bool:
        """Whether this reason for leaving batches is given for the first time."""
        new = reason not in self._reasons
        self._reasons[reason] = None
        if len(self._reasons) > _MOST:
            self._reasons.popitem(last=False)
        return new

    @property
    def layouts(self) -> Sequence[str]:
        """The layouts that are left for now."""
        return [each for each in self._now() if isinstance(each, str)]

    @property
    def batches(self) -> Sequence[UUID]:
        """The batches without a layout that are left for now."""
        return [each for each in self._now() if isinstance(each, UUID)]

    def _now(self) -> list[str | UUID]:
        now = self._clock()
        while self._until and next(iter(self._until.values())) <= now:
            self._until.popitem(last=False)
        return list(self._until)
