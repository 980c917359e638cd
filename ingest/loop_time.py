"""The time of a process, shared between the accounts whose requests are under way.

While there are several, what the requests of each take of the event loop, and of threads beside it,
is counted as it is taken. Who has taken some rests for twice as long before its next long piece of
work: however many requests an account sends, it takes a third of the time at most, some
milliseconds at once. Alone, it takes all.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

Result = TypeVar("Result")

_REST = 2.0
"""Seconds of rest for each second of work."""
_LONGEST_REST = 0.5
"""Seconds of rest that one account owes at most."""
_PATIENCE = 0.01
"""Seconds that it may owe and go on: short requests never rest."""


@dataclass(slots=True)
class _Account:
    """An account for as long as requests of it are under way."""

    requests: int = 0
    rests_until: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class LoopTime:
    """The time of one process."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}
        self._loop = threading.get_ident()

    @contextmanager
    def under_way(self, account: str) -> Iterator[None]:
        """While the block lasts, a request of the account is under way."""
        known = self._accounts.setdefault(account, _Account())
        known.requests += 1
        try:
            yield
        finally:
            known.requests -= 1
            if not known.requests:
                del self._accounts[account]

    def counted(self, account: str, work: Coroutine[Any, Any, Result]) -> Awaitable[Result]:
        """The same work; what it takes of the event loop is the account's."""
        return _Counted(work, self, account)

    def take(self, account: str, work: Callable[..., Result], *arguments: Any) -> Result:
        """Do a piece of work, in the event loop or in a thread; what it takes is the account's."""
        began = time.thread_time() if self._is_shared else None
        try:
            return work(*arguments)
        finally:
            del work, arguments  # what is raised would hold them, and they may hold what is raised
            if began is not None:
                self.spend(account, time.thread_time() - began)

    def spend(self, account: str, seconds: float) -> None:
        """Count what an account has taken already."""
        known = self._accounts.get(account)
        if known is not None and self._is_shared:
            now = time.monotonic()
            rests_until = max(known.rests_until, now) + _REST * seconds
            known.rests_until = min(rests_until, now + _LONGEST_REST)

    async def turn(self, account: str) -> None:
        """Wait until the account may go on with long work, one of its requests after another."""
        await asyncio.sleep(0)  # what is ready to run comes first
        known = self._accounts.get(account)
        if known is None or not self._is_shared:
            return
        async with known.turn:
            # While it rests, more of what it has done may be counted.
            while (rest := self._rest_of(known)) > 0:  # noqa: ASYNC110 - time is waited for
                await asyncio.sleep(rest)

    def rest(self, account: str) -> None:
        """The same in a thread."""
        known = self._accounts.get(account)
        while known is not None and (rest := self._rest_of(known)) > 0:
            time.sleep(rest)

    @property
    def is_beside(self) -> bool:
        """Whether the caller is in a thread beside the event loop."""
        return threading.get_ident() != self._loop

    @property
    def _is_shared(self) -> bool:
        return len(self._accounts) > 1

    def _rest_of(self, known: _Account) -> float:
        return known.rests_until - _PATIENCE - time.monotonic() if self._is_shared else 0.0


class _Counted(Generator[Any, Any, Result]):
    """A coroutine, to be awaited, of which each step is counted."""

    def __init__(
        self, work: Coroutine[Any, Any, Result], loop_time: LoopTime, account: str
    ) -> None:
        self._work = work
        self._loop_time = loop_time
        self._account = account

    def __await__(self) -> Generator[Any, Any, Result]:
        return self

    def send(self, value: Any) -> Any:
        return self._loop_time.take(self._account, self._work.send, value)

    def throw(self, *error: Any) -> Any:
        try:
            return self._loop_time.take(self._account, self._work.throw, *error)
        finally:
            del error

    def close(self) -> None:
        self._work.close()
