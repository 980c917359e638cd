"""How a refused batch is repaired in place: its changes are staged, then merged at once."""

from collections.abc import Sequence
from contextlib import aclosing

from ingest.batches.backlog import Backlog
from ingest.batches.staging import Staging
from ingest.batches.write import Changes, Write
from ingest.errors import InvalidParameter, NotRepairable
from ingest.ids import uuid7
from ingest.model import Batch
from ingest.settings import Settings
from ingest.store import repair
from ingest.store.pool import Pool
from ingest.turns import Turns
from ingest.validation.changes import Changed

_AT_ONCE = 4  # batches that are merged at a time, one of each account


class Repairs:
    """Repairs the batches of one process."""

    def __init__(self, settings: Settings, pool: Pool, backlog: Backlog, staging: Staging) -> None:
        self._most_kept = settings.most_kept
        self._pool = pool
        self._backlog = backlog
        self._staging = staging
        # A few bytes may have the database look for the conflicts of a million items.
        self._turns = Turns(_AT_ONCE, 1)

    async def merge(
        self, write: Write, batch: Batch, changes: Changes, attempt: int | None
    ) -> bool:
        """Stage the changes, and merge them; whether the batch is accepted now.

        Raises as `ingest.batches.pipeline.Pipeline.repair`.
        """
        if batch.layout != write.resource.fingerprint:
            raise NotRepairable(
                "The schema of the collection has changed since the batch was sent",
                "Its items would be stored by two schemas: send all of them as a new batch.",
                batch_id=batch.id,
            )
        staged = uuid7()
        account = batch.account
        await repair.begin(self._pool, batch, staged, write.token, write.trace_id)
        with self._backlog.staging(account, batch.collection) as room:
            async with (
                self._staging.receiving(account, staged),
                aclosing(self._staging.changed(write, changes)) as arriving,
            ):
                async for some in arriving:
                    _check_indices(some, batch)
                    size = sum(each.size for each in some)
                    room.take(len(some), size, saves=True)
                    await repair.add(self._pool, account, staged, some)
                async with self._turns.taken(account):
                    size_of_all = await repair.merge(
                        self._pool, write.resource, batch, staged, attempt, self._most_kept
                    )
        if size_of_all is None:
            return False
        self._backlog.accepted(account, batch.received, size_of_all)
        return True


def _check_indices(changes: Sequence[Changed], batch: Batch) -> None:
    last = max((each.index for each in changes), default=0)
    if last >= batch.received:
        raise InvalidParameter(
            f"There is no item {last}", f"The batch has items 0 to {batch.received - 1}."
        )
