"""Ids that sort by the time they were made: UUIDv7 (RFC 9562), before Python 3.14 has its own."""

import os
import sys
import time
from array import array
from uuid import UUID

_COUNTER_BITS = 42
_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)


class _Clock:
    """Milliseconds and a counter that never go back in this process (RFC 9562, 6.2, method 1)."""

    def __init__(self) -> None:
        self.milliseconds = 0
        self.counter = 0

    def tick(self, count: int = 1) -> tuple[int, int]:
        """The time and the first of `count` numbers that are nobody else's."""
        now = time.time_ns() // 1_000_000
        if now > self.milliseconds:
            self.milliseconds = now
            # The top bit starts at 0, which leaves room to count up within the millisecond.
            self.counter = int.from_bytes(os.urandom(6)) >> 7
        else:
            self.counter += 1
            if (self.counter + count - 1) >> _COUNTER_BITS:
                self.milliseconds += 1
                self.counter = 0
        first = self.counter
        self.counter += count - 1
        return self.milliseconds, first


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


def uuid7_texts(count: int) -> list[str]:
    """The texts of `count` new UUIDv7, ascending, greater than all before; cheap in bulk."""
    if count < 2:  # what is cheap in bulk is dear for one
        return [str(uuid7()) for _ in range(count)]
    milliseconds, first = _clock.tick(count)
    moment = f"{milliseconds & 0xFFFF_FFFF_FFFF:012x}"
    texts: list[str] = []
    # 16 bits of the counter change from one to the next; what stands before them seldom does.
    for high in range(first >> 16, ((first + count - 1) >> 16) + 1):
        low = range(max(first - (high << 16), 0), min(first + count - (high << 16), 1 << 16))
        groups = f"{0x7000 | high >> 14:04x}-{0x8000 | high & 0x3FFF:04x}"
        prefix = f"{moment[:8]}-{moment[8:]}-{groups}-"
        texts += [prefix + last for last in _last_groups(low)]
    return texts


def _last_groups(counters: range) -> list[str]:
    """For each counter of 16 bits its four digits, and eight that are random."""
    digits = array("H", counters)
    if sys.byteorder == "little":
        digits.byteswap()
    counted = digits.tobytes()
    made = bytearray(6 * len(counters))
    made[0::6], made[1::6] = counted[0::2], counted[1::2]
    entropy = os.urandom(4 * len(counters))
    for byte in range(4):
        made[2 + byte :: 6] = entropy[byte::4]
    return made.hex(" ", 6).split(" ")
