"""The pace at which clients have to send bodies, and to read answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

_Result = TypeVar("_Result")


class TooSlowClient(Exception):
    """A client has not kept its pace; `size` bytes have come through in the last window."""

    def __init__(self, size: int) -> None:
        super().__init__(f"only {size} bytes in a window")
        self.size = size


class Pace:
    """Waits for a client for as long as it keeps a pace: so many bytes in each window of time."""

    def __init__(self, rate: int, seconds: float) -> None:
        """Args: `rate` in bytes a second, `seconds` of one window. Only waiting takes time."""
        self.rate = rate
        self.seconds = seconds
        self._left = seconds
        self._bytes = 0

    def count(self, size: int) -> None:
        self._bytes += size

    async def keep(self, wait: Callable[[], Awaitable[_Result]]) -> _Result:
        """What `wait` gives; it may be begun anew.

        Raises:
            TooSlowClient: too little has come through.
        """
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            try:
                async with asyncio.timeout(self._left):
                    return await wait()
            except TimeoutError:
                self._next_window()
            finally:
                self._left -= clock() - started

    def _next_window(self) -> None:
        if self._bytes < self.rate * self.seconds:
            raise TooSlowClient(self._bytes) from None
        self._bytes = 0
        self._left = self.seconds
