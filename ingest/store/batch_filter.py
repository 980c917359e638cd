"""Which batches a list has."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from ingest.model import BatchState


@dataclass(frozen=True, slots=True)
class BatchFilter:
    """What the batches of a list have in common; None where it does not matter."""

    key: str | None = None
    """The idempotency key that they hold; there is one at most."""
    state: BatchState | None = None
    collection: str | None = None
    since: dt.datetime | None = None
    """When the first of them was begun."""
    after: UUID | None = None
    """The batch behind which a page begins, for the newest come first; it changes no count."""


ALL_BATCHES = BatchFilter()
