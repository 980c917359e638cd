"""Ending tasks, and what must be finished although its task is being ended."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable
from typing import Any, TypeVar

Value = TypeVar("Value")

_SWALLOWED = 0.5  # seconds


async def end(tasks: "Iterable[asyncio.Task[Any]]") -> None:
    """Cancel tasks until they have ended."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        # On Python 3.11, a wait_for inside redis-py can swallow a cancellation: ask again.
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_SWALLOWED)


async def finish(work: "Coroutine[Any, Any, None]") -> None:
    """Do bounded work to its end, also where the caller is cancelled meanwhile, and again.

    Raises:
        CancelledError: After the work, where the caller was cancelled.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


async def ahead(source: AsyncIterator[Value]) -> AsyncGenerator[Value, None]:
    """The same values; while one is used, the next is made."""
    coming = asyncio.ensure_future(_next(source))
    try:
        while found := await coming:
            coming = asyncio.ensure_future(_next(source))
            yield found[0]
    finally:
        await end([coming])


async def _next(source: AsyncIterator[Value]) -> tuple[Value] | None:
    async for value in source:
        return (value,)
    return None
