"""Waiting for conditions. A healthy run never comes near the timeout, however busy its machine."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.harness import Service

TIMEOUT = 60.0
"""In seconds."""
FINISHED = ("committed", "rejected", "failed")


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    """Return once `holds` returns something true."""
    async with asyncio.timeout(TIMEOUT):
        while not await holds():  # noqa: ASYNC110 - what it waits for sets no event
            await asyncio.sleep(0.01)


async def finished(service: Service, location: str) -> dict[str, Any]:
    """The batch at `location` once it is finished."""
    batch: dict[str, Any] = {}

    async def is_finished() -> bool:
        nonlocal batch
        reply = await service.request("GET", location)
        assert reply.status == 200, reply
        batch = reply.body["data"]
        return batch["state"] in FINISHED

    await until(is_finished)
    return batch
