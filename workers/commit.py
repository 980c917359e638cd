"""The jobs: commit what waits, tell whoever waits for it, and know what to do when it fails."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from arq import Retry

from ingest import metrics
from ingest.batches.doorbell import Queue
from ingest.errors import ConfigurationError, InternalError, Unavailable
from ingest.faults import NO_FAULTS, Faults, Point
from ingest.model import Batch, Finished
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store import batches
from ingest.store.commit import apply_batch
from ingest.store.group_commit import (
    Conflicting,
    Spoiled,
    apply_checked,
    apply_group,
    take_group,
)
from ingest.store.pool import Pool
from workers.retry import Verdict, delay, judge

log = structlog.get_logger(__name__)

_TURN = 2.0  # seconds that one collection may have before others get their turn


@dataclass(frozen=True, slots=True)
class Committer:
    """What commits need; one for each worker."""

    settings: Settings
    registry: Registry
    pool: Pool
    queue: Queue
    faults: Faults = NO_FAULTS
    rung: dict[tuple[str, str], bool] = field(default_factory=dict)
    """The collections that are being committed here, and whether they were rung for meanwhile."""

    # -- what waits together ------------------------------------------------------------------

    async def commit_waiting(self, account: str, collection: str) -> None:
        """Hear a ring, and commit what waits in a collection."""
        await self.queue.heard(account, collection)
        await self.commit_heard(account, collection)

    async def commit_heard(self, account: str, collection: str) -> None:
        """Commit the batches that wait in a collection, group by group, until none is left."""
        pair = (account, collection)
        if pair in self.rung:
            self.rung[pair] = True  # whoever is at it looks once more
            return
        self.rung[pair] = True
        try:
            ends = time.monotonic() + _TURN
            # What waits after a pause, all clients may have sent, and none sends more until it is
            # answered: half of them are, while the other half is committed.
            parts = 2
            while self.rung[pair] and time.monotonic() < ends:
                self.rung[pair] = False
                if await self._commit_group(account, collection, parts=parts):
                    self.rung[pair] = True
                parts = 1
            more = self.rung[pair]
        finally:
            del self.rung[pair]
        if more:
            await self.queue.ring(account, collection)

    async def _commit_group(
        self, account: str, collection: str, *, parts: int = 1, checked: bool = False
    ) -> bool:
        """Commit the next group; whether others are pending. Batches accepted later ring again."""
        group: Sequence[Batch] = ()
        done: Sequence[Finished] = ()
        more = False
        started = time.perf_counter()
        try:
            async with self.pool.transaction() as connection:
                group, more = await take_group(connection, account, collection, parts=parts)
                if not group:
                    return False
                apply = apply_checked if checked else apply_group
                done = await apply(connection, self.registry, group)
                await self.faults.reached(Point.BEFORE_COMMIT)
            await self.faults.reached(Point.AFTER_COMMIT)
        except Spoiled as spoiled:
            if len(group) > 1 and isinstance(spoiled, Conflicting) and not checked:
                return await self._commit_group(account, collection, checked=True)
        except Exception as error:  # noqa: BLE001 - `judge` says what each kind means
            verdict = judge(error)
            _log_failure(error, verdict, account=account, collection=collection)
            if verdict is not Verdict.COUNTED:
                return False  # the sweeper rings again
            done = ()
        if done:
            metrics.commit_took(collection, time.perf_counter() - started)
            await self._tell(done)
        applied = {finished.batch for finished in done}
        for batch in group:
            # What cannot be committed with others is committed by itself, or fails by itself.
            if batch.id in applied:
                continue
            if await self._commit_alone(account, batch.id) is Verdict.AGAIN:
                return False
        return more

    async def _tell(self, done: Sequence[Finished]) -> None:
        """Tell the log and the metrics, and then whoever waits."""
        for finished in done:
            _note(finished)
        await self.faults.reached(Point.BEFORE_PUBLISH)
        await self.queue.announce([finished.batch for finished in done])

    # -- one batch alone ----------------------------------------------------------------------

    async def commit(self, account: str, batch: UUID, tries: int) -> None:
        """Commit a batch: one transaction that applies it and flips its state.

        Args:
            tries: how often this job has been started, this time included.

        Raises:
            Retry: it could not be done now, and should be tried again.
        """
        verdict = await self._commit_alone(account, batch)
        if verdict in (Verdict.AGAIN, Verdict.COUNTED):
            raise Retry(defer=delay(tries))

    async def _commit_alone(self, account: str, batch: UUID) -> Verdict | None:
        """Commit a batch; None where nothing is left to do, else what its failure means."""
        try:
            return await self._try_alone(account, batch)
        finally:
            structlog.contextvars.unbind_contextvars("trace_id")

    async def _try_alone(self, account: str, batch: UUID) -> Verdict | None:
        started = time.perf_counter()
        try:
            async with self.pool.transaction(account) as connection:
                done = await apply_batch(connection, self.registry, account, batch)
                await self.faults.reached(Point.BEFORE_COMMIT)
            await self.faults.reached(Point.AFTER_COMMIT)
        except Exception as error:  # noqa: BLE001 - `judge` says what each kind means
            return await self._failed(account, batch, error)
        if done is not None:
            metrics.commit_took(done.collection, time.perf_counter() - started)
            await self._tell([done])
        return None

    async def _failed(self, account: str, batch: UUID, error: Exception) -> Verdict | None:
        verdict = judge(error)
        _log_failure(error, verdict, account=account, batch=str(batch))
        if verdict is not Verdict.COUNTED:
            return verdict
        try:
            gave_up = await self._gave_up(account, batch, error)
        except (Unavailable, ConfigurationError):
            return Verdict.AGAIN  # nobody could count it
        if not gave_up:
            return verdict
        await self.queue.announce([batch])
        return None

    async def _gave_up(self, account: str, batch: UUID, error: Exception) -> bool:
        """Count the attempt; fail the batch where it was the last one."""
        attempts = await batches.count_attempt(self.pool, account, batch)
        if attempts is None:
            return True
        if attempts < self.settings.max_attempts:
            return False
        code = InternalError.error_code
        reason = {
            "type": code.type,
            "code": code.code,
            "name": code.name,
            "message": f"The service could not commit this batch in {attempts} attempts",
            "description": "It is not its items' fault; the operator can have it tried again.",
            batches.REASON: _reason(error),
        }
        done = await batches.finish_broken(self.pool, account, batch, reason)
        if done is not None:
            _note(done)
        return True


def _note(finished: Finished) -> None:
    """One line for each batch: who wrote what, and what came of it."""
    metrics.finished(finished.collection, finished.state, finished.received)
    log.info("batch finished", **finished.facts())


def _log_failure(error: Exception, verdict: Verdict, **about: str) -> None:
    log.warning(
        "commit failed",
        **about,
        error=type(error).__name__,
        verdict=verdict.value,
        exc_info=error if verdict is Verdict.COUNTED else None,
    )


def _reason(error: Exception) -> str:
    """What an operator needs to know of an error: its kind and what it says first.

    For `ingest batches list` only: it may speak of the database, and quote items.
    """
    said = str(error.__cause__ or error).strip().splitlines()
    kind = type(error.__cause__ or error).__name__
    return f"{kind}: {said[0][:200]}" if said else kind


async def commit_waiting(ctx: dict[Any, Any], account: str, collection: str) -> None:
    """The arq job of that name (`ingest.batches.doorbell.COMMIT_WAITING_JOB`)."""
    committer: Committer = ctx["committer"]
    await committer.commit_waiting(account, collection)


async def commit(ctx: dict[Any, Any], account: str, batch: str) -> None:
    """The arq job of that name (`doorbell.COMMIT_JOB`); its result is in the database."""
    committer: Committer = ctx["committer"]
    await committer.commit(account, UUID(batch), ctx["job_try"])
