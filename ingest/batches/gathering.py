"""Calls that are made together: whoever asks while a call is under way shares the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Gatherer(Generic[Asked, Answer]):
    """Turns many calls into few. Nobody waits for company, except for those of the same moment."""

    def __init__(
        self,
        together: Callable[[str, Sequence[Asked]], Awaitable[Sequence[Answer | Exception]]],
        *,
        at_once: int,
        at_most: int,
        at_most_bytes: int = 0,
    ) -> None:
        """
        Args:
            together: answers for one account, in the order asked. An answer that is an exception
                is raised to its asker alone; an exception that is raised, to all of them.
            at_once: the most calls under way.
            at_most: the most questions in one call.
            at_most_bytes: with more than this, a question more is left for the next call.
        """
        self._together = together
        self._at_once = at_once
        self._at_most = at_most
        self._at_most_bytes = at_most_bytes
        self._waiting: dict[str, deque[tuple[Asked, int, asyncio.Future[Answer]]]] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._starting = False

    async def ask(self, account: str, asked: Asked, size: int = 0) -> Answer:
        """The answer to one question; `size` is its part of the call, in bytes."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.setdefault(account, deque()).append((asked, size, future))
        # Not at once: others that are ready to run may be about to ask, too.
        if not self._starting and len(self._calls) < self._at_once:
            self._starting = True
            loop.call_soon(self._start)
        return await future

    def _start(self) -> None:
        self._starting = False
        while self._waiting and len(self._calls) < self._at_once:
            account, waiting = next(iter(self._waiting.items()))
            # The next call is for the account that has waited longest.
            del self._waiting[account]
            taken = self._take(waiting)
            if waiting:
                self._waiting[account] = waiting
            call = asyncio.create_task(self._call(account, taken))
            self._calls.add(call)
            call.add_done_callback(self._ended)

    def _take(
        self, waiting: "deque[tuple[Asked, int, asyncio.Future[Answer]]]"
    ) -> "list[tuple[Asked, asyncio.Future[Answer]]]":
        taken: list[tuple[Asked, asyncio.Future[Answer]]] = []
        total = 0
        while waiting and len(taken) < self._at_most:
            asked, size, future = waiting[0]
            if taken and self._at_most_bytes and total + size > self._at_most_bytes:
                break
            waiting.popleft()
            taken.append((asked, future))
            total += size
        return taken

    async def _call(
        self, account: str, taken: "list[tuple[Asked, asyncio.Future[Answer]]]"
    ) -> None:
        answers: Sequence[Answer | Exception]
        try:
            answers = await self._together(account, [asked for asked, _ in taken])
        except Exception as error:  # noqa: BLE001 - it is raised to everybody who asked
            answers = [error] * len(taken)
        for (_, future), answer in zip(taken, answers, strict=True):
            if future.done():  # whoever asked has gone
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _ended(self, call: "asyncio.Task[None]") -> None:
        self._calls.discard(call)
        self._start()
