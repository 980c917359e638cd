"""How the items of a write become a durable batch: validated in turns, staged in chunks.

::

    items ─▶ chunks ─┬─ the first is the last ─────────────────────────────▶ settle: one INSERT
                     └─ rows of a batch in state `receiving`, one by one ──▶ settle, or discard

A body that is not streamed is one chunk. One chunk of a stream is validated while the one before is
being written; no more of it is in memory.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from ingest.batches.backlog import Backlog, Room
from ingest.batches.coalescing import Coalescer
from ingest.batches.staged import OneChunk, Saving, Staged, Stream
from ingest.batches.write import Body, Changes, Nothing, Write
from ingest.errors import Unavailable
from ingest.model import (
    KEPT,
    Action,
    BatchState,
    Chunk,
    NewBatch,
    Resolution,
    state_of,
)
from ingest.resources.resource import Resource
from ingest.settings import Settings
from ingest.store import receiving, repair, staging
from ingest.store.pool import Pool
from ingest.store.trial import try_whole
from ingest.tasks import end
from ingest.turns import PerName
from ingest.validation.changes import Changed, ChangeIntake
from ingest.validation.engine.typed.items import TypedItems
from ingest.validation.engine.typed.members import MOST_VALUES
from ingest.validation.intake import Intake, takes_plainly
from ingest.validation.items import ItemValidator

if TYPE_CHECKING:
    pass

log = structlog.get_logger(__name__)

_TOGETHER = 4 * 1024 * 1024  # bytes of several small batches that are saved together
HEARTBEAT = 10.0
"""Seconds between two signs of life of a stream; sweepers wait for several of them."""
_GRACE = 5.0  # seconds in which streams that broke off are removed when the process ends


class Staging:
    """Validates and stages the batches of one process."""

    def __init__(self, settings: Settings, pool: Pool, backlog: Backlog) -> None:
        self._max_values = settings.max_values
        self._max_digits = settings.max_digits
        self._max_nesting = settings.max_nesting
        # Side by side, long requests would all be ready late, and workers idle until then.
        self._turns = PerName(1)
        self._validators: dict[tuple[str, Action, Resolution, str | None], ItemValidator] = {}
        self._pool = pool
        self._backlog = backlog
        self._most_kept = settings.most_kept
        self._saving: Saving = Coalescer(
            partial(staging.save, pool), at_once=2, at_most=256, at_most_bytes=_TOGETHER
        )
        self._removals: set[asyncio.Task[bool]] = set()

    @asynccontextmanager
    async def staged(self, write: Write, body: Body, batch_id: UUID) -> AsyncIterator[Staged]:
        """Stage a batch to its end; what the block does not settle leaves nothing behind.

        Raises:
            BodyTooLarge, Overloaded, Unavailable: it could not be staged.
        """
        with self._backlog.staging(write.account, write.resource.name) as room:
            async with aclosing(self._counted(self._chunks(write, body), write, room)) as chunks:
                first = await anext(chunks)
                batch = _new_batch(write, body, batch_id, first)
                if first.last:
                    await chunks.aclose()  # the items are not needed any more
                    batch = await self._tried(batch, write.resource)
                    batch = await self._kept(batch, first.size)
                    yield OneChunk(batch, first.size, self._saving)
                    return
                stream = Stream(batch, write.resource, self._pool)
                async with self.receiving(batch.account, batch.id, lambda: stream.settled):
                    await stream.receive(chunks)
                    stream.batch = await self._kept(stream.batch, stream.size)
                    yield stream

    async def close(self) -> None:
        """Let removals end that are under way; the sweeper removes what is left."""
        if self._removals:
            await asyncio.wait(self._removals, timeout=_GRACE)
        await end(self._removals)

    # -- validating in turns --------------------------------------------------------------------

    async def _chunks(self, write: Write, body: Body) -> AsyncGenerator[Chunk, None]:
        """The items of a body, validated as they arrive; the last chunk is marked."""
        if isinstance(body, Nothing):
            yield body.chunk
            return
        intake = Intake(
            self._validator(write),
            write.options,
            max_values=self._max_values,
            watched=write.watched,
        )
        async for items in body.items():
            taken = intake.take(items)
            if taken < len(items):
                await self._take_rest(write.account, intake, body, items, taken)
            if body.streamed and intake.full:
                yield intake.cut()
        yield intake.cut(last=True)

    async def changed(self, write: Write, body: Changes) -> AsyncGenerator[list[Changed], None]:
        """The changes of a repair, validated as they arrive."""
        intake = ChangeIntake(self._validator(write), write.options, max_values=self._max_values)
        async for changes in body.items():
            items = intake.expect(changes)
            taken = intake.take(items) if items else 0
            if taken < len(items):
                await self._take_rest(write.account, intake, body, items, taken)
            if intake.full:
                yield intake.changed()
        yield intake.changed()

    async def _tried(self, batch: NewBatch, resource: Resource) -> NewBatch:
        """A batch of one chunk; with what else would be refused of it, where it is rejected."""
        if batch.state is not BatchState.REJECTED or batch.chunk.records is None:
            return batch
        return await try_whole(self._pool, resource, batch)

    async def _kept(self, batch: NewBatch, size: int) -> NewBatch:
        """The batch, to be kept if it is rejected, wants to be repaired, and there is room."""
        if batch.state is not BatchState.REJECTED or not batch.options.repair:
            return batch
        held = await repair.kept_bytes(self._pool, batch.account)
        return replace(batch, kept=held + size + KEPT <= self._most_kept)

    async def _counted(
        self, chunks: AsyncGenerator[Chunk, None], write: Write, room: Room
    ) -> AsyncGenerator[Chunk, None]:
        """The same chunks, each counted before it is staged.

        Raises:
            BodyTooLarge, Overloaded: there is no room for it.
        """
        async with aclosing(chunks):
            items = 0
            async for chunk in chunks:
                good = write.options.lenient or not chunk.invalid
                room.take(
                    chunk.received - items,
                    chunk.size + chunk.failed,
                    saves=good and not write.dry_run,
                )
                items = chunk.received
                yield chunk

    async def _take_rest(
        self, account: str, intake: Intake, body: Body | Changes, items: Sequence[Any], start: int
    ) -> None:
        async with self._turns.of(account):
            while start < len(items):
                await body.pause()
                taken = intake.take(items, start)
                if not taken:
                    await asyncio.to_thread(intake.take_large, items[start])
                start += taken or 1

    def typed(self, write: Write) -> TypedItems | None:
        """What reads the JSON of a write as typed items; None where nothing does."""
        if self._max_values < MOST_VALUES or not takes_plainly(write.options):
            return None
        typed = self._validator(write).typed
        return typed if typed is not None and typed.levels <= self._max_nesting else None

    def _validator(self, write: Write) -> ItemValidator:
        options = write.options
        kind = (write.resource.name, write.action, options.resolution, options.matching)
        validator = self._validators.get(kind)
        if validator is None:
            validator = ItemValidator(write.resource, write.action, options, self._max_digits)
            self._validators[kind] = validator
        return validator

    # -- streams ----------------------------------------------------------------------------------

    @asynccontextmanager
    async def receiving(
        self, account: str, batch: UUID, settled: Callable[[], bool] = lambda: False
    ) -> AsyncIterator[None]:
        """Keep sweepers off a batch that is being received; at the end it is removed, unless it is
        `settled`."""
        alive = asyncio.create_task(self._stay_alive(account, batch))
        try:
            yield
        finally:
            await end([alive])
            if not settled():
                await self._remove(account, batch)

    async def _stay_alive(self, account: str, batch: UUID) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            with suppress(Unavailable):  # several may be missed
                await receiving.beat(self._pool, account, batch)

    async def _remove(self, account: str, batch: UUID) -> None:
        """Remove what was staged, also where the request is cancelled meanwhile."""
        removal = asyncio.create_task(receiving.discard(self._pool, account, batch))
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)
        try:
            await asyncio.shield(removal)
        except Unavailable as error:
            log.warning("a stream is left to the sweeper", batch=str(batch), error=str(error))


def _new_batch(write: Write, body: Body, batch_id: UUID, first: Chunk) -> NewBatch:
    """The batch that begins with a chunk."""
    options = write.options
    if body.streamed and (columns := body.columns):
        options = replace(options, columns=columns)
    state = BatchState.RECEIVING
    if first.last:
        lenient = options.lenient
        state = state_of(lenient=lenient, received=first.received, invalid=first.invalid)
    return NewBatch(
        id=batch_id,
        account=write.account,
        collection=write.resource.name,
        action=write.action,
        options=options.of_size(first.received),
        trace_id=write.trace_id,
        chunk=first,
        state=state,
        token=write.token,
        layout=write.layout or write.resource.fingerprint,
    )
