"""A batch whose items are validated, on its way into the database: of one chunk, or of many."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ingest import metrics
from ingest.batches.coalescing import Coalescer
from ingest.errors import Unavailable
from ingest.model import BatchState, Chunk, IdempotencyKey, NewBatch, state_of
from ingest.resources.resource import Resource
from ingest.store import receiving, staging
from ingest.store.pool import Pool
from ingest.store.trial import try_stream

if TYPE_CHECKING:
    from ingest.store.pool import Connection

Saving = Coalescer[NewBatch, None]
"""What saves batches of one chunk, several of an account at once."""


class Staged(Protocol):
    """A batch whose items are all validated; `settle` decides it, `batch` says as what."""

    batch: NewBatch
    size: int
    """Bytes of payload."""

    async def settle(self, key: IdempotencyKey | None) -> None:
        """Make it durable as accepted, with its key, or as rejected.

        Raises:
            KeyTaken: another batch holds the key in PostgreSQL; it may be settled again.
            Unavailable: it was not written.
            OutcomeUnknown: the database went away meanwhile.
        """

    async def settle_in(self, connection: "Connection") -> None:
        """The same in a transaction of the caller's, without a key."""


@dataclass(slots=True)
class OneChunk:
    """A batch that is written in one go, together with others of its account."""

    batch: NewBatch
    size: int
    saving: Saving

    async def settle(self, key: IdempotencyKey | None) -> None:
        batch = self.batch if key is None else replace(self.batch, key=key)
        accepts = batch.state is BatchState.ACCEPTED
        with metrics.STAGE_SECONDS.time() if accepts else nullcontext():
            await self.saving.call(batch.account, batch, self.size)

    async def settle_in(self, connection: "Connection") -> None:
        await staging.stage(connection, self.batch.account, [self.batch])


class Stream:
    """A batch that is written as it arrives."""

    def __init__(self, batch: NewBatch, resource: Resource, pool: Pool) -> None:
        self.batch = batch
        self._resource = resource
        self.size = batch.chunk.size
        self.settled = False
        self._pool = pool

    async def receive(self, chunks: AsyncIterator[Chunk]) -> None:
        """Stage every chunk; `batch` has the counts and the state of all of them afterwards."""
        account, batch_id = self.batch.account, self.batch.id
        repairs, chunk = self.batch.options.repair, self.batch.chunk
        begun = replace(self.batch, chunk=_with_records(chunk)) if repairs else self.batch
        await receiving.begin(self._pool, begun)
        async with _OneBehind(partial(receiving.add, self._pool, account, batch_id)) as writer:
            async for chunk in chunks:
                await writer.put(chunk if not repairs else _with_records(chunk))
                self.size += chunk.size
        lenient = self.batch.options.lenient
        self.batch = replace(
            self.batch,
            chunk=chunk,
            options=self.batch.options.of_size(chunk.received),
            state=state_of(lenient=lenient, received=chunk.received, invalid=chunk.invalid),
        )
        if self.batch.state is BatchState.REJECTED and chunk.received > chunk.invalid:
            self.batch = await try_stream(self._pool, self._resource, self.batch)

    async def settle(self, key: IdempotencyKey | None) -> None:
        await receiving.settle(self._pool, self.batch, key, self.size)
        self.settled = True
        if not self.batch.is_staged:
            with suppress(Unavailable):  # the retention removes them in time
                await receiving.remove_payloads(self._pool, self.batch.account, self.batch.id)

    async def settle_in(self, connection: "Connection") -> None:
        await receiving.settle_in(connection, self.batch, None, self.size)


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
        # The block has failed already: all that matters is that no write is left.
        await asyncio.wait([self._writing])
        if not self._writing.cancelled():
            self._writing.exception()


def _with_records(chunk: Chunk) -> Chunk:
    """The chunk with a place for records, though it has none: corrected items may go there."""
    return chunk if chunk.records else replace(chunk, records=b"[]")
