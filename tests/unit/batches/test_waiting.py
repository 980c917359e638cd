"""Waiting for batches: only those whose announcement may be lost are looked up."""

from uuid import UUID

from ingest.batches.doorbell import Doorbell
from ingest.batches.waiting import Waiters
from ingest.ids import uuid7
from ingest.redis import open_redis
from ingest.settings import Settings
from ingest.store.notices import open_notices
from ingest.store.pool import Pool


async def test_only_batches_that_are_late_are_looked_up(settings: Settings, operator: Pool) -> None:
    first, second, third = uuid7(), uuid7(), uuid7()
    async with (
        open_redis(settings) as redis,
        open_notices(settings, operator) as notices,
    ):
        waiters = Waiters(operator, Doorbell(redis, notices))
        looks: list[dict[str, list[UUID]]] = []
        with waiters.expecting("acme", first), waiters.expecting("rival", second) as waited:
            looks.append(waiters.late())
            with waiters.expecting("acme", third):
                looks.append(waiters.late())
                waited.finished.set()
                looks.append(waiters.late())
        looks.append(waiters.late())
    assert looks == [
        {},
        {"acme": [first], "rival": [second]},
        {"acme": [first, third]},
        {},
    ]
