"""The job: commit one accepted batch, tell whoever waits, and know what to do when it fails."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from arq import Retry

from ingest.errors import InternalError
from ingest.faults import NO_FAULTS, Faults, Point
from ingest.queue import Queue
from ingest.resources import Registry
from ingest.settings import Settings
from ingest.store import batches
from ingest.store.commit import apply_batch
from ingest.store.pool import Pool
from workers.retry import Verdict, delay, judge

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Committer:
    """What a commit needs; one for each worker."""

    settings: Settings
    registry: Registry
    pool: Pool
    queue: Queue
    faults: Faults = NO_FAULTS

    async def commit(self, account: str, batch: UUID, tries: int) -> None:
        """Commit a batch: one transaction that applies it and flips its state.

        Args:
            tries: how often this job has been started, this time included.

        Raises:
            Retry: it could not be done now, and should be tried again.
        """
        try:
            await self._commit(account, batch, tries)
        finally:
            structlog.contextvars.unbind_contextvars("trace_id")

    async def _commit(self, account: str, batch: UUID, tries: int) -> None:
        try:
            async with self.pool.transaction(account) as connection:
                done = await apply_batch(connection, self.registry, account, batch)
                await self.faults.reached(Point.BEFORE_COMMIT)
            await self.faults.reached(Point.AFTER_COMMIT)
        except Exception as error:  # noqa: BLE001 - `judge` says what each kind means
            await self._failed(account, batch, tries, error)
            return
        if not done:
            return
        log.info("batch finished", batch=str(batch), account=account)
        await self.faults.reached(Point.BEFORE_PUBLISH)
        await self.queue.announce(batch)

    async def _failed(self, account: str, batch: UUID, tries: int, error: Exception) -> None:
        verdict = judge(error)
        log.warning(
            "commit failed",
            batch=str(batch),
            account=account,
            error=type(error).__name__,
            verdict=verdict.value,
            exc_info=error if verdict is Verdict.COUNTED else None,
        )
        if verdict is Verdict.NOT_HERE:
            return
        if verdict is Verdict.COUNTED and await self._gave_up(account, batch, error):
            await self.queue.announce(batch)
            return
        raise Retry(defer=delay(tries)) from error

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
            "description": _reason(error),
        }
        await batches.finish_broken(self.pool, account, batch, reason)
        return True


def _reason(error: Exception) -> str:
    """What an operator needs to know of an error: its kind and what it says first."""
    said = str(error.__cause__ or error).strip().splitlines()
    kind = type(error.__cause__ or error).__name__
    return f"{kind}: {said[0][:200]}" if said else kind


async def commit(ctx: dict[Any, Any], account: str, batch: str) -> None:
    """The arq job of that name (`ingest.queue.COMMIT_JOB`); its result is in the database."""
    committer: Committer = ctx["committer"]
    await committer.commit(account, UUID(batch), ctx["job_try"])
