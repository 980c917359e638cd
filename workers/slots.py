"""The commits under way in a worker: a bounded number, all ended before the worker stops."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ingest.tasks import end


class Slots:
    """Runs commits side by side, for arq's jobs and for rings alike."""

    def __init__(self, count: int) -> None:
        """
        Args:
            count: the most commits at a time; the database pool has to have as many connections.
        """
        self._free = asyncio.Semaphore(count)
        self._running: set[asyncio.Task[None]] = set()

    async def start(self, commit: Callable[[], Coroutine[Any, Any, None]]) -> Awaitable[None]:
        """Start a commit as soon as a slot is free.

        Returns:
            What waits for it; to cancel that does not cancel the commit.
        """
        await self._free.acquire()
        task = asyncio.create_task(commit())
        self._running.add(task)
        task.add_done_callback(self._ended)
        return asyncio.shield(task)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._free.release()

    async def drain(self, grace: float) -> None:
        """Wait for the commits under way; cancel those that take longer than `grace` seconds."""
        running = set(self._running)
        if running:
            await asyncio.wait(running, timeout=grace)
        await end(running)
