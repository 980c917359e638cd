"""Streams: bodies that are validated and staged while they arrive, however long they are.

::

    body ─▶ items ─▶ chunks ─▶ rows of a batch in state `receiving` ─▶ settled, or discarded

One chunk is validated while the one before is being written; nothing else is held in memory. A
body that ends within its first chunk is no stream: it becomes a batch like any other.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Protocol

import structlog

from ingest.batches.idempotency import Keys
from ingest.errors import Unavailable
from ingest.model import Chunk, IdempotencyKey, NewBatch
from ingest.slices import take_slice
from ingest.store import receiving
from ingest.store.pool import Pool
from ingest.store.receiving import Received
from ingest.tasks import end
from ingest.validation.chunking import Chunker

log = structlog.get_logger(__name__)

_BEAT = 10.0  # seconds between two signs of life; sweepers wait for several of them
_GOODBYE = 5.0  # seconds in which what is on its way is removed when the process ends


Chunks = AsyncGenerator[Chunk, None]


class Body(Protocol):
    """The body of a request while it arrives."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The columns of a CSV file, once there are items."""

    def items(self) -> AsyncIterator[list[Any]]:
        """The items in their order, as they are complete.

        Raises:
            MalformedBody, BodyTooLarge, RequestTimeout: it cannot be read to its end.
        """

    async def drain(self) -> None:
        """Read the rest of it, for its fingerprint only. Raises as `items` does."""

    def fingerprint(self) -> bytes:
        """What makes its request the same as another, once it is read to its end."""


async def chunks(body: Body, chunker: Chunker, turns: asyncio.Lock) -> Chunks:
    """The chunks of a body, the last of them marked.

    Args:
        turns: held while items are validated, so that however many streams there are, everybody
            else waits for one slice of one of them at most.
    """
    async for items in body.items():
        start = 0
        while start < len(items):
            async with turns:
                start = await take_slice(chunker, items, start)
            if chunker.full:
                yield chunker.cut()
    yield chunker.cut(last=True)


class Streams:
    """The streams of one process."""

    def __init__(self, pool: Pool, keys: Keys) -> None:
        self._pool = pool
        self._keys = keys
        self._removals: set[asyncio.Task[bool]] = set()

    @asynccontextmanager
    async def staged(
        self,
        batch: NewBatch,
        key: IdempotencyKey | None,
        first: Chunk,
        rest: AsyncIterator[Chunk],
    ) -> AsyncIterator[Received]:
        """Stage a stream to its end; what the block does not settle is removed, come what may.

        Args:
            batch: what it will be; its submission is empty.
            key: the claim on its idempotency key, which is kept alive.
            first, rest: its chunks.

        Raises:
            Unavailable: it could not be staged; nothing of it is left.
        """
        received = Received(batch)
        alive = asyncio.create_task(self._stay_alive(batch, key))
        try:
            await self._stage(received, first, rest)
            yield received
        finally:
            await end([alive])
            if not received.settled:
                await self._remove(batch)

    async def accept(self, received: Received, key: IdempotencyKey | None) -> None:
        """Accept a batch, in one small transaction.

        Raises:
            KeyTaken, Unavailable, OutcomeUnknown: see `receiving.settle`.
        """
        await receiving.settle(self._pool, received, key)
        received.settled = True

    async def reject(self, received: Received) -> None:
        """Reject a batch; its failures are kept. Raises as `accept` does."""
        await receiving.settle(self._pool, received, None)
        received.settled = True
        with suppress(Unavailable):  # the retention removes them in time
            await receiving.remove_payloads(self._pool, received.batch.account, received.batch.id)

    async def close(self) -> None:
        """Let removals end that are under way; what is left then, a sweeper removes."""
        if self._removals:
            await asyncio.wait(self._removals, timeout=_GOODBYE)
        await end(self._removals)

    async def _stage(self, received: Received, first: Chunk, rest: AsyncIterator[Chunk]) -> None:
        batch = received.batch
        await receiving.begin(self._pool, batch, first)
        received.add(first)
        write = partial(receiving.add, self._pool, batch.account, batch.id)
        async with _OneBehind(write) as writer:
            async for chunk in rest:
                await writer.put(chunk)
                received.add(chunk)

    async def _stay_alive(self, batch: NewBatch, key: IdempotencyKey | None) -> None:
        """Keep sweepers and other requests with the same key off, until cancelled."""
        while True:
            await asyncio.sleep(_BEAT)
            with suppress(Unavailable):  # there are several beats before anybody minds
                await receiving.beat(self._pool, batch.account, batch.id)
            if key is not None:
                await self._keys.renew(batch.account, key, batch.id)

    async def _remove(self, batch: NewBatch) -> None:
        """Remove what was staged, also where the request is cancelled meanwhile."""
        removal = asyncio.create_task(receiving.discard(self._pool, batch.account, batch.id))
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)
        try:
            await asyncio.shield(removal)
        except Unavailable as error:
            log.warning("a stream is left to the sweeper", batch=str(batch.id), error=str(error))


class _OneBehind:
    """Writes one chunk while the next is being made; the block ends when all are written."""

    def __init__(self, write: Callable[[Chunk], Coroutine[Any, Any, None]]) -> None:
        self._write = write
        self._writing: asyncio.Task[None] | None = None

    async def put(self, chunk: Chunk) -> None:
        """Begin to write, once the write before has ended. Raises what that one raised."""
        if self._writing is not None:
            await self._writing
        self._writing = asyncio.create_task(self._write(chunk))

    async def __aenter__(self) -> "_OneBehind":
        return self

    async def __aexit__(self, kind: object, error: object, traceback: object) -> None:
        if self._writing is None:
            return
        if kind is None:
            await self._writing
            return
        # The block has failed already: what matters is that nothing is written after it.
        await asyncio.wait([self._writing])
        if not self._writing.cancelled():
            self._writing.exception()
