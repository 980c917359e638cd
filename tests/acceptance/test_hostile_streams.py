"""Bodies sent to do harm, to a real process: it stays small, and others are served."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import psutil
import pytest

from ingest.formats.compression import zstd
from tests.acceptance.conftest import Dev
from tests.effort import Bystander

MIB = 1024 * 1024
AT_ONCE = 50
BOMB = 64
"""MiB of one body, decompressed."""
TRICKLING = 500
ITEM = {"email": "someone@example.com", "first_name": "Someone"}


def _repeated(block: bytes, mib: int, compress: object) -> bytes:
    """A body of so many MiB, compressed piece by piece."""
    add, flush = compress.compress, compress.flush  # type: ignore[attr-defined]
    piece = block * (MIB // len(block))
    return b"".join([*(add(piece) for _ in range(mib)), flush()])


COMPRESSORS: dict[str, Callable[[], object]] = {
    "gzip": lambda: zlib.compressobj(9, wbits=31),
    "deflate": lambda: zlib.compressobj(9),
    "zstd": lambda: zstd.ZstdCompressor(level=3),
}


def bystander(dev: Dev, session: aiohttp.ClientSession) -> Bystander:
    async def ask() -> None:
        async with session.get("/v1/contacts?limit=1") as response:
            assert response.status == 200, await response.text()

    return Bystander(psutil.Process(dev.pids["api"][0]), ask)


@pytest.fixture
async def session(small: Dev) -> AsyncIterator[aiohttp.ClientSession]:
    async with session_with(small) as session:
        yield session


def session_with(dev: Dev) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        dev.ready["url"],
        headers={"Authorization": f"Bearer {dev.ready['token']}"},
        timeout=aiohttp.ClientTimeout(100),
        connector=aiohttp.TCPConnector(limit=0),
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One API process and one worker; bombs wait for each other, however busy the machine."""
    running = Dev(tmp_path_factory.mktemp("hostile"), INGEST_BODY_TIMEOUT="100")
    try:
        yield running.wait_ready()
    finally:
        running.clean_up()


@pytest.mark.parametrize("encoding", COMPRESSORS)
@pytest.mark.parametrize(
    ("media_type", "block"),
    [
        pytest.param("application/x-ndjson", b" " * 1024, id="one line"),
        pytest.param("text/csv", b"a" * 1024, id="one cell"),
        pytest.param("application/json", b" " * 1024, id="JSON"),
    ],
)
async def test_zip_bombs(
    small: Dev, session: aiohttp.ClientSession, encoding: str, media_type: str, block: bytes
) -> None:
    bomb = _repeated(block, BOMB, COMPRESSORS[encoding]())
    assert BOMB * MIB / len(bomb) >= 1000
    api = psutil.Process(small.pids["api"][0])
    headers = {"Content-Type": media_type, "Content-Encoding": encoding}

    async def explode() -> int:
        async with session.post("/v1/contacts", data=bomb, headers=headers) as response:
            await response.read()
            return response.status

    other = bystander(small, session)
    await explode()  # what is needed once is not growth
    async with other.at_work():
        idle = peak = api.memory_info().rss
        bombs = asyncio.gather(*(explode() for _ in range(AT_ONCE)))
        while not bombs.done():
            peak = max(peak, api.memory_info().rss)
            await asyncio.sleep(0.02)
    assert set(await bombs) <= {400, 413}
    assert (peak - idle) / MIB < 100
    other.check_served()


async def test_connections_that_trickle_are_closed(start_dev: Callable[..., Dev]) -> None:
    dev = start_dev(INGEST_BODY_TIMEOUT="3").wait_ready()
    host, port = dev.ready["url"].removeprefix("http://").split(":")
    request = (
        "POST /v1/contacts HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
        f"Authorization: Bearer {dev.ready['token']}\r\nContent-Length: 1000000\r\n\r\n"
    ).encode()

    async def trickle() -> bytes:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        answer = asyncio.create_task(reader.read())
        try:
            while not answer.done():
                writer.write(b" ")
                await asyncio.wait([answer], timeout=1)
            return await answer
        except ConnectionError:
            return b"closed"
        finally:
            writer.close()

    async with session_with(dev) as session, asyncio.timeout(100):
        other = bystander(dev, session)
        async with other.at_work():
            answers = await asyncio.gather(*(trickle() for _ in range(TRICKLING)))
    assert all(b"40801" in answer or answer == b"closed" for answer in answers)
    assert any(b"40801" in answer for answer in answers)
    other.check_served()


async def test_many_failures_of_a_small_body(small: Dev, session: aiohttp.ClientSession) -> None:
    """A line of two bytes is a failure of some hundreds."""
    body = gzip.compress(b"1\n" * 100_000)
    api = psutil.Process(small.pids["api"][0])
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    idle = peak = api.memory_info().rss
    sending = asyncio.create_task(_send(session, body, headers))
    while not sending.done():
        peak = max(peak, api.memory_info().rss)
        await asyncio.sleep(0.02)
    status, document = await sending
    assert status == 422
    assert document["metadata"]["invalidItemsCount"] == 100_000
    assert len(document["failures"]) == 1_000
    assert (peak - idle) / MIB < 100


async def _send(
    session: aiohttp.ClientSession, body: bytes, headers: dict[str, str]
) -> tuple[int, dict[str, object]]:
    async with session.post("/v1/contacts", data=body, headers=headers) as response:
        return response.status, json.loads(await response.read())
