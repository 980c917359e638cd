"""Load: writers that send batches until they are stopped, or a number of them."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from tests.chaos.client import Client, Ledger
from tests.chaos.stack import Stack

_runs = itertools.count(1)


def new_prefix(name: str) -> str:
    """What the keys and titles of one run begin with."""
    return f"{name}-{next(_runs)}-"


def deals(key: str, count: int) -> list[dict[str, Any]]:
    """Items without any unique attribute of their own, so that a second effect would show."""
    return [{"title": key, "value": str(number)} for number in range(count)]


@asynccontextmanager
async def client_of(
    stack: Stack, ledger: Ledger, within: float = 60.0, patience: float = 25.0
) -> AsyncIterator[Client]:
    ready = stack.ready
    async with Client(ready["url"], ready["token"], ledger, within, patience) as client:
        yield client


async def send(
    client: Client, prefix: str, batches: int, *, writers: int = 8, items: int = 20
) -> None:
    """Save a number of batches, `writers` at once."""
    numbers = iter(range(batches))
    async with asyncio.TaskGroup() as group:
        for _ in range(writers):
            group.create_task(_write(client, prefix, numbers, items, asyncio.Event()))


@asynccontextmanager
async def under_load(
    client: Client, prefix: str, *, writers: int = 4, items: int = 20
) -> AsyncIterator[None]:
    """Writers send batches while the block runs; in the end what they have begun is settled."""
    stop = asyncio.Event()
    numbers = itertools.count()
    async with asyncio.TaskGroup() as group:
        for _ in range(writers):
            group.create_task(_write(client, prefix, numbers, items, stop))
        try:
            yield
        finally:
            stop.set()


async def _write(
    client: Client, prefix: str, numbers: Iterator[int], items: int, stop: asyncio.Event
) -> None:
    for number in numbers:
        key = f"{prefix}{number}"
        await client.save(key, deals(key, items))
        if stop.is_set():
            return
