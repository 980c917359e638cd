"""An arq worker that looks into its queue when it is rung for, and not a hundred times a second."""

import asyncio
from contextlib import suppress
from typing import Any

from arq.worker import Worker

from ingest.queue import Queue
from ingest.redis_link import RedisAway
from ingest.tasks import end

_SHORTEST = 0.0005  # seconds between two looks


class DoorbellWorker(Worker):
    """Looks when it is rung for, and at times for jobs that are due by now."""

    def __init__(self, queue: Queue, look_every: float, **options: Any) -> None:
        """
        Args:
            queue: where the rings come from.
            look_every: seconds until it looks without a ring.
            options: those of `arq.worker.Worker`.
        """
        super().__init__(poll_delay=_SHORTEST, **options)
        self._doorbell = queue
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
                async for _ in self._doorbell.rung():
                    self._rung.set()
            except RedisAway:
                await asyncio.sleep(self._look_every)
