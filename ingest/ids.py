"""Ids that sort by the time they were made: UUIDv7 (RFC 9562), before Python 3.14 has its own."""

import os
import time
from uuid import UUID

_COUNTER_BITS = 42
_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)


class _Clock:
    """Milliseconds and a counter that never go back in this process (RFC 9562, 6.2, method 1)."""

    def __init__(self) -> None:
        self.milliseconds = 0
        self.counter = 0

    def tick(self) -> tuple[int, int]:
        now = time.time_ns() // 1_000_000
        if now > self.milliseconds:
            self.milliseconds = now
            # The top bit starts at 0, which leaves room to count up within the millisecond.
            self.counter = int.from_bytes(os.urandom(6)) >> 7
        else:
            self.counter += 1
            if self.counter >> _COUNTER_BITS:
                self.milliseconds += 1
                self.counter = 0
        return self.milliseconds, self.counter


_clock = _Clock()


def uuid7() -> UUID:
    """A new UUIDv7, greater than every one that this process made before."""
    milliseconds, counter = _clock.tick()
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    value |= _VERSION_AND_VARIANT
    value |= (counter >> 30) << 64
    value |= (counter & 0x3FFF_FFFF) << 32
    value |= int.from_bytes(os.urandom(4))
    return UUID(int=value)
