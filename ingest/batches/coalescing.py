"""Request coalescing: calls that are made while one is under way go together into the next one."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class Coalescer(Generic[Argument, Result]):
    """Turns many calls into few. A call waits for no others, except for those of its moment."""

    def __init__(
        self,
        function: Callable[[str, Sequence[Argument]], Awaitable[Sequence[Result | Exception]]],
        *,
        at_once: int,
        at_most: int,
        at_most_bytes: int = 0,
    ) -> None:
        """
        Args:
            function: takes the arguments of one account, and returns a result for each, in order.
                A result that is an exception is raised to its caller alone; an exception that is
                raised, to all of them.
            at_once: the most calls of `function` under way for one account; of all accounts, one
                more.
            at_most: the most arguments of one.
            at_most_bytes: the most bytes of one, unless a single argument has more; 0 for any.
        """
        self._function = function
        self._at_once = at_once
        self._at_most = at_most
        self._at_most_bytes = at_most_bytes
        self._pending: dict[str, deque[tuple[Argument, int, asyncio.Future[Result]]]] = {}
        self._running: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting = False

    async def call(self, account: str, argument: Argument, size: int = 0) -> Result:
        """The result for one argument of `size` bytes."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._pending.setdefault(account, deque()).append((argument, size, future))
        # Not at once: other tasks that are ready to run may be about to call, too.
        if not self._starting and self._may_run(account):
            self._starting = True
            loop.call_soon(self._start)
        return await future

    def _start(self) -> None:
        self._starting = False
        while (account := next(filter(self._may_run, self._pending), None)) is not None:
            # The next call is for the account that has waited longest.
            pending = self._pending.pop(account)
            taken = self._take(pending)
            if pending:
                self._pending[account] = pending
            self._running[account] += 1
            task = asyncio.create_task(self._run(account, taken))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _may_run(self, account: str) -> bool:
        """Whether another call for the account may begin now."""
        running = self._running
        return running[account] < self._at_once and running.total() <= self._at_once

    def _take(
        self, pending: "deque[tuple[Argument, int, asyncio.Future[Result]]]"
    ) -> "list[tuple[Argument, asyncio.Future[Result]]]":
        taken: list[tuple[Argument, asyncio.Future[Result]]] = []
        total = 0
        while pending and len(taken) < self._at_most:
            argument, size, future = pending[0]
            if taken and self._at_most_bytes and total + size > self._at_most_bytes:
                break
            pending.popleft()
            taken.append((argument, future))
            total += size
        return taken

    async def _run(
        self, account: str, taken: "list[tuple[Argument, asyncio.Future[Result]]]"
    ) -> None:
        results: Sequence[Result | Exception]
        try:
            results = await self._function(account, [argument for argument, _ in taken])
        except Exception as error:  # noqa: BLE001 - it is raised to every caller
            results = [error] * len(taken)
        finally:
            self._running -= Counter((account,))
            if self._pending:
                self._start()
        for (_, future), result in zip(taken, results, strict=True):
            if future.done():  # its caller was cancelled
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
