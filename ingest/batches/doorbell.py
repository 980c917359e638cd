"""The doorbell: rings for accepted batches and announces finished ones.

Through Redis; through PostgreSQL's NOTIFY where that fails, or reaches no process. Only ids and
counts travel here. A lost ring costs time and no data: a sweeper rings again.

"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from uuid import UUID

from arq.connections import ArqRedis

from ingest.batches.announcements import Announced, decoded, encoded, ids_of
from ingest.batches.coalescing import Coalescer
from ingest.batches.rings import (
    DUE,
    JOB_EXPIRES,
    QUEUE,
    RUNG,
    Ended,
    Rings,
    deserialize,
    message_of,
    place_of,
    serialize,
    withdraw,
)
from ingest.redis import FAILURES, RedisFailed, RedisLink
from ingest.store.notices import Notices

COMMIT_JOB = "commit_batch"
"""Commits one batch by itself."""
COMMIT_JOB_BEFORE = "commit"
"""The same, as versions from before layouts call it. Their workers do not know the other, and so
commit no batch whose layout they cannot read."""
FINISHED = "ingest:finished"
_NOTICE_RUNG, _NOTICE_FINISHED = "ingest_rung", "ingest_finished"
_IN_A_NOTICE = 200  # ids, of 32 bytes
_LISTEN = 1.0  # seconds of one wait for a message


class Doorbell:
    """Rings and announcements of one process."""

    def __init__(self, link: RedisLink, notices: Notices) -> None:
        self._link = link
        self._notices = notices
        self._redis = ArqRedis(link.pool, serialize, deserialize, QUEUE)
        self._rings = Rings(link)
        self._other_rings = Coalescer(self._notify_each, at_once=1, at_most=1_000)

    async def ring(self, account: str, collection: str, ended: Ended | None = None) -> None:
        """Have a worker commit the pending batches of a collection.

        Args:
            ended: the claim of the batch that is rung for, which ends.
        """
        if not await self._rings.ring(account, collection, ended):
            await self._other_rings.call(account, collection)

    async def ring_by_redis(self, account: str, collection: str) -> bool:
        """The same through Redis only. False where it is away, or no worker listens there."""
        return await self._rings.ring(account, collection)

    async def take(self, account: str, collection: str) -> bool:
        """Take a ring before reading what is pending: later batches have to ring again.

        Returns:
            False where another worker has taken it. True also where Redis is away.
        """
        try:
            return await self._rings.take(account, collection)
        except RedisFailed:
            return True  # a commit too many finds nothing pending

    async def ring_for_batch(self, account: str, batch: UUID, attempt: int) -> bool:
        """Have a worker commit one batch by itself. False where Redis is away.

        Args:
            attempt: a number that grows. Rings of one number are one job, and replace earlier ones.
        """
        return await self._reached(partial(self._ring_for_batch, account, batch, attempt))

    async def announce(self, batches: Sequence[Announced]) -> None:
        """Tell the processes that wait that these batches are finished."""
        if await self._reached(partial(self._redis.publish, FINISHED, encoded(batches))):
            return
        starts = range(0, len(batches), _IN_A_NOTICE)
        parts = [ids_of(batches[start : start + _IN_A_NOTICE]).hex() for start in starts]
        await self._notices.send(_NOTICE_FINISHED, parts)

    async def finished(self) -> AsyncIterator[list[Announced]]:
        """Batches as they are announced through Redis.

        Raises:
            RedisFailed: the connection is lost; announcements may have been missed.
        """
        async for message in self._messages(FINISHED):
            yield decoded(message)

    async def finished_by_notice(self) -> AsyncIterator[list[Announced]]:
        """The same through PostgreSQL, by their ids alone.

        Raises:
            Unavailable: the connection is lost; announcements may have been missed.
        """
        async for message in self._notices.received(_NOTICE_FINISHED):
            yield decoded(_bytes_of(message))

    async def rings(self) -> AsyncIterator[tuple[str, str]]:
        """Account and collection of each ring through Redis; every worker receives all of them.

        Raises:
            RedisFailed: the connection is lost; rings may have been missed.
        """
        async for message in self._messages(RUNG):
            place = place_of(message)
            if place is not None:
                yield place

    async def rings_by_notice(self) -> AsyncIterator[tuple[str, str]]:
        """The same through PostgreSQL. None of these is to be taken.

        Raises:
            Unavailable: the connection is lost; rings may have been missed.
        """
        async for message in self._notices.received(_NOTICE_RUNG):
            place = place_of(message)
            if place is not None:
                yield place

    async def _reached(self, call: Callable[[], Awaitable[object]]) -> bool:
        """Whether a call did something; not so where Redis is away."""
        try:
            return bool(await self._link.call(call))
        except RedisFailed:
            return False

    async def _notify_each(self, account: str, collections: Sequence[str]) -> Sequence[None]:
        rings = [message_of(account, each).decode() for each in dict.fromkeys(collections)]
        await self._notices.send(_NOTICE_RUNG, rings)
        return [None] * len(collections)

    async def _ring_for_batch(self, account: str, batch: UUID, attempt: int) -> bool:
        # The job of a killed worker counts as in progress for minutes, and arq reads the first
        # hundred of its queue only: a hundred such jobs would hide the others.
        async with self._redis.pipeline() as pipeline:
            withdraw(pipeline, f"{batch}:{attempt - 1}", f"{batch}:{attempt - 2}")
            await pipeline.execute()
        await self._enqueue(COMMIT_JOB, account, str(batch), f"{batch}:{attempt}")
        return True

    async def _enqueue(self, function: str, account: str, subject: str, job: str) -> None:
        await self._redis.enqueue_job(
            function, account, subject, _job_id=job, _defer_until=DUE, _expires=JOB_EXPIRES
        )

    async def _messages(self, channel: str) -> AsyncIterator[bytes]:
        try:
            async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
                await subscription.subscribe(channel)
                while True:
                    message = await subscription.get_message(timeout=_LISTEN)
                    if message is not None:
                        yield message["data"]
        except FAILURES as error:
            raise self._link.report(error) from error


def _bytes_of(message: str) -> bytes:
    """What a notice holds in hexadecimal; nothing where it is not ours."""
    try:
        return bytes.fromhex(message)
    except ValueError:
        return b""
