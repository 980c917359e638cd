"""What work costs, compared with other work of the same run: seconds are a machine's own."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psutil

_TIMES = 8
# Linear work costs 8 times as much for 8 times the input, quadratic work 64 times as much.
_LEEWAY = 3
_ROUNDS = 5
_MOST_WORK = 0.5  # CPU seconds; a request alone takes some 0.005


def assert_linear(work: Callable[[int], Callable[[], object]], size: int) -> None:
    """Make sure that work grows with its input, and no faster.

    Each cost is the least of several rounds, so that what else the machine does is not counted.

    Args:
        work: prepares work on an input of so many parts, to be done any number of times.
        size: the parts of the smaller input; the larger one has eight times as many.
    """
    small, large = work(size), work(size * _TIMES)
    costs: list[tuple[float, float]] = []
    for _ in range(_ROUNDS):
        costs.append((_cost(small), _cost(large)))
        least, most = map(min, zip(*costs, strict=True))
        if most <= least * _TIMES * _LEEWAY:
            return
    raise AssertionError(f"{_TIMES} times the input costs {most / least:.0f} times as much")


class Bystander:
    """Sends small requests while others do harm, and counts the work that each one waits for.

    Seconds of a clock would also count what else the machine does; CPU seconds of the event loop's
    thread, which is the first of its process, do not.
    """

    def __init__(self, process: psutil.Process, ask: Callable[[], Awaitable[object]]) -> None:
        """
        Args:
            process: that serves.
            ask: sends one request, and checks its answer.
        """
        self._process = process
        self._ask = ask
        self._waited: list[float] = []

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Send requests one after the other meanwhile."""
        done = asyncio.Event()
        working = asyncio.create_task(self._work(done))
        try:
            yield
        finally:
            done.set()
            await working

    def check_served(self) -> None:
        """Make sure that the event loop did little else before 99 of 100 requests had answers."""
        assert sorted(self._waited)[int(len(self._waited) * 0.99)] < _MOST_WORK

    async def _work(self, done: asyncio.Event) -> None:
        while not done.is_set():
            before = self._worked()
            await self._ask()
            self._waited.append(self._worked() - before)

    def _worked(self) -> float:
        (times,) = [each for each in self._process.threads() if each.id == self._process.pid]
        return float(times.user_time + times.system_time)


def _cost(work: Callable[[], object]) -> float:
    """CPU seconds of this thread, without any for garbage of others."""
    collects = gc.isenabled()
    gc.disable()
    try:
        began = time.thread_time()
        work()
        return time.thread_time() - began
    finally:
        if collects:
            gc.enable()
