"""Ids that sort by the time they were made: UUIDv7 (RFC 9562), before Python 3.14 has its own."""

import os
import sys
import time
from array import array
from uuid import UUID

_COUNTER_BITS = 42


class Uuid7Sequence:
    """UUIDv7 that never go back: milliseconds and a counter (RFC 9562, 6.2, method 1)."""

    def __init__(self, milliseconds: int = 0, counter: int = 0) -> None:
        self._milliseconds = milliseconds
        self._counter = counter

    def texts(self, count: int) -> list[str]:
        """The texts of `count` new ones, ascending, greater than all before."""
        if not count:
            return []
        first = self._advance(count)
        moment = f"{self._milliseconds & 0xFFFF_FFFF_FFFF:012x}"
        texts: list[str] = []
        # 16 bits of the counter change from one to the next; what stands before them seldom does.
        for high in range(first >> 16, ((first + count - 1) >> 16) + 1):
            low = range(max(first - (high << 16), 0), min(first + count - (high << 16), 1 << 16))
            groups = f"{0x7000 | high >> 14:04x}-{0x8000 | high & 0x3FFF:04x}"
            prefix = f"{moment[:8]}-{moment[8:]}-{groups}-"
            texts += [prefix + last for last in _last_groups(low)]
        return texts

    def _advance(self, count: int) -> int:
        """The first of `count` new counters."""
        now = time.time_ns() // 1_000_000
        first = self._counter + 1
        if now > self._milliseconds:
            self._milliseconds = now
            # The top bit starts at 0, which leaves room to count up within the millisecond.
            first = int.from_bytes(os.urandom(6)) >> 7
        elif (first + count - 1) >> _COUNTER_BITS:
            self._milliseconds += 1
            first = 0
        self._counter = first + count - 1
        return first


uuid7_texts = Uuid7Sequence().texts
"""The texts of new UUIDv7, greater than all that this process made before."""


def uuid7() -> UUID:
    """A new UUIDv7, greater than all that this process made before."""
    return UUID(uuid7_texts(1)[0])


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
