"""Ending tasks."""

import asyncio
from collections.abc import Iterable
from typing import Any

_SWALLOWED = 0.1  # seconds


async def end(tasks: "Iterable[asyncio.Task[Any]]") -> None:
    """Cancel tasks until they have ended."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        # On Python 3.11, a wait_for inside redis-py can swallow a cancellation: ask again.
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_SWALLOWED)
