"""Clients that ask and do not read: they cost no memory, and are cut off. Bytes are counted."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from structlog.testing import capture_logs

from ingest.http.admission import Budget
from ingest.http.answers import PIECE
from ingest.http.service import SERVICE
from tests.api.shared import configured, contact, head
from tests.api.streaming import NDJSON, lines
from tests.harness import Service
from tests.waiting import until

COUNT = 100
MIB = 2**20
LIST = "/v1/contacts?limit=1000"


@pytest.fixture
async def full(service: Service) -> Service:
    """With contacts whose list is 8 MiB, far more than sockets buffer for a client that is slow."""
    items = [contact(number, tags=["x" * 50] * 1500) for number in range(COUNT)]
    reply = await service.request(
        "POST",
        "/v1/contacts",
        data=io.BytesIO(lines(items)),
        content_type=NDJSON,
        prefer="return=minimal",
    )
    assert reply.status == 201, reply.body
    return service


@asynccontextmanager
async def asked(api: Service, *paths: str, buffer: int = 4096) -> AsyncIterator[socket.socket]:
    """A connection on which paths are asked for, and nothing is read."""
    server = api.client.server
    with socket.socket() as asking:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        asking.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(asking, (server.host, server.port))
        request = b"".join(head(api, method="GET", path=path) for path in paths)
        sending = asyncio.create_task(loop.sock_sendall(asking, request))
        try:
            yield asking
        finally:
            sending.cancel()


async def read(asking: socket.socket, size: int = 1024 * 1024) -> bytes:
    return await asyncio.get_running_loop().sock_recv(asking, size)


def connections(api: Service) -> list[Any]:
    """The connections of the server, those of the tests' own client left out."""
    server = api.client.server.runner.server
    return [each for each in server.connections if each.writing_paused]


async def waits(api: Service) -> None:
    """Return once an answer waits for its client."""

    async def one() -> bool:
        return bool(connections(api))

    await until(one)


async def test_no_more_than_a_piece_is_handed_to_a_connection(full: Service) -> None:
    async with asked(full, LIST) as asking:
        await waits(full)
        (connection,) = connections(full)
        most = 0
        received = b""
        while b"\r\n\r\n" not in received:
            received += await read(asking)
        first, _, body = received.partition(b"\r\n\r\n")
        length = int(first.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        assert length > 7 * MIB
        received_bytes = len(body)
        while received_bytes < length:
            most = max(most, connection.transport.get_write_buffer_size())
            received_bytes += len(await read(asking))
        assert received_bytes == length
        assert most <= 2 * PIECE


@configured(body_timeout=0.3)
@pytest.mark.parametrize("path", [LIST, "failures"])
async def test_who_does_not_read_is_cut_off(full: Service, path: str) -> None:
    if path == "failures":
        bad = [{"email": "x", "tags": ["x" * 50] * 1500}] * COUNT
        reply = await full.request(
            "POST",
            "/v1/contacts",
            data=io.BytesIO(lines(bad)),
            content_type=NDJSON,
            prefer="return=minimal",
        )
        path = f"/v1/batches/{reply.body['metadata']['batchId']}/failures"
    with capture_logs() as logs:
        async with asked(full, path) as asking:
            await waits(full)

            async def cut() -> bool:
                return not connections(full)

            await until(cut)
            received = 0
            with suppress(ConnectionResetError):
                while chunk := await read(asking):
                    received += len(chunk)
    assert received < 6 * MIB
    slow = [entry for entry in logs if entry["event"] == "an answer was read too slowly"]
    assert [entry["log_level"] for entry in slow] == ["warning"]
    assert not [entry for entry in logs if entry["log_level"] == "error"]
    assert full.app[SERVICE].admission.answers.exhausted().retry_after is not None
    assert (await full.get("contacts?limit=1000")).status == 200


@configured(body_timeout=1.0, answer_pace=1)
async def test_who_keeps_the_pace_gets_all_of_it(full: Service) -> None:
    async with asked(full, LIST, buffer=PIECE) as asking:
        received = 0
        length = 8 * MIB
        while received < length:
            part = await read(asking, 256 * 1024)
            assert part, "cut off"
            if not received:
                length = int(part.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            received += len(part)
            await asyncio.sleep(0.01)


async def test_what_long_answers_hold_is_bounded(full: Service, rival: Service) -> None:
    admission = full.app[SERVICE].admission
    admission.answers = Budget(12 * MIB, 0.8, "Too many long answers are being read")
    async with asked(full, LIST) as asking:
        await waits(full)
        reply = await full.get("contacts?limit=1000")
        assert (reply.status, reply.error) == (503, (50301, "unavailable"))
        assert int(reply.headers["Retry-After"]) > 0
        assert (await full.get("contacts?limit=0")).status == 400
        assert (await full.get("contacts?limit=1&select=-tags")).status == 200
        assert (await rival.get("contacts?limit=1000")).status == 200
        while connections(full):
            await read(asking)
    assert (await full.get("contacts?limit=1000")).status == 200


async def test_what_a_write_has_come_to_is_told_anyway(full: Service) -> None:
    full.app[SERVICE].admission.answers = Budget(1, 0.8, "Too many long answers are being read")
    async with asked(full, LIST):  # one alone may hold more
        await waits(full)
        items = [contact(1000 + number, tags=["x" * 50] * 1500) for number in range(2)]
        reply = await full.post("contacts", items)
        assert reply.status == 201
        assert len(reply.body["data"]) == 2


async def test_requests_behind_an_answer_that_is_not_read_wait(full: Service) -> None:
    with capture_logs() as logs:
        async with asked(full, *["/v1/contacts?limit=1"] * 2_000):
            await waits(full)
            assert (await full.get("contacts?limit=1")).status == 200
            answered = len([entry for entry in logs if entry["event"] == "request"])
    assert answered < 200
