"""The story of a write, from its body to its answer.

::

    claim the key ─▶ validate and stage ─▶ accept (durable) ─▶ ring ─▶ wait ─▶ outcome
         │                   │                  │
         ▼                   ▼                  ▼
      replayed           rejected           replayed (PostgreSQL knew the key)

A body of one chunk has arrived whole before its key is claimed. A stream is validated and staged
chunk by chunk while it arrives; only at its end can its request be compared with an earlier one
that had the same key. A dry run is the same story without a key, rolled back.
"""

import asyncio
from dataclasses import replace
from functools import partial
from uuid import UUID

from ingest import metrics
from ingest.batches.backlog import Backlog
from ingest.batches.coalescing import Coalescer
from ingest.batches.doorbell import Doorbell
from ingest.batches.idempotency import Claim, Claims, in_progress
from ingest.batches.staging import Staged, Staging
from ingest.batches.waiting import Waiters
from ingest.batches.write import Body, Write
from ingest.errors import KeyRequired, Replayed, Unavailable
from ingest.ids import uuid7
from ingest.model import BatchState, IdempotencyKey, Outcome
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store import batches
from ingest.store.commit import rehearse
from ingest.store.pool import Pool
from ingest.store.staging import KeyTaken, outcome_unknown

_TRIES = 3  # at a key that PostgreSQL frees at the same moment


class Pipeline:
    """Takes writes; one for each API process."""

    def __init__(
        self, settings: Settings, registry: Registry, pool: Pool, claims: Claims, doorbell: Doorbell
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._pool = pool
        self._claims = claims
        self._doorbell = doorbell
        self.waiters = Waiters(pool, doorbell)
        self.backlog = Backlog(pool, settings)
        self._staging = Staging(settings, pool, claims, self.backlog)
        outcomes = partial(batches.get_outcomes, pool, at_most=settings.max_failures)
        self._outcomes: Coalescer[UUID, Outcome | None] = Coalescer(outcomes, at_once=2, at_most=64)

    async def run(self, write: Write, body: Body) -> Outcome:
        """Process one write; its outcome, or what is known of it when the wait is over.

        Raises:
            KeyRequired, KeyMismatch, InProgress, Replayed: because of its idempotency key.
            Unavailable: the batch was not accepted.
            OutcomeUnknown: it may have been accepted; `batch_id` can be looked up later.
            What `Body.begin` raises.
        """
        key = None if write.dry_run else self._key_of(write)
        await body.begin()
        claim = Claim(write.account, uuid7(), None if key is None else body.identify(key))
        if key is not None and await self._claims.claim(claim) is not None:
            return await self._replayed(write, body, key)
        with self.waiters.expecting(write.account, claim.batch) as finished:
            try:
                known = await self._accept(write, body, claim)
            except KeyTaken as taken:
                return await self._replayed(write, body, taken.key)
            if known.batch.state is not BatchState.ACCEPTED:
                return known
            await self._doorbell.ring(write.account, write.resource.name)
            return await self._wait(write, known, finished)

    async def close(self) -> None:
        """End what outlives its request."""
        await self._staging.close()
        await self.backlog.close()

    def _key_of(self, write: Write) -> str | None:
        required = self._settings.idempotency_required or write.resource.idempotency_required
        if required and write.key is None:
            raise KeyRequired(
                "This write needs an Idempotency-Key",
                'Send a header such as Idempotency-Key: "import-2026-11-22-part-1"; '
                "the same key with the same request is never applied twice.",
            )
        return write.key

    async def _accept(self, write: Write, body: Body, claim: Claim) -> Outcome:
        """Validate and stage: an accepted batch, a rejected one, or what a dry run came to."""
        async with self._claims.held(claim), self._staging.staged(write, body, claim) as staged:
            if write.dry_run:
                return await self._rehearse(staged)
            claim.accepted = await self._settle(write, body, staged)
            batch, size = staged.batch, staged.size
        counts = batch.chunk.received - batch.chunk.invalid, batch.chunk.invalid
        if batch.state is BatchState.ACCEPTED:
            self.backlog.accepted(batch.chunk.received, size)
            metrics.accepted(batch.collection, *counts)
        else:
            metrics.rejected(batch.collection, *counts)
        if not batch.chunk.number:
            return batch.outcome(batch.chunk.failures[: self._settings.max_failures])
        try:
            return await self._outcome(write.account, batch.id)
        except Unavailable:
            raise outcome_unknown(batch.id) from None

    async def _settle(self, write: Write, body: Body, staged: Staged) -> IdempotencyKey | None:
        """Make a batch durable; the key that holds it, if it is accepted and has one.

        Raises:
            KeyTaken: the key was free in Redis and is not in PostgreSQL, which decides.
        """
        key = None if write.key is None else body.identify(write.key)
        if staged.batch.state is BatchState.REJECTED:
            if key and await self._claims.original(write.account, key) is not None:
                raise KeyTaken(key.key)
            await staged.settle(None)
            return None
        for _ in range(_TRIES):
            try:
                await staged.settle(key)
            except KeyTaken:
                # Where no batch has it now, it is free: it had expired, or its batch failed.
                if key and await self._claims.original(write.account, key) is not None:
                    raise
            else:
                return key
        raise in_progress()

    async def _rehearse(self, staged: Staged) -> Outcome:
        """What the batch would come to at this moment."""
        batch, at_most = staged.batch, self._settings.max_failures
        if batch.state is BatchState.REJECTED and not batch.chunk.number:
            return batch.outcome(batch.chunk.failures[:at_most])
        async with self._pool.rehearsal(batch.account) as connection:
            await staged.settle_in(connection)
            return await rehearse(connection, self._registry, batch, at_most)

    async def _replayed(self, write: Write, body: Body, key: str) -> Outcome:
        """The answer to a request whose key is taken, once it can be compared."""
        await body.drain()
        original = await self._claims.original(write.account, body.identify(key))
        if original is None:  # freed meanwhile: the same request may be sent again
            raise in_progress()
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
            if not outcome.batch.state.finished:
                outcome = await self._wait(write, outcome, finished)
        return replace(outcome, replayed=True)

    async def _wait(self, write: Write, known: Outcome, finished: asyncio.Event) -> Outcome:
        """The final outcome, or what is known already where the wait runs out before it."""
        if not write.wait:
            return known
        try:
            async with asyncio.timeout(write.wait):
                await finished.wait()
            return await self._outcome(write.account, known.batch.id)
        except (TimeoutError, Unavailable):
            return known  # it is accepted, whatever cannot be learnt about it now

    async def _outcome(self, account: str, batch_id: UUID) -> Outcome:
        outcome = await self._outcomes.call(account, batch_id)
        if outcome is None:
            raise Unavailable("The batch is not to be found", "Try again.", retry_after=1)
        return outcome
