"""The doorbell: tells workers of accepted batches, and whoever waits of finished ones.

Only ids travel here. A ring that is lost costs time and no data: a sweeper rings again.
"""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
from arq.connections import ArqRedis
from arq.constants import job_key_prefix
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
            attempt: 0 for the first ring, then a number that grows; rings of the same number are
                one. A ring takes the place of the earlier ones.
        """
        try:
            await self._link.call(lambda: self._ring(account, batch, attempt))
        except RedisAway:
            return False
        return True

    async def _ring(self, account: str, batch: UUID, attempt: int) -> None:
        if attempt:
            await self._forget([f"{batch}:{earlier}" for earlier in (0, attempt - 1, attempt - 2)])
        job = f"{batch}:{attempt}"
        await self._redis.enqueue_job(COMMIT_JOB, account, str(batch), _job_id=job)

    async def _forget(self, jobs: list[str]) -> None:
        """Take jobs off the queue.

        Those of a killed worker count as in progress for minutes, and arq looks at the first
        hundred of its queue only: a hundred of them would hide whatever comes after.
        """
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.zrem(QUEUE, *jobs)
            pipeline.delete(*(job_key_prefix + job for job in jobs))
            await pipeline.execute()

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
                    batch = None if message is None else _batch_of(message["data"])
                    if batch is not None:
                        yield batch
        except (RedisError, OSError, TimeoutError) as error:
            raise RedisAway from error


def _batch_of(announced: bytes) -> UUID | None:
    """The id that was announced; None where somebody else wrote to our channel."""
    try:
        return UUID(bytes=announced)
    except ValueError:
        return None
