"""The doorbell: tells workers of accepted batches, and whoever waits of finished ones.

Only ids travel here. A ring that is lost costs time and no data: a sweeper rings again.
"""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
from arq.connections import ArqRedis
from redis.exceptions import RedisError

from ingest.redis_link import RedisAway, RedisLink

QUEUE = "ingest:batches"
COMMIT_JOB = "commit"
FINISHED = "ingest:finished"
_LISTEN = 1.0  # seconds of one wait for a message


def serialize(job: dict[str, Any]) -> bytes:
    """A job as JSON: arq's default, pickle, would run whatever someone wrote into Redis."""
    return orjson.dumps(job, default=str)


def deserialize(job: bytes) -> dict[str, Any]:
    return orjson.loads(job)  # type: ignore[no-any-return]  # a job is an object, `serialize` says


class Queue:
    """Rings and listens through Redis; every call says by its result whether Redis was there."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._redis = ArqRedis(
            link.pool,
            job_serializer=serialize,
            job_deserializer=deserialize,
            default_queue_name=QUEUE,
        )

    async def ring(self, account: str, batch: UUID, attempt: int = 0) -> bool:
        """Ask a worker to commit a batch. False where Redis is away: a sweeper will ring again.

        Args:
            attempt: a number that was not used before for this batch; a job's id is used once.
        """
        job = f"{batch}:{attempt}"
        try:
            await self._link.call(
                lambda: self._redis.enqueue_job(COMMIT_JOB, account, str(batch), _job_id=job)
            )
        except RedisAway:
            return False
        return True

    async def announce(self, batch: UUID) -> bool:
        """Tell whoever waits that a batch is finished."""
        try:
            await self._link.call(lambda: self._redis.publish(FINISHED, batch.bytes))
        except RedisAway:
            return False
        return True

    async def finished(self) -> AsyncIterator[UUID]:
        """Ids of batches as they are announced.

        Raises:
            RedisAway: the connection is lost; announcements may have been missed.
        """
        try:
            async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
                await subscription.subscribe(FINISHED)
                while True:
                    message = await subscription.get_message(timeout=_LISTEN)
                    if message is not None:
                        yield UUID(bytes=message["data"])
        except (RedisError, OSError, TimeoutError) as error:
            raise RedisAway from error
