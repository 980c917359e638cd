"""What is decided from the bytes and headers of a request, before and beside its body."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from ingest.store.pool import Pool
from tests.api.shared import ANN, JIM, NOTHING, exchange, head, send, written
from tests.harness import Service

BODY = json.dumps([JIM]).encode()
LENGTH = f"Content-Length: {len(BODY)}"
JSON = "Content-Type: application/json"
CONTINUE = "Expect: 100-continue"
CHUNKED = "Transfer-Encoding: chunked"
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
OFFER = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAA")


async def statuses(api: Service, parts: Sequence[bytes], count: int) -> list[int]:
    """Send parts, each in a segment of its own, and read so many answers."""
    server = api.client.server
    reader, writer = await asyncio.open_connection(server.host, server.port)
    found: list[int] = []
    try:
        async with asyncio.timeout(60):
            for part in parts:
                writer.write(part)
                # Or the kernel would put two of them together.
                await asyncio.sleep(0.05)
            while len(found) < count:
                first = await reader.readuntil(b"\r\n\r\n")
                found.append(int(first.split()[1]))
                lines = first.decode().lower().splitlines()
                size = [line for line in lines if line.startswith("content-length: ")]
                if size:
                    await reader.readexactly(int(size[0].split()[1]))
    finally:
        writer.close()
    return found


async def test_an_expectation_that_is_no_text_is_refused(api: Service) -> None:
    for path in ("/v1/contacts", "/nowhere", "/healthz"):
        request = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nExpect: ".encode()
        reply = await exchange(api, request + b"\xe9\xff\r\n\r\n")
        assert (reply.status, reply.error) == (400, (40001, "malformed_body"))
        assert reply.headers["Connection"] == "close"


REFUSED = {
    401: (["Authorization: Bearer x"], "/v1/contacts"),
    404: ([JSON, LENGTH], "/v1/nothing"),
    405: ([JSON, LENGTH], "/v1/batches"),
    413: ([JSON, f"Content-Length: {2**40}"], "/v1/contacts"),
    415: (["Content-Type: text/plain", LENGTH], "/v1/contacts"),
    422: ([JSON, LENGTH], "/v1/contacts"),
}


@pytest.mark.parametrize("status", [401, 404, 405, 413, 415])
async def test_a_body_that_is_refused_is_not_asked_for(api: Service, status: int) -> None:
    lines, path = REFUSED[status]
    request = head(api, *lines, CONTINUE, path=path)
    if status == 401:
        request = request.replace(f"Authorization: Bearer {api.token}\r\n".encode(), b"")
        request = request.replace(b"\r\n\r\n", f"\r\n{JSON}\r\n{LENGTH}\r\n\r\n".encode())
    reply = await exchange(api, request)
    assert reply.status == status
    assert reply.headers["Connection"] == "close"  # the body may still come, or never


@pytest.mark.parametrize("body", [[LENGTH], [CHUNKED]])
async def test_a_media_type_that_is_not_read_is_not_asked_for(
    api: Service, body: list[str]
) -> None:
    reply = await exchange(api, head(api, "Content-Type: text/plain", CONTINUE, *body))
    assert reply.status == 415


@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson", "text/xml"])
async def test_a_body_that_will_be_read_is_asked_for(service: Service, media_type: str) -> None:
    request = head(service, f"Content-Type: {media_type}", LENGTH, "EXPECT: 100-Continue")
    if media_type == "text/xml":
        assert await statuses(service, [request], 1) == [415]
    else:
        body = BODY if media_type == "application/json" else BODY[1:-1] + b"  "
        assert await statuses(service, [request, body], 2) == [100, 201]


async def test_http_1_0_expects_nothing(api: Service) -> None:
    request = head(api, JSON, LENGTH, "Expect: a-miracle", "Prefer: respond-async")
    parts = [request.replace(b"HTTP/1.1", b"HTTP/1.0") + BODY]
    assert await statuses(api, parts, 1) == [202]


@pytest.mark.parametrize(
    ("media_type", "sent"), [("application/json", b"["), ("application/x-ndjson", b"{}\n")]
)
async def test_a_bad_chunk_is_refused_at_once(
    api: Service, operator: Pool, media_type: str, sent: bytes
) -> None:
    request = head(api, f"Content-Type: {media_type}", CHUNKED)
    first = b"%x\r\n%b\r\n" % (len(sent), sent)
    server = api.client.server
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(request + first)
    await asyncio.sleep(0.05)
    writer.write(b"ZZ\r\nnothing\r\n")
    # Long before the body would have timed out: the server closes the connection by itself.
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert b"Connection: close" in answer
    assert b'"code":40001' in answer
    assert b"chunk" in answer
    assert await written(operator) == NOTHING


async def test_a_bad_chunk_behind_another_request(api: Service) -> None:
    first = head(api, JSON, LENGTH, "Prefer: respond-async") + BODY
    second = head(api, JSON, CHUNKED)
    assert await statuses(api, [first + second + b"1\r\n[\r\n", b"ZZ\r\n"], 2) == [202, 400]


@pytest.mark.parametrize("codings", ["gzip, chunked", "x-unheard,gzip , Chunked"])
async def test_other_transfer_codings_are_not_implemented(
    api: Service, operator: Pool, codings: str
) -> None:
    request = head(api, JSON, f"Transfer-Encoding: {codings}")
    reply = await exchange(api, request + b"2\r\n[]\r\n0\r\n\r\n")
    assert (reply.status, reply.error) == (501, (50101, "not_implemented"))
    assert reply.headers["Connection"] == "close"
    assert await written(operator) == NOTHING


SEGMENTS = ["one", "headers", "bytes"]


@pytest.mark.parametrize("body", [[LENGTH], [CHUNKED]], ids=["length", "chunked"])
@pytest.mark.parametrize("cut", SEGMENTS)
async def test_what_comes_behind_an_ignored_upgrade_is_answered(
    api: Service, body: list[str], cut: str
) -> None:
    sent = BODY if body == [LENGTH] else b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    offer = head(api, JSON, "Prefer: respond-async", *OFFER, *body)
    get = ALIVE.replace(b"\r\n\r\n", "\r\n{}\r\n\r\n".format("\r\n".join(OFFER)).encode())
    data = ALIVE + offer + sent + get + get + ALIVE
    parts = [data]
    if cut == "headers":
        parts = [ALIVE + offer, sent + get, get + ALIVE]
    elif cut == "bytes":
        ends = range(len(ALIVE + offer) - 4, len(ALIVE + offer) + 1)
        parts = [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]
    assert await statuses(api, parts, 5) == [200, 202, 200, 200, 200]


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
async def test_a_client_that_says_nothing_of_json_is_told_how(
    api: Service, media_type: str
) -> None:
    reply = await send(api, "contacts", json.dumps([ANN]), content_type=media_type)
    assert (reply.status, reply.error) == (415, (41501, "unsupported_media_type"))
    assert media_type in reply.body["error"]["message"]
    assert "`Content-Type: application/json`" in reply.body["error"]["description"]
    assert "-H 'Content-Type: application/json'" in reply.body["error"]["description"]


async def test_what_is_no_json_and_has_no_media_type_is_told_why(api: Service) -> None:
    body = b"email\nx\n"
    lines = (f"Content-Length: {len(body)}",)
    reply = await exchange(api, head(api, *lines) + body)
    assert (reply.status, reply.error) == (400, (40001, "malformed_body"))
    assert "Line 1" in reply.body["error"]["description"]
    assert "no Content-Type" in reply.body["error"]["description"]
    named = await exchange(api, head(api, JSON, *lines) + body)
    assert "Content-Type" not in named.body["error"]["description"]
