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
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from uuid import UUID

from ingest import metrics
from ingest.batches.backlog import Backlog
from ingest.batches.coalescing import Coalescer
from ingest.batches.doorbell import Doorbell
from ingest.batches.idempotency import Claim, Claims, in_progress
from ingest.batches.migrated import Migrated
from ingest.batches.repairs import Repairs
from ingest.batches.staged import Staged
from ingest.batches.staging import Staging
from ingest.batches.waiting import Waited, Waiters
from ingest.batches.write import Body, Changes, Write
from ingest.errors import KeyRequired, Replayed, Unavailable
from ingest.ids import uuid7
from ingest.model import AtMost, Batch, BatchState, IdempotencyKey, NewBatch, Outcome
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store import batches
from ingest.store.commit import dry_run
from ingest.store.failures import first_of
from ingest.store.pool import Pool
from ingest.store.staging import KeyTaken, outcome_unknown
from ingest.validation.engine.typed.items import TypedItems

_READ_ONLY = 30  # seconds after which an operator may have made it one that takes writes
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
        self._migrated = Migrated(pool)
        self._staging = Staging(settings, pool, self.backlog)
        self._repairs = Repairs(settings, pool, self.backlog, self._staging)
        self._shown = AtMost(settings.max_failures, settings.max_answer)
        outcomes = partial(batches.get_outcomes, pool, at_most=self._shown)
        self._outcomes: Coalescer[UUID, Outcome | None] = Coalescer(outcomes, at_once=2, at_most=64)

    async def admit(self, write: Write) -> None:
        """Admit a write, before its body is read.

        Raises:
            Unavailable: this instance takes none, or the database is away.
            Overloaded: too much is unfinished.
        """
        if self._settings.read_only:
            where = self._settings.write_url or "the instance that takes them"
            raise Unavailable(
                "This instance takes no writes", f"Send them to {where}.", retry_after=_READ_ONLY
            )
        if not write.dry_run:
            await self.backlog.admit(write.account, write.resource.name, write.key)

    async def run(self, write: Write, body: Body) -> Outcome:
        """Process one write; its outcome, or what is known of it when the wait is over.

        Raises:
            KeyRequired, KeyMismatch, InProgress, Replayed: because of its idempotency key.
            ConfigurationError: the database is not migrated for what would be written.
            Unavailable: the batch was not accepted.
            OutcomeUnknown: it may have been accepted; `batch_id` can be looked up later.
            What `Body.begin` raises.
        """
        key = self._key_of(write)
        await self._migrated.check(write.resource)
        await body.begin()
        if write.dry_run:
            return await self._dry_run(write, body)
        batch_id = uuid7()
        claim = None if key is None else Claim(write.account, batch_id, body.identify(key))
        if claim is not None and await self._claims.claim(claim) is not None:
            return await self._replayed(write, body, claim.key.key)
        with self.waiters.expecting(write.account, batch_id) as waited:
            try:
                batch = await self._accept(write, body, batch_id, claim)
            except KeyTaken as taken:
                return await self._replayed(write, body, taken.key)
            if batch.state is BatchState.REJECTED:
                return await self._known(batch)
            ended = None if claim is None else self._claims.ended(claim)
            await self._doorbell.ring(write.account, write.resource.name, ended)
            outcome = await self._committed(write, batch_id, waited, batch)
            outcome = outcome or await self._known(batch)
            return replace(outcome, carried=batch.chunk.carried) if write.watched else outcome

    async def repair(
        self, write: Write, batch: Batch, changes: Changes, attempt: int | None = None
    ) -> Outcome:
        """Correct items of a batch that is kept; its outcome, as `run`.

        All changes are merged into it, or none; it is committed if nothing is wrong with it then.

        Args:
            write: `Write.of_batch`.
            attempt: the one that the batch must be at; None for any.

        Raises:
            NotRepairable, AttemptMismatch: because of what the batch is now.
            InvalidParameter: a change is of no item, or of one that another change is of.
            ConfigurationError, Unavailable, OutcomeUnknown: as `run`.
            What `Changes.begin` raises.
        """
        await self._migrated.check(write.resource)
        await changes.begin()
        if await self._repairs.merge(write, batch, changes, attempt):
            with self.waiters.expecting(batch.account, batch.id) as waited:
                await self._doorbell.ring(batch.account, batch.collection)
                outcome = await self._committed(write, batch.id, waited)
            if outcome is not None:
                return outcome
        return await self._outcome(batch.account, batch.id)

    def typed(self, write: Write) -> TypedItems | None:
        """What reads the JSON of a write as typed items; None where nothing does."""
        return self._staging.typed(write)

    async def close(self) -> None:
        """End what outlives its request."""
        await self._staging.close()
        await self.backlog.close()

    def _key_of(self, write: Write) -> str | None:
        required = self._settings.idempotency_required or write.resource.idempotency_required
        if required and write.key is None and not write.dry_run:
            raise KeyRequired(
                "This write needs an Idempotency-Key",
                'Send a header such as Idempotency-Key: "import-2026-11-22-part-1"; '
                "the same key with the same request is never applied twice.",
            )
        return write.key

    async def _accept(
        self, write: Write, body: Body, batch_id: UUID, claim: Claim | None
    ) -> NewBatch:
        """Validate and stage: an accepted batch, or a rejected one."""
        held = nullcontext() if claim is None else self._claims.held(claim)
        async with held, self._staging.staged(write, body, batch_id) as staged:
            if claim is None:
                await self._settle(write, body, staged)
            else:
                await self._claims.check(claim)
                claim.accepted = await self._settle(write, body, staged)
            batch = staged.batch
        valid, invalid = batch.chunk.received - batch.chunk.invalid, batch.chunk.invalid
        if batch.state is BatchState.ACCEPTED:
            self.backlog.accepted(batch.account, batch.chunk.received, staged.size)
        metrics.validated(batch.collection, batch.state, valid, invalid)
        # Its payload must not be in memory while the request waits.
        return replace(batch, chunk=replace(batch.chunk, records=None, raw=None))

    async def _settle(self, write: Write, body: Body, staged: Staged) -> IdempotencyKey | None:
        """Make a batch durable; the key that holds it, if it is accepted and has one.

        Of one that is kept to be repaired PostgreSQL alone knows the key.

        Raises:
            KeyTaken: the key was free in Redis and is not in PostgreSQL, which decides.
        """
        key = None if write.key is None else body.identify(write.key)
        if not staged.batch.is_staged:
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
                return key if staged.batch.state is BatchState.ACCEPTED else None
        raise in_progress()

    async def _dry_run(self, write: Write, body: Body) -> Outcome:
        """What the batch would come to at this moment, and nothing saved."""
        async with self._staging.staged(write, body, uuid7()) as staged:
            batch = staged.batch
            if batch.state is BatchState.REJECTED and batch.is_whole:
                return await self._known(batch)
            async with self._pool.dry_run(batch.account) as connection:
                await staged.settle_in(connection)
                return await dry_run(connection, self._registry, batch, self._shown)

    async def _replayed(self, write: Write, body: Body, key: str) -> Outcome:
        """The answer to a request whose key is taken, once it can be compared."""
        await body.drain()
        original = await self._claims.original(write.account, body.identify(key))
        if original is None:  # freed meanwhile: the same request may be sent again
            raise await self._claims.in_progress(write.account, key)
        metrics.replayed(write.resource.name)
        if not write.replay_returns:
            raise Replayed(
                "This Idempotency-Key was used before; nothing was written",
                "The original batch is at Location. With `Prefer: replay=return` the answer is "
                "its outcome.",
                batch_id=original,
            )
        with self.waiters.expecting(write.account, original) as waited:
            outcome = await self._outcome(write.account, original)
            if not outcome.batch.state.finished:
                outcome = await self._committed(write, original, waited) or outcome
        return replace(outcome, replayed=True)

    async def _committed(
        self, write: Write, batch_id: UUID, waited: Waited, own: NewBatch | None = None
    ) -> Outcome | None:
        """The final outcome of an accepted batch; None where the wait runs out before it.

        Args:
            own: the batch where it is this request's: what was announced may be all of it.
        """
        try:
            async with asyncio.timeout(write.wait):
                await waited.finished.wait()
            if own is not None and own.is_counted and waited.counts is not None:
                return own.committed(waited.counts)
            return await self._outcome(write.account, batch_id)
        except (TimeoutError, Unavailable):
            return None

    async def _known(self, batch: NewBatch) -> Outcome:
        """What is known of a batch that was just made durable."""
        if batch.is_whole:
            return batch.outcome(first_of(batch.chunk.failures, self._shown))
        try:
            return await self._outcome(batch.account, batch.id)
        except Unavailable:
            raise outcome_unknown(batch.id) from None

    async def _outcome(self, account: str, batch_id: UUID) -> Outcome:
        outcome = await self._outcomes.call(account, batch_id)
        if outcome is None:
            raise Unavailable("The batch is not to be found", "Try again.", retry_after=1)
        return outcome
