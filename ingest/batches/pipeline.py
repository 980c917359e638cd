"""The story of a write: from decoded items to an answer.

::

    claim the key ─▶ validate ─▶ accept (durable) ─▶ ring ─▶ wait ─▶ outcome
         │               │            │
         ▼               ▼            ▼
      replayed        rejected     replayed (PostgreSQL knew the key)

A stream is validated and staged chunk by chunk while its body arrives, and accepted in the end;
only then can its request be compared with an earlier one that had the same key.
"""

import asyncio
import datetime as dt
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from uuid import UUID

from ingest import metrics
from ingest.batches.backlog import Backlog
from ingest.batches.claims import Claims, in_progress
from ingest.batches.doorbell import Doorbell
from ingest.batches.gathering import Gatherer
from ingest.batches.idempotency import Keys
from ingest.batches.streaming import Body, Chunks, Streams
from ingest.batches.validating import Validating
from ingest.batches.waiting import Waiters
from ingest.batches.write import Write, identified, new_batch, new_stream, outcome_of, whole
from ingest.errors import KeyRequired, Replayed, Unavailable
from ingest.faults import Point, parse_faults
from ingest.ids import uuid7
from ingest.model import (
    BatchState,
    Chunk,
    IdempotencyKey,
    NewBatch,
    Outcome,
)
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store import batches, staging
from ingest.store.commit import rehearse, rehearse_received
from ingest.store.pool import Pool
from ingest.store.staging import KeyTaken

# Bytes of several small batches that are saved together.
_TOGETHER = 4 * 1024 * 1024
# Tries at a key that PostgreSQL frees while we ask for it.
_TRIES = 3


class Pipeline:
    """Takes writes; one for each API process."""

    def __init__(
        self, settings: Settings, registry: Registry, pool: Pool, keys: Keys, doorbell: Doorbell
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._doorbell = doorbell
        self.waiters = Waiters(pool, doorbell)
        self.backlog = Backlog(pool, settings)
        self.faults = parse_faults(settings.faults, settings.faults_seed)
        self._claims = Claims(pool, keys, dt.timedelta(seconds=settings.idempotency_ttl))
        self._streams = Streams(pool, keys)
        self.validating = Validating(settings.max_values)
        self._registry = registry
        self._saving = Gatherer(
            partial(staging.save, pool), at_once=2, at_most=256, at_most_bytes=_TOGETHER
        )
        self._outcomes = Gatherer(self._read_outcomes, at_once=2, at_most=64)

    async def write(self, write: Write) -> Outcome:
        """Process one write; its outcome, or as much of it as is known when the wait is over.

        Raises:
            KeyRequired, KeyMismatch, InProgress, Replayed: what the idempotency key says.
            Unavailable: the batch was not accepted.
            OutcomeUnknown: nobody can say whether it was; `batch_id` tells where to ask.
        """
        self._require_key(write)
        for _ in range(_TRIES):
            try:
                return await self._write(write)
            except KeyTaken:
                # Free in Redis, and not in PostgreSQL, which has the last word.
                original = await self._claims.original(write.account, write.key)
                if original is not None:
                    return await self._replayed(write, original)
                # It was too old to be kept, or was freed just now: the next try may take it.
        raise in_progress()

    async def _write(self, write: Write) -> Outcome:
        batch_id = uuid7()
        original = await self._claims.claim(write.account, write.key, batch_id)
        if original is not None:
            return await self._replayed(write, original)
        with self.waiters.expecting(write.account, batch_id) as finished:
            outcome = await self._accept(write, batch_id)
            write.items.forget()  # the commit may take its time
            return await self._rung(write, outcome, finished)

    async def receive(self, write: Write, body: Body) -> Outcome:
        """Process one write whose body is still arriving. Raises as `write` and the body do."""
        self._require_key(write)
        async with aclosing(self.validating.chunks(write, body)) as rest:
            first = await anext(rest)
            if first.last:
                return await self.write(whole(write, body, first))
            return await self._receive(write, body, first, rest)

    async def _receive(self, write: Write, body: Body, first: Chunk, rest: Chunks) -> Outcome:
        batch_id = uuid7()
        if await self._claims.claim(write.account, write.key, batch_id) is not None:
            await body.drain()
            return await self._replayed_stream(write, body)
        with self.waiters.expecting(write.account, batch_id) as finished:
            try:
                outcome = await self._accept_stream(write, batch_id, body, first, rest)
            except KeyTaken:
                return await self._replayed_stream(write, body)
            return await self._rung(write, outcome, finished)

    async def rehearse(self, write: Write) -> Outcome:
        """What `write` would answer now, and nothing saved; its key is ignored.

        Raises:
            Unavailable: the database is away, or too busy.
        """
        batch = new_batch(
            replace(write, key=None), uuid7(), await self.validating.submission(write)
        )
        if batch.state is BatchState.REJECTED:
            return outcome_of(batch, self._settings.max_failures)
        return await rehearse(self._pool, self._registry, batch, self._settings.max_failures)

    async def rehearse_stream(self, write: Write, body: Body) -> Outcome:
        """What `receive` would answer now, and nothing saved. Raises as `rehearse` and the body."""
        async with aclosing(self.validating.chunks(write, body)) as rest:
            first = await anext(rest)
            if first.last:
                return await self.rehearse(whole(write, body, first))
            batch = new_stream(write, uuid7(), body)
            async with self._streams.staged(batch, None, first, rest) as received:
                at_most = self._settings.max_failures
                return await rehearse_received(self._pool, self._registry, received, at_most)

    async def close(self) -> None:
        """End what outlives its request."""
        await self._streams.close()

    def _require_key(self, write: Write) -> None:
        required = self._settings.idempotency_required or write.resource.idempotency_required
        if required and write.key is None:
            raise KeyRequired(
                "This write needs an Idempotency-Key",
                'Send a header such as Idempotency-Key: "import-2026-11-22-part-1"; '
                "the same key with the same request is never applied twice.",
            )

    async def _replayed(self, write: Write, original: UUID) -> Outcome:
        write.items.forget()
        metrics.replayed(write.resource.name)
        if not write.replay_returns:
            raise Replayed(
                "This Idempotency-Key was used before; nothing was written",
                "The original batch is at Location. With `Prefer: replay=return` the answer is "
                "its outcome.",
                batch_id=original,
            )
        with self.waiters.expecting(write.account, original) as finished:
            outcome = await self._outcome(write.account, original)
            outcome = await self._committed(write, outcome, finished)
        return replace(outcome, replayed=True)

    async def _replayed_stream(self, write: Write, body: Body) -> Outcome:
        """The answer to a stream whose key is taken, now that it can be compared."""
        key = identified(write, body).key
        original = await self._claims.original(write.account, key)
        if original is None:  # freed meanwhile: the same request may be sent again
            raise in_progress()
        return await self._replayed(write, original)

    # -- the batch ----------------------------------------------------------------------------

    async def _accept(self, write: Write, batch_id: UUID) -> Outcome:
        """Validate and stage: an accepted batch, or a rejected one."""
        accepted = False
        try:
            await self.faults.reached(Point.AFTER_CLAIM)
            batch = new_batch(write, batch_id, await self.validating.submission(write))
            if batch.state is BatchState.REJECTED:
                if await self._claims.original(write.account, write.key) is not None:
                    raise KeyTaken
                await self._save(batch)
                metrics.rejected(batch.collection, *batch.submission.counts)
                return outcome_of(batch, self._settings.max_failures)
            self.backlog.check(batch.collection)
            with metrics.STAGE_SECONDS.time():
                await self._save(batch)
            accepted = True
            self.backlog.accepted(batch.submission.received, batch.submission.size)
            metrics.accepted(batch.collection, *batch.submission.counts)
            await self.faults.reached(Point.AFTER_STAGE)
        finally:
            kept = write.key if accepted else None
            await self._claims.end(write.account, write.key, batch_id, kept)
        return outcome_of(batch, self._settings.max_failures)

    async def _accept_stream(
        self, write: Write, batch_id: UUID, body: Body, first: Chunk, rest: Chunks
    ) -> Outcome:
        """Validate and stage while it arrives: an accepted batch in the end, or a rejected one."""
        batch = new_stream(write, batch_id, body)
        accepted: IdempotencyKey | None = None
        try:
            await self.faults.reached(Point.AFTER_CLAIM)
            self.backlog.check(batch.collection)
            async with self._streams.staged(batch, write.key, first, rest) as received:
                key = identified(write, body).key
                if received.state is BatchState.ACCEPTED:
                    await self._streams.accept(received, key)
                    accepted = key
                    self.backlog.accepted(received.items, received.bytes)
                    metrics.accepted(batch.collection, *received.counts)
                    await self.faults.reached(Point.AFTER_STAGE)
                else:
                    if await self._claims.original(write.account, key) is not None:
                        raise KeyTaken
                    await self._streams.reject(received)
                    metrics.rejected(batch.collection, *received.counts)
        finally:
            await self._claims.end(write.account, write.key, batch_id, accepted)
        return await self._outcome(write.account, batch_id)

    async def _rung(self, write: Write, outcome: Outcome, finished: asyncio.Event) -> Outcome:
        """Have an accepted batch committed, and wait for it."""
        if outcome.batch.state is not BatchState.ACCEPTED:
            return outcome
        await self.faults.reached(Point.BEFORE_RING)
        await self._doorbell.ring(write.account, write.resource.name)
        await self.faults.reached(Point.AFTER_RING)
        return await self._committed(write, outcome, finished)

    async def _save(self, batch: NewBatch) -> None:
        """Make the batch durable, together with those that come at the same time.

        Raises:
            KeyTaken, Unavailable, OutcomeUnknown: see `staging.save`.
        """
        await self._saving.ask(batch.account, batch, batch.submission.size)

    async def _committed(self, write: Write, known: Outcome, finished: asyncio.Event) -> Outcome:
        """The final outcome, or what is known already where the wait runs out before it."""
        if known.batch.state.finished or not write.wait:
            return known
        try:
            async with asyncio.timeout(write.wait):
                await finished.wait()
            return await self._outcome(write.account, known.batch.id)
        except (TimeoutError, Unavailable):
            # It is accepted, whatever cannot be learnt about it now.
            return known

    async def _read_outcomes(self, account: str, wanted: Sequence[UUID]) -> list[Outcome | None]:
        at_most = self._settings.max_failures
        return await batches.get_outcomes(self._pool, account, wanted, at_most)

    async def _outcome(self, account: str, batch_id: UUID) -> Outcome:
        outcome = await self._outcomes.ask(account, batch_id)
        if outcome is None:
            raise Unavailable("The batch is not to be found", "Ask again.", retry_after=1)
        return outcome
