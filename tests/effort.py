"""What work costs, compared with other work of the same run: seconds are a machine's own."""

import gc
import time
from collections.abc import Callable, Sequence
from statistics import median

_TIMES = 8
# Linear work costs 8 times as much for 8 times the input, quadratic work 64 times as much.
_LEEWAY = 3
_ROUNDS = 5


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


def slowest(seconds: Sequence[float]) -> float:
    """What 99 of 100 requests did not exceed, of the CPU seconds until they were answered.

    Those of the process that serves them: while it makes a request wait, it is at work for others,
    and how much work that is does not depend on what else the machine does.
    """
    return sorted(seconds)[int(len(seconds) * 0.99)]


def promptly(alone: Sequence[float]) -> float:
    """The most seconds that `slowest` may be while others do harm.

    One second, or more on a machine that needs more than 5 ms for such a request alone.
    """
    return max(1.0, 200 * median(alone))


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
