"""The doorbell: tells workers of accepted batches, and whoever waits of finished ones.

Only ids travel here. A ring that is lost costs time and no data: a sweeper rings again.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import orjson
from arq.connections import ArqRedis
from arq.constants import expires_extra_ms, job_key_prefix
from arq.jobs import serialize_job
from arq.utils import timestamp_ms
from redis.exceptions import RedisError

from ingest.batches.coalescing import Coalescer
from ingest.redis import RedisAway, RedisLink

QUEUE = "ingest:batches"
COMMIT_WAITING_JOB = "commit_waiting"
"""Commits whatever waits in a collection of an account."""
COMMIT_JOB = "commit"
"""Commits one batch by itself."""
FINISHED = "ingest:finished"
_RUNG = "ingest:rung"
_LISTEN = 1.0  # seconds of one wait for a message
_UUID_BYTES = 16

# Puts a job into arq's queue, unless there is one that no worker has begun with: a flag says so,
# which is forgotten after a moment, for the job may be lost. The job takes the place of the one
# before. What arq sorts its queue by is a number, and no time: clocks may differ.
_RING = """
if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return 0 end
local number = redis.call('INCR', KEYS[3])
local job = ARGV[2] .. ':' .. number
local earlier = redis.call('SET', KEYS[2], job, 'PX', ARGV[3], 'GET')
if earlier then
    redis.call('ZREM', KEYS[4], earlier)
    redis.call('DEL', ARGV[4] .. earlier)
end
redis.call('PSETEX', ARGV[4] .. job, ARGV[3], ARGV[5])
redis.call('ZADD', KEYS[4], number, job)
redis.call('PUBLISH', ARGV[6], ARGV[7])
return 1
"""
# Takes that job out of the queue again, for whoever heard of it first.
_ANSWER = """
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
local job = redis.call('GET', KEYS[2])
if job then
    redis.call('ZREM', KEYS[3], job)
    redis.call('DEL', KEYS[2], ARGV[1] .. job)
end
return 1
"""
_UNHEARD = 2_000  # milliseconds


def serialize(job: dict[str, Any]) -> bytes:
    """A job as JSON: arq's default, pickle, would run whatever someone wrote into Redis."""
    return orjson.dumps(job, default=str)


def deserialize(job: bytes) -> dict[str, Any]:
    return orjson.loads(job)  # type: ignore[no-any-return]  # a job is an object, `serialize` says


class Doorbell:
    """Rings and listens through Redis; every call says by its result whether Redis was there."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._redis = ArqRedis(
            link.pool,
            job_serializer=serialize,
            job_deserializer=deserialize,
            default_queue_name=QUEUE,
        )
        self._ring_script = self._redis.register_script(_RING)
        self._answer_script = self._redis.register_script(_ANSWER)
        self._rings = Coalescer(self._ring_together, at_once=1, at_most=1_000)

    async def ring(self, account: str, collection: str) -> bool:
        """Ask a worker to commit what waits in a collection.

        Rings of one moment are one, and so are those that no worker has heard yet. False where
        Redis is away: a sweeper will ring again.
        """
        return await self._rings.call(account, collection)

    async def heard(self, account: str, collection: str) -> None:
        """Say that a worker is about to look what waits: who comes later has to ring again."""
        try:
            await self._link.call(lambda: self._redis.delete(_flag(account, collection)))
        except RedisAway:
            return  # the ring is forgotten by itself

    async def answer(self, account: str, collection: str) -> bool:
        """Take a ring that was heard for oneself; False where another worker has it already."""
        flag = _flag(account, collection)
        try:
            taken = await self._link.call(
                lambda: self._answer_script(
                    keys=[flag, _last_job(account, collection), QUEUE], args=[job_key_prefix]
                )
            )
        except RedisAway:
            return False
        return bool(taken)

    async def ring_for_batch(self, account: str, batch: UUID, attempt: int) -> bool:
        """Ask a worker to commit one batch by itself. False where Redis is away.

        Args:
            attempt: a number that grows; rings of the same number are one. A ring takes the place
                of the earlier ones.
        """
        try:
            await self._link.call(lambda: self._ring_for_batch(account, batch, attempt))
        except RedisAway:
            return False
        return True

    async def _ring_together(self, account: str, collections: Sequence[str]) -> list[bool]:
        rung = {name: await self._ring_once(account, name) for name in dict.fromkeys(collections)}
        return [rung[name] for name in collections]

    async def _ring_once(self, account: str, collection: str) -> bool:
        try:
            await self._link.call(lambda: self._ring(account, collection))
        except RedisAway:
            return False
        return True

    async def _ring(self, account: str, collection: str) -> None:
        flag, arguments = _flag(account, collection), (account, collection)
        job = serialize_job(
            COMMIT_WAITING_JOB, arguments, {}, None, timestamp_ms(), serializer=serialize
        )
        await self._ring_script(
            keys=[flag, _last_job(account, collection), f"{_RUNG}:number", QUEUE],
            args=[
                _UNHEARD,
                ":".join(arguments),
                expires_extra_ms,
                job_key_prefix,
                job,
                _RUNG,
                orjson.dumps(arguments),
            ],
        )

    async def _ring_for_batch(self, account: str, batch: UUID, attempt: int) -> None:
        await self._forget([f"{batch}:{attempt - 1}", f"{batch}:{attempt - 2}"])
        await self._redis.enqueue_job(COMMIT_JOB, account, str(batch), _job_id=f"{batch}:{attempt}")

    async def _forget(self, jobs: list[str]) -> None:
        """Take jobs off the queue.

        Those of a killed worker count as in progress for minutes, and arq looks at the first
        hundred of its queue only: a hundred of them would hide whatever comes after.
        """
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.zrem(QUEUE, *jobs)
            pipeline.delete(*(job_key_prefix + job for job in jobs))
            await pipeline.execute()

    async def announce(self, batches: Sequence[UUID]) -> bool:
        """Tell whoever waits that these batches are finished."""
        ids = b"".join(batch.bytes for batch in batches)
        try:
            await self._link.call(lambda: self._redis.publish(FINISHED, ids))
        except RedisAway:
            return False
        return True

    async def finished(self) -> AsyncIterator[list[UUID]]:
        """Ids of batches as they are announced.

        Raises:
            RedisAway: the connection is lost; announcements may have been missed.
        """
        async for message in self._messages(FINISHED):
            yield _batches_of(message)

    async def rung(self) -> AsyncIterator[tuple[str, str]]:
        """Account and collection of each ring, as every worker hears it.

        Raises:
            RedisAway: the connection is lost; rings may have been missed.
        """
        async for message in self._messages(_RUNG):
            place = _place_of(message)
            if place is not None:
                yield place

    async def _messages(self, channel: str) -> AsyncIterator[bytes]:
        try:
            async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
                await subscription.subscribe(channel)
                while True:
                    await self._link.look_again()
                    message = await subscription.get_message(timeout=_LISTEN)
                    if message is not None:
                        yield message["data"]
        except (RedisError, OSError, TimeoutError) as error:
            raise RedisAway from error


def _flag(account: str, collection: str) -> str:
    return f"{_RUNG}:{account}:{collection}"


def _last_job(account: str, collection: str) -> str:
    return f"{_RUNG}-job:{account}:{collection}"


def _place_of(rung: bytes) -> tuple[str, str] | None:
    """Where was rung for; None where somebody else wrote to our channel."""
    try:
        account, collection = orjson.loads(rung)
    except (ValueError, TypeError):
        return None
    return (
        (account, collection) if isinstance(account, str) and isinstance(collection, str) else None
    )


def _batches_of(announced: bytes) -> list[UUID]:
    """The ids that were announced; none where somebody else wrote to our channel."""
    if len(announced) % _UUID_BYTES:
        return []
    places = range(0, len(announced), _UUID_BYTES)
    return [UUID(bytes=announced[at : at + _UUID_BYTES]) for at in places]
