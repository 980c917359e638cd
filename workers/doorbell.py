"""An arq worker that answers the door, and does not look for who is there a hundred times a second.

A ring is a job in arq's queue and a message to every worker. The first one that has a free place
takes the job out of the queue and does it at once; what nobody takes so, arq finds there.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Container
from contextlib import suppress
from typing import Any

import structlog
from arq.worker import Worker

from ingest.batches.doorbell import Doorbell
from ingest.redis import RedisAway
from ingest.tasks import end

log = structlog.get_logger(__name__)

_SHORTEST = 0.0005  # seconds between two looks


class DoorbellWorker(Worker):
    """Answers rings, and looks at times for jobs that are due by now."""

    def __init__(
        self,
        queue: Doorbell,
        commit: Callable[[str, str], Awaitable[None]],
        served: Container[str],
        look_every: float,
        **options: Any,
    ) -> None:
        """
        Args:
            queue: where the rings come from.
            commit: commits what waits in a collection of an account.
            served: the collections for which it can.
            look_every: seconds until it looks into arq's queue without a reason.
            options: those of `arq.worker.Worker`.
        """
        super().__init__(poll_delay=_SHORTEST, **options)
        self._doorbell = queue
        self._commit = commit
        self._served = served
        self._numbers = itertools.count()
        self._answering = 0
        self._missed = False
        self._look_every = look_every
        self._rung = asyncio.Event()

    async def main(self) -> None:
        listening = asyncio.create_task(self._listen())
        try:
            await super().main()
        finally:
            await end([listening])

    async def _poll_iteration(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._look_every):
                await self._rung.wait()
        self._rung.clear()
        await super()._poll_iteration()

    def _release_sem_dec_counter_on_complete(self) -> None:
        super()._release_sem_dec_counter_on_complete()
        self._rung.set()  # what had to wait for a free place may have it now

    async def _listen(self) -> None:
        while True:
            try:
                async for account, collection in self._doorbell.rung():
                    self._hear(account, collection)
            except RedisAway:
                await asyncio.sleep(self._look_every)

    def _hear(self, account: str, collection: str) -> None:
        if self.burst or collection not in self._served:
            return  # it is about to stop, or cannot commit that: the ring is for others
        if self._answering + self.job_counter >= self.max_jobs:
            self._missed = True
            return
        self._answering += 1
        task = asyncio.create_task(self._answer(account, collection))
        task.add_done_callback(self._answered)
        # Among arq's own, which are waited for in the end, and looked at for what they raised.
        self.tasks[f"answer:{next(self._numbers)}"] = task

    async def _answer(self, account: str, collection: str) -> None:
        try:
            if await self._doorbell.answer(account, collection):
                await self._commit(account, collection)
        except Exception as error:
            # As arq does with its jobs: the worker goes on, and the sweeper rings again.
            log.exception("an answer failed", error=type(error).__name__)

    def _answered(self, _: "asyncio.Task[None]") -> None:
        self._answering -= 1
        if self._missed:  # arq finds in its queue what there was no place for
            self._missed = False
            self._rung.set()
