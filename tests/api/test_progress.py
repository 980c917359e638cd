"""A batch that is followed: server-sent events until it is finished."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse

from ingest.http import progress
from ingest.http.service import SERVICE
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.shared import ANN, BAD, JIM
from tests.api.streaming import Gate, contacts, stream
from tests.harness import Service
from workers.commit import Committer

Event = tuple[str, dict[str, Any]]


@asynccontextmanager
async def followed(api: Service, batch: str, **headers: str) -> AsyncIterator[ClientResponse]:
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {api.token}", **headers}
    async with api.client.get(f"/v1/batches/{batch}", headers=headers) as response:
        yield response


async def next_event(response: ClientResponse) -> Event | None:
    """The next event; None at the end of the stream."""
    async with asyncio.timeout(20):
        text = await _until_blank(response)
    if not text:
        return None
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    assert lines["id"] == lines["event"]
    return lines["event"], json.loads(lines["data"])


async def _until_blank(response: ClientResponse) -> str:
    found = b""
    while not found.endswith(b"\n\n"):
        line = await response.content.readline()
        if not line:
            return found.decode()
        found += b"" if line.startswith(b":") else line
        found = b"" if found == b"\n" else found
    return found.decode().strip()


async def accepted(api: Service, *items: Any) -> str:
    reply = await api.post("contacts", [*items], prefer="wait=0")
    assert reply.status == 202, reply.body
    return str(reply.body["metadata"]["batchId"])


async def test_a_batch_is_followed_until_it_is_committed(
    api: Service, committer: Committer
) -> None:
    batch = await accepted(api, JIM, ANN)
    async with followed(api, batch) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
        kind, shown = await next_event(response) or ("", {})
        assert (kind, shown["id"], shown["state"]) == ("progress", batch, "accepted")
        assert shown["metadata"]["receivedItemsCount"] == 2
        await committer.commit_pending("acme", "contacts")
        kind, shown = await next_event(response) or ("", {})
        assert (kind, shown["state"]) == ("finished", "committed")
        assert shown["metadata"]["created"] == 2
        assert await next_event(response) is None
    [in_list] = (await api.get("batches")).body["data"]
    assert in_list == shown


async def test_what_is_finished_is_told_once_and_ends(api: Service) -> None:
    reply = await api.post("contacts", [BAD])
    batch = reply.body["failures"] and reply.body["metadata"]["batchId"]
    async with followed(api, batch) as response:
        kind, shown = await next_event(response) or ("", {})
        assert (kind, shown["state"], shown["metadata"]["invalidItemsCount"]) == (
            "finished",
            "rejected",
            1,
        )
        assert await next_event(response) is None
    # A browser connects anew after that; 204 is what stops it (WHATWG HTML, 9.2.3).
    async with followed(api, batch, **{"Last-Event-ID": "finished"}) as response:
        assert response.status == 204


async def test_a_stream_is_followed_while_it_arrives(service: Service) -> None:
    body = contacts()
    half = body.rindex(b"\n", 0, len(body) // 2) + 1
    gate = Gate(body[:half], body[half:])
    sending = asyncio.create_task(stream(service, gate.pieces()))
    batch = await _receiving(service)
    async with followed(service, batch) as response:
        kind, shown = await next_event(response) or ("", {})
        assert (kind, shown["state"]) == ("progress", "receiving")
        first = shown["metadata"]["receivedItemsCount"]
        gate.go.set()
        events = [event async for event in _events(response)]
    assert (await sending).status == 201
    kind, shown = events[-1]
    assert (kind, shown["state"], shown["metadata"]["created"]) == ("finished", "committed", 1_200)
    assert 0 < first < 1_200


async def _events(response: ClientResponse) -> AsyncIterator[Event]:
    while event := await next_event(response):
        yield event


async def _receiving(service: Service) -> str:
    async with asyncio.timeout(20):
        while True:
            for each in (await service.get("batches")).body["data"]:
                if each["state"] == "receiving" and each["metadata"]["receivedItemsCount"]:
                    return str(each["id"])


async def test_silence_has_signs_of_life(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_EVERY", 0.01)
    monkeypatch.setattr(progress, "_SIGN_OF_LIFE", 0.02)
    async with followed(api, await accepted(api, JIM)) as response:
        await next_event(response)
        assert await response.content.readline() == b": waiting\n"


async def test_a_process_that_stops_lets_go(api: Service) -> None:
    async with followed(api, await accepted(api, JIM)) as response:
        await next_event(response)
        api.app[SERVICE].stopping.set()
        assert await next_event(response) is None


async def test_a_token_that_is_revoked_sees_no_more(
    api: Service, operator: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_EVERY", 0.01)
    async with followed(api, await accepted(api, JIM)) as response:
        await next_event(response)
        async with operator.connection() as connection:
            await connection.execute("UPDATE ingest.tokens SET revoked_at = now()")
        assert await next_event(response) is None


async def test_others_do_not_see_it(api: Service, operator: Pool) -> None:
    batch = await accepted(api, JIM)
    _, other = await create_token(operator, "beta", "tests")
    async with followed(api, batch, Authorization=f"Bearer {other}") as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == 40404
