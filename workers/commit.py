"""Commits accepted batches: those that are pending together, or one alone; and handles failures."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from arq import Retry

from ingest import logs, metrics
from ingest.batches.announcements import announced
from ingest.batches.doorbell import Doorbell
from ingest.errors import ConfigurationError, InternalError, LockTimeout
from ingest.model import Batch, Finished
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store import batches
from ingest.store.at_once import Usual, apply_at_once, usual_of
from ingest.store.commit import UnservedCollection, apply_batch
from ingest.store.group_commit import (
    Conflicting,
    Spoiled,
    apply_checked,
    apply_group,
    take_group,
)
from ingest.store.layouts import NotApplicable
from ingest.store.pool import Pool
from workers.left import Left
from workers.retry import Verdict, delay, judge

log = structlog.get_logger(__name__)

_TURN = 2.0  # seconds for one collection before others get their turn
# What a batch may wait for while those behind it are committed.
_LEFT = (NotApplicable, UnservedCollection, ConfigurationError)
_MOST_USUAL = 1_000  # collections of which it is remembered what is usual
_MOST_WAITING = 2  # batches that wait for a lock, before the others of their group are left alone


@dataclass(frozen=True, slots=True)
class Committer:
    """What commits need; one for each worker."""

    settings: Settings
    registry: Registry
    pool: Pool
    doorbell: Doorbell
    running: dict[tuple[str, str], bool] = field(default_factory=dict)
    """The collections that are being committed here, and whether to read once more what is
    pending."""
    usual: dict[tuple[str, str], Usual] = field(default_factory=dict)
    """What was pending of a collection the last time, where the same could be applied at once."""
    left: Left = field(default_factory=Left)
    """What this worker cannot apply for now."""

    # -- the pending batches of a collection --------------------------------------------------

    async def commit_rung(self, account: str, collection: str) -> None:
        """Take a ring, unless another worker has, and commit what is pending."""
        if await self.doorbell.take(account, collection):
            await self.commit_pending(account, collection)

    async def commit_pending(self, account: str, collection: str) -> None:
        """Commit the pending batches of a collection, group by group."""
        pair = (account, collection)
        if pair in self.running:
            self.running[pair] = True
            return
        # After a pause, all clients may have sent, and send no more before they have an answer:
        # half of them get it while the other half is committed.
        parts = 2
        ends = time.monotonic() + _TURN
        self.running[pair] = False
        try:
            pending = not await self._commit_at_once(account, collection) or self.running[pair]
            while pending and time.monotonic() < ends:
                self.running[pair] = False
                more = await self._commit_group(account, collection, parts=parts)
                pending = more or self.running[pair]
                parts = 1
        finally:
            del self.running[pair]
        if pending:
            await self.doorbell.ring(account, collection)

    async def _commit_at_once(self, account: str, collection: str) -> bool:
        """Commit all that is pending, if it is what it was the last time; whether it was."""
        usual = self.usual.pop((account, collection), None)
        if usual is None:
            return False
        started = time.perf_counter()
        try:
            async with self.pool.connection() as connection:
                done = await apply_at_once(connection, usual, account, collection)
        except Exception as error:  # noqa: BLE001 - the usual way meets it again, and judges it
            log.debug("not applied at once", cause=logs.cause_of(error))
            return False
        if not done:
            return False
        self.usual[account, collection] = usual
        await self._committed(done, started, limited=False)
        return True

    def _learn(self, group: Sequence[Batch]) -> None:
        """Remember the kind of a group that was all that was pending."""
        usual = usual_of(self.registry, group)
        if usual is not None and len(self.usual) < _MOST_USUAL:
            self.usual[group[0].account, group[0].collection] = usual

    async def _commit_group(
        self, account: str, collection: str, *, parts: int = 1, checked: bool = False
    ) -> bool:
        """Commit the next group; whether more is pending. Batches accepted later ring again."""
        group: Sequence[Batch] = ()
        done: Sequence[Finished] = ()
        committed: set[UUID] = set()
        more = False
        started = time.perf_counter()
        try:
            async with self.pool.transaction() as connection:
                group, more = await take_group(
                    connection,
                    account,
                    collection,
                    parts=parts,
                    but_layouts=self.left.layouts,
                    but=self.left.batches,
                )
                if group:
                    apply = apply_checked if checked else apply_group
                    done = await apply(connection, self.registry, group)
        except Spoiled as spoiled:
            if len(group) > 1 and isinstance(spoiled, Conflicting) and not checked:
                return await self._commit_group(account, collection, checked=True)
        except batches.UnreadableBatch as unreadable:
            return await self._commit_alone(account, unreadable.batch) is not Verdict.AGAIN
        except Exception as error:  # noqa: BLE001 - `judge` says what each kind means
            if group and isinstance(error, _LEFT) and (group[0].layout or len(group) == 1):
                return self._leave(group, error)
            verdict = self._judged(error, account=account, collection=collection)
            if isinstance(error, LockTimeout) and len(group) > 1:
                return await self._commit_around_a_lock(group)
            if verdict is Verdict.AGAIN:
                return False  # the sweeper rings again
        else:
            if done:
                await self._committed(done, started, limited=group[0].limited)
            committed = {finished.batch for finished in done}
            if not more and len(committed) == len(group) > 0:
                self._learn(group)
        for batch in group:
            if batch.id in committed:
                continue
            verdict_alone = await self._commit_alone(batch.account, batch.id)
            if verdict_alone is Verdict.AGAIN:
                return False  # the rest is left to the sweeper
            if verdict_alone is Verdict.NOT_HERE:
                self.left.leave(batch)
        return more

    def _leave(self, group: Sequence[Batch], error: Exception) -> bool:
        """Leave the batches of a group to other workers; True, for there may be others behind."""
        self._judged(error, account=group[0].account, collection=group[0].collection)
        for batch in group:
            self.left.leave(batch)
        return True

    async def _commit_around_a_lock(self, group: Sequence[Batch]) -> bool:
        """Commit those of a group that do not wait for a lock of another transaction; False.

        Where two wait, all may: of the table, of the collection. And the two that are asked first
        must not always be the same.
        """
        waiting = 0
        for batch in random.sample(group, len(group)):
            waiting += await self._commit_alone(batch.account, batch.id) is Verdict.AGAIN
            if waiting == _MOST_WAITING:
                break
        return False  # the sweeper rings again

    # -- one batch alone ----------------------------------------------------------------------

    async def commit(self, account: str, batch: UUID, tries: int) -> None:
        """Commit one batch.

        Args:
            tries: how often this job has been started, this time included.

        Raises:
            Retry: the commit failed, and should be tried again.
        """
        verdict = await self._commit_alone(account, batch)
        if verdict in (Verdict.AGAIN, Verdict.COUNTED):
            raise Retry(defer=delay(tries))

    async def _commit_alone(self, account: str, batch: UUID) -> Verdict | None:
        """Commit one batch; None where it is finished, else the verdict on its failure."""
        started = time.perf_counter()
        try:
            async with self.pool.transaction(account) as connection:
                done = await apply_batch(
                    connection, self.registry, account, batch, keeps=self.settings.most_kept
                )
        except Exception as error:  # noqa: BLE001 - `judge` says what each kind means
            return await self._failed(account, batch, error)
        finally:
            structlog.contextvars.unbind_contextvars("trace_id")
        if done is not None:
            await self._committed([done], started, limited=True)
        return None

    # -- what follows -------------------------------------------------------------------------

    async def _committed(self, done: Sequence[Finished], started: float, *, limited: bool) -> None:
        """Args: `limited`: whether their account may have quotas."""
        metrics.commit_took(done[0].collection, time.perf_counter() - started)
        await self._announce(done, limited=limited)

    async def _announce(self, done: Sequence[Finished], *, limited: bool = True) -> None:
        """Write finished batches to the metrics, to the log and to the processes that wait."""
        for finished in done:
            metrics.finished(finished.collection, finished.state, finished.received)
            log.info("batch finished", **finished.facts())
        await self.doorbell.announce([announced(each, limited=limited) for each in done])

    async def _failed(self, account: str, batch: UUID, error: Exception) -> Verdict | None:
        """Count a failure where it counts; None where the batch is finished."""
        verdict = self._judged(error, account=account, batch=str(batch))
        if verdict is not Verdict.COUNTED:
            return verdict
        try:
            attempts = await batches.count_attempt(self.pool, account, batch)
            if attempts is None:
                return None
            if attempts < self.settings.max_attempts:
                return verdict
            done = await self._give_up(account, batch, attempts, error)
        except Exception as uncounted:  # noqa: BLE001 - what the database cannot write down counts not
            log.warning(
                "a failed commit is not counted",
                account=account,
                batch=str(batch),
                cause=logs.cause_of(uncounted),
            )
            return Verdict.AGAIN
        if done is not None:
            await self._announce([done])
        return None

    def _judged(self, error: Exception, **about: str) -> Verdict:
        """The verdict on a failed commit, which is logged here.

        A warning, but where the same has been said already of what waits for something else.
        """
        verdict = judge(error)
        known = isinstance(error, _LEFT) and not self.left.is_new(str(error))
        (log.debug if known else log.warning)(
            "commit failed",
            **about,
            error=type(error).__name__,
            cause=str(error) if isinstance(error, _LEFT) else logs.cause_of(error),
            verdict=verdict.value,
            exc_info=error if verdict is Verdict.COUNTED else None,
        )
        return verdict

    async def _give_up(
        self, account: str, batch: UUID, attempts: int, error: Exception
    ) -> Finished | None:
        """Make a batch a dead letter; None where another worker has finished it."""
        reason = InternalError.error_code.document(
            f"The service could not commit this batch in {attempts} attempts",
            "Its items are not the cause; the operator can have it tried again.",
            **{batches.REASON: _reason(error)},
        )
        return await batches.finish_broken(self.pool, account, batch, reason)


def _reason(error: Exception) -> str:
    """What an operator needs to know of an error: its kind and its first line.

    For `ingest batches list` only: it may speak of the database, and quote items.
    """
    cause = error.__cause__ or error
    text = str(cause).encode("utf-8", "backslashreplace").decode()  # what no database could store
    lines = text.strip().splitlines()
    kind = type(cause).__name__
    return f"{kind}: {lines[0][:200]}" if lines else kind
