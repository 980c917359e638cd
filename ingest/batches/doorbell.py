"""The doorbell: rings for accepted batches and announces finished ones, through Redis.

Only ids travel here. A lost ring costs time and no data: a sweeper rings again.

A ring for a collection is a flag, an arq job and a message to every worker. While the flag is
there, further rings add nothing. The first worker with a free slot takes the ring: it removes flag
and job, and commits at once. What no worker takes so, arq finds in its queue.

arq's own keys are written here only: `_withdraw` removes a job, for which arq has no call. A script
that did all of a ring in one round trip was no faster (64 clients, single items: 3,005 items/s with
it, 3,146 without).
"""

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from arq.connections import ArqRedis
from arq.constants import job_key_prefix

from ingest.batches.coalescing import Coalescer
from ingest.redis import FAILURES, RedisFailed, RedisLink

QUEUE = "ingest:batches"
COMMIT_PENDING_JOB = "commit_pending"
"""Commits the pending batches of a collection of an account."""
COMMIT_JOB = "commit_batch"
"""Commits one batch by itself."""
COMMIT_JOB_BEFORE = "commit"
"""The same, as versions from before layouts call it. Their workers do not know the other, and so
commit no batch whose layout they cannot read."""
FINISHED = "ingest:finished"
_RUNG = "ingest:rung"
_FLAG_MS = 2_000  # the flag expires, for the job and the message may be lost
_LISTEN = 1.0  # seconds of one wait for a message
_UUID_BYTES = 16
# Jobs are due at once by every clock: those of API processes and workers may differ.
_DUE = dt.datetime(1970, 1, 2, tzinfo=dt.UTC)
_JOB_EXPIRES = dt.timedelta(days=1)


def serialize(job: dict[str, Any]) -> bytes:
    """A job as JSON: arq's default, pickle, would let a writer of Redis run code in a worker."""
    return orjson.dumps(job, default=str)


deserialize = orjson.loads


class Doorbell:
    """Rings and announcements of one process."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._redis = ArqRedis(link.pool, serialize, deserialize, QUEUE)
        # The rings of one moment are one: 3,146 items/s in place of 2,669, and 233 µs of an API
        # process for an item in place of 283 µs (64 clients, single items).
        self._rings = Coalescer(self._ring_each, at_once=1, at_most=1_000)

    async def ring(self, account: str, collection: str) -> bool:
        """Have a worker commit the pending batches of a collection. False where Redis is away."""
        return await self._rings.call(account, collection)

    async def take(self, account: str, collection: str) -> bool:
        """Take a ring before reading what is pending: later batches have to ring again.

        Returns:
            False where another worker has taken it. True also where Redis is away.
        """
        try:
            return await self._link.call(partial(self._take, account, collection))
        except RedisFailed:
            return True  # a commit too many finds nothing pending

    async def ring_for_batch(self, account: str, batch: UUID, attempt: int) -> bool:
        """Have a worker commit one batch by itself. False where Redis is away.

        Args:
            attempt: a number that grows. Rings of one number are one job, and replace earlier ones.
        """
        return await self._reached(partial(self._ring_for_batch, account, batch, attempt))

    async def announce(self, batches: Sequence[UUID]) -> bool:
        """Publish that these batches are finished. False where Redis is away."""
        ids = b"".join(batch.bytes for batch in batches)
        return await self._reached(partial(self._redis.publish, FINISHED, ids))

    async def finished(self) -> AsyncIterator[list[UUID]]:
        """Ids of batches as they are announced.

        Raises:
            RedisFailed: the connection is lost; announcements may have been missed.
        """
        async for message in self._messages(FINISHED):
            yield _batches_of(message)

    async def rings(self) -> AsyncIterator[tuple[str, str]]:
        """Account and collection of each ring; every worker receives all of them.

        Raises:
            RedisFailed: the connection is lost; rings may have been missed.
        """
        async for message in self._messages(_RUNG):
            place = _place_of(message)
            if place is not None:
                yield place

    async def _reached(self, call: Callable[[], Awaitable[object]]) -> bool:
        try:
            await self._link.call(call)
        except RedisFailed:
            return False
        return True

    async def _ring_each(self, account: str, collections: Sequence[str]) -> list[bool]:
        rung = {
            collection: await self._reached(partial(self._ring, account, collection))
            for collection in dict.fromkeys(collections)
        }
        return [rung[collection] for collection in collections]

    async def _ring(self, account: str, collection: str) -> None:
        if await self._redis.set(_flag(account, collection), b"", nx=True, px=_FLAG_MS):
            await self._enqueue(COMMIT_PENDING_JOB, account, collection, _job(account, collection))
            await self._redis.publish(_RUNG, orjson.dumps((account, collection)))

    async def _take(self, account: str, collection: str) -> bool:
        async with self._redis.pipeline() as pipeline:
            pipeline.delete(_flag(account, collection))
            _withdraw(pipeline, _job(account, collection))
            return any(await pipeline.execute())

    async def _ring_for_batch(self, account: str, batch: UUID, attempt: int) -> None:
        # The job of a killed worker counts as in progress for minutes, and arq reads the first
        # hundred of its queue only: a hundred such jobs would hide the others.
        async with self._redis.pipeline() as pipeline:
            _withdraw(pipeline, f"{batch}:{attempt - 1}", f"{batch}:{attempt - 2}")
            await pipeline.execute()
        await self._enqueue(COMMIT_JOB, account, str(batch), f"{batch}:{attempt}")

    async def _enqueue(self, function: str, account: str, subject: str, job: str) -> None:
        await self._redis.enqueue_job(
            function, account, subject, _job_id=job, _defer_until=_DUE, _expires=_JOB_EXPIRES
        )

    async def _messages(self, channel: str) -> AsyncIterator[bytes]:
        try:
            async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
                await subscription.subscribe(channel)
                while True:
                    await self._link.probe_if_away()
                    message = await subscription.get_message(timeout=_LISTEN)
                    if message is not None:
                        yield message["data"]
        except FAILURES as error:
            raise self._link.report(error) from error


def _flag(account: str, collection: str) -> str:
    return f"{_RUNG}:{account}:{collection}"


def _job(account: str, collection: str) -> str:
    return f"{account}:{collection}"


def _withdraw(pipeline: Any, *jobs: str) -> None:
    """Remove jobs from arq's queue."""
    pipeline.zrem(QUEUE, *jobs)
    pipeline.delete(*(job_key_prefix + job for job in jobs))


def _place_of(message: bytes) -> tuple[str, str] | None:
    """Account and collection of a ring; None where the message is not ours."""
    try:
        account, collection = orjson.loads(message)
    except (ValueError, TypeError):
        return None
    ours = isinstance(account, str) and isinstance(collection, str)
    return (account, collection) if ours else None


def _batches_of(message: bytes) -> list[UUID]:
    """The announced ids; none where the message is not ours."""
    if len(message) % _UUID_BYTES:
        return []
    starts = range(0, len(message), _UUID_BYTES)
    return [UUID(bytes=message[start : start + _UUID_BYTES]) for start in starts]
