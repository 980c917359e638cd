"""Requests that cost their sender next to nothing, and what they cost a real process.

Each test prints a line of figures (`pytest -s`): seconds and ratios are a machine's own and are not
asserted; memory is.
"""

import asyncio
import gzip
import io
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import psutil
import pytest

from tests.acceptance.conftest import Dev
from tests.acceptance.test_hostile_streams import MIB, bystander, session_with
from tests.waiting import until

NDJSON, CSV, XML, YAML, JSON = (
    "application/x-ndjson",
    "text/csv",
    "application/xml",
    "application/yaml",
    "application/json",
)
MILLION = 10**6
NAMES = b"email,first_name,last_name,age\n"
LONGEST = "a." * (6 * MILLION) + "@example.com"


def ordinary(number: int) -> dict[str, str]:
    return {"email": f"s{number}@example.com", "first_name": "Some", "last_name": "One"}


ATTACKS: dict[str, tuple[str, Callable[[], bytes], str | None]] = {
    "ordinary lines": (
        NDJSON,
        lambda: b"".join(json.dumps(ordinary(each)).encode() + b"\n" for each in range(20_000)),
        None,
    ),
    "blank lines": (NDJSON, lambda: b"\n" * (15 * MILLION), None),
    "blank lines, gzip": (NDJSON, lambda: gzip.compress(b"\n" * (15 * MILLION)), "gzip"),
    "empty cells": (CSV, lambda: NAMES + b",,,\n" * (3 * MILLION), None),
    "empty XML elements": (XML, lambda: b"<a><b>" + b"<c/>" * 900_000 + b"</b></a>", None),
    "YAML scalars": (YAML, lambda: b"- a: [" + b"1," * (2 * MILLION) + b"]\n", None),
    "empty arrays": (JSON, lambda: b'[{"a": [' + b"[]," * (5 * MILLION) + b"0]}]", None),
    "an e-mail address of 12 MB": (
        JSON,
        lambda: json.dumps([{"email": LONGEST, "first_name": "x"}]).encode(),
        None,
    ),
}


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One API process and one worker."""
    running = Dev(tmp_path_factory.mktemp("cheap"), INGEST_BODY_TIMEOUT="10")
    try:
        yield running.wait_ready()
    finally:
        running.clean_up()


@pytest.fixture
async def session(one: Dev) -> AsyncIterator[aiohttp.ClientSession]:
    async with session_with(one) as session:
        yield session


@pytest.mark.parametrize("name", ATTACKS)
async def test_what_costs_little_to_send_costs_little_to_read(
    one: Dev, session: aiohttp.ClientSession, name: str
) -> None:
    media_type, made, encoding = ATTACKS[name]
    body, api = made(), psutil.Process(one.pids["api"][0])
    headers = {"Content-Type": media_type, "Prefer": "respond-async"}
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    other = bystander(one, session)
    idle = peak = api.memory_info().rss
    before = sum(api.cpu_times()[:2])

    async def attack() -> int:
        data = io.BytesIO(body)
        async with session.post("/v1/contacts", data=data, headers=headers) as response:
            await response.read()
            return response.status

    attacking = asyncio.create_task(attack())
    async with other.at_work():
        while not attacking.done():
            peak = max(peak, api.memory_info().rss)
            await asyncio.sleep(0.02)
    worked = sum(api.cpu_times()[:2]) - before
    decompressed = len(gzip.decompress(body)) if encoding else len(body)
    print(
        f"\n{name}: {len(body):,} bytes sent, {worked:.2f} s of CPU, "
        f"{worked / decompressed * MILLION:.2f} s for 1 MB, {(peak - idle) / MIB:.0f} MiB of memory"
    )
    assert await attacking in (202, 400, 413, 422)
    assert (peak - idle) / MIB < 200
    other.check_served()


async def test_work_ends_when_its_client_leaves(one: Dev, session: aiohttp.ClientSession) -> None:
    """A gigabyte of blank lines would take a minute of CPU."""
    body = gzip.compress(b"\n" * (64 * MIB)) * 15
    host, port = one.ready["url"].removeprefix("http://").split(":")
    api = psutil.Process(one.pids["api"][0])
    _, writer = await asyncio.open_connection(host, int(port))
    request = (
        "POST /v1/contacts HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
        f"Content-Encoding: gzip\r\nAuthorization: Bearer {one.ready['token']}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    answered = _answered(one)
    before = sum(api.cpu_times()[:2])
    writer.write(request + body)
    await writer.drain()

    async def at_work() -> bool:
        return sum(api.cpu_times()[:2]) > before + 0.1

    async def logged() -> bool:
        return _answered(one) > answered

    await until(at_work)
    writer.close()
    await until(logged)
    print(f"\n{len(body):,} bytes, left: {sum(api.cpu_times()[:2]) - before:.2f} s of CPU")


def _answered(dev: Dev) -> int:
    """How many writes the log has of which the client had gone."""
    lines = [line for line in dev.complaints.splitlines() if '"message":"request"' in line]
    return len([line for line in lines if '"status":400' in line])


async def test_clients_that_do_not_read(one: Dev, session: aiohttp.ClientSession) -> None:
    """25 connections ask for as much as one answer may be, and read none of it."""
    tags = ["x" * 50] * 1_500
    for first in range(0, 400, 100):
        items = [{**ordinary(10**6 + first + each), "tags": tags} for each in range(100)]
        body = b"".join(json.dumps(item).encode() + b"\n" for item in items)
        headers = {"Content-Type": NDJSON, "Prefer": "return=minimal"}
        async with session.post("/v1/contacts", data=io.BytesIO(body), headers=headers) as response:
            assert response.status == 201, await response.text()
    async with session.get("/v1/contacts?limit=1") as response:
        stored = (await response.json())["metadata"]["recordsCount"]
    api = psutil.Process(one.pids["api"][0])
    host, port = one.ready["url"].removeprefix("http://").split(":")
    # What other tests have left comes before them.
    request = (
        f"GET /v1/contacts?limit=1000&offset={stored - 400} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {one.ready['token']}\r\n\r\n"
    ).encode()
    other = bystander(one, session)
    idle = peak = api.memory_info().rss
    asking = []
    try:
        for _ in range(25):
            each = socket.socket()
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            each.connect((host, int(port)))
            each.sendall(request)
            asking.append(each)

        async def cut_off() -> bool:
            nonlocal peak
            peak = max(peak, api.memory_info().rss)
            return "an answer was read too slowly" in one.complaints

        async with other.at_work():
            await until(cut_off)
    finally:
        for each in asking:
            each.close()
    print(f"\n25 answers that are not read: {(peak - idle) / MIB:.0f} MiB of memory")
    assert (peak - idle) / MIB < 300
    other.check_served()


async def test_runs_of_one_byte_chunks(one: Dev) -> None:
    host, port = one.ready["url"].removeprefix("http://").split(":")
    api = psutil.Process(one.pids["api"][0])
    reader, writer = await asyncio.open_connection(host, int(port))
    sent = b"1\r\n\n\r\n" * 500_000 + b"0\r\n\r\n"
    request = (
        "POST /v1/contacts HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
        f"Prefer: respond-async\r\nAuthorization: Bearer {one.ready['token']}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    ).encode()
    before = sum(api.cpu_times()[:2])
    writer.write(request + sent)
    async with asyncio.timeout(100):
        answer = await reader.readuntil(b"\r\n")
    writer.close()
    worked = sum(api.cpu_times()[:2]) - before
    print(
        f"\none-byte chunks: {len(sent):,} bytes sent, {worked:.2f} s of CPU, "
        f"{worked / len(sent) * MILLION:.2f} s for 1 MB"
    )
    assert answer.split()[1] == b"400"
