"""Streams through real processes: their memory meanwhile, and what a stop does to them."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import aiohttp
import psutil

if TYPE_CHECKING:
    from conftest import Dev

MIB = 1024 * 1024
ROWS = 50_000
NDJSON = {"Content-Type": "application/x-ndjson"}


def _lines(first: int, count: int) -> bytes:
    """About 250 bytes each."""
    items = (
        {"email": f"s{number}@example.com", "first_name": "S", "tags": ["x" * 45] * 4}
        for number in range(first, first + count)
    )
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


async def _rows() -> AsyncIterator[bytes]:
    for first in range(0, ROWS, 1_000):
        yield _lines(first, 1_000)


async def test_memory_does_not_grow_with_a_stream(dev: "Dev") -> None:
    ready = dev.ready
    parts = [psutil.Process(pid) for kind in ("api", "worker") for pid in ready["pids"][kind]]
    idle = [part.memory_info().rss for part in parts]
    peak = list(idle)
    headers = {"Authorization": f"Bearer {ready['token']}"}
    async with aiohttp.ClientSession(ready["url"], headers=headers) as session:

        async def send() -> dict[str, object]:
            wait = {"Prefer": "wait=60", **NDJSON}
            async with session.post("/v1/contacts", data=_rows(), headers=wait) as response:
                assert response.status == 201, await response.text()
                document: dict[str, dict[str, object]] = await response.json()
                return document["metadata"]

        sending = asyncio.create_task(send())
        while not sending.done():
            now = [part.memory_info().rss for part in parts]
            peak = list(map(max, peak, now))
            await asyncio.sleep(0.02)
        assert (await sending)["created"] == ROWS
    # Its records alone are 13 MiB; as Python's objects, several times that.
    grown = [(most - least) / MIB for most, least in zip(peak, idle, strict=True)]
    assert max(grown) < 40, grown


async def test_a_stop_drops_what_is_still_arriving(start_dev: "Callable[..., Dev]") -> None:
    dev = start_dev(INGEST_SHUTDOWN_TIMEOUT="2").wait_ready()
    ready = dev.ready
    first, rest = _lines(0, 10_000), asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        yield first
        await rest.wait()

    headers = {"Authorization": f"Bearer {ready['token']}"}
    async with aiohttp.ClientSession(ready["url"], headers=headers) as session:
        sending = asyncio.create_task(_post(session, half()))
        states: list[str] = []
        while states != ["receiving"]:
            async with session.get("/v1/batches") as response:
                states = [batch["state"] for batch in (await response.json())["data"]]
            await asyncio.sleep(0.02)
        dev.process.send_signal(signal.SIGTERM)
        await asyncio.gather(sending, return_exceptions=True)
    assert await asyncio.to_thread(dev.process.wait, 60) == 0, dev.complaints
    again = start_dev().wait_ready()
    assert again.request("GET", "/v1/batches").body["data"] == []
    again.stop()


async def _post(session: aiohttp.ClientSession, body: AsyncIterator[bytes]) -> int:
    async with session.post("/v1/contacts", data=body, headers=NDJSON) as response:
        return response.status
