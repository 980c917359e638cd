"""Items taken in slices: a few milliseconds of work, and then it is somebody else's turn."""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol


class Taker(Protocol):
    """What takes items, in their order: an `Intake`, or a `Chunker`."""

    def take(self, items: Sequence[Any], start: int) -> int:
        """Take items from `start` on; how many, none where the first takes long."""

    def take_long(self, item: Any) -> None:
        """Take one item, however long that takes."""


async def take_slice(taker: Taker, items: Sequence[Any], start: int) -> int:
    """Have the next items taken, and let others run; where the slice after it begins."""
    taken = taker.take(items, start)
    if taken:
        await asyncio.sleep(0)
        return start + taken
    # One item alone is too much for the event loop; a thread lets others run in between.
    await asyncio.to_thread(taker.take_long, items[start])
    return start + 1
