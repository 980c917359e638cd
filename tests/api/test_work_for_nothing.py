"""Work that costs its sender nothing: it is done in small turns, and ends when its client leaves.

Counted are turns and calls, never seconds.
"""

import asyncio
import gzip
import io
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from ingest.formats.csv import CsvDecoder
from ingest.formats.ndjson import NdjsonDecoder
from ingest.formats.xml_elements import Target
from ingest.http.service import SERVICE
from ingest.store.pool import Pool
from ingest.validation.items import ItemValidator
from tests.api.shared import NOTHING, exchange, head, written
from tests.harness import Service
from tests.waiting import until

MIB = 2**20
TURN = 8 * 1024


class Calls:
    """The calls of a method, each with the size of its first argument."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        self.sizes: list[int] = []
        original = getattr(owner, name)

        def counted(this: Any, first: Any, *more: Any, **options: Any) -> Any:
            self.sizes.append(len(first) if hasattr(first, "__len__") else 1)
            return original(this, first, *more, **options)

        monkeypatch.setattr(owner, name, counted)


def asyncify(holds: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def asks() -> bool:
        return holds()

    return asks


async def leave(api: Service, body: bytes, when: Callable[[], bool], *lines: str) -> None:
    """Send a whole body, and close the connection once `when` holds; wait until it is logged."""
    server = api.client.server
    with capture_logs() as logs:
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(head(api, *lines, f"Content-Length: {len(body)}") + body)
        await until(asyncify(when))
        writer.close()
        await until(asyncify(lambda: any(each["event"] == "request" for each in logs)))
    assert [entry["status"] for entry in logs if entry["event"] == "request"] == [400]


@pytest.mark.parametrize(
    ("decoder", "media_type", "body"),
    [
        (NdjsonDecoder, "application/x-ndjson", b"x\n" * 20_000),
        (NdjsonDecoder, "application/x-ndjson", b"\n" * 200_000),
        (CsvDecoder, "text/csv", b"email,age\n" + b"x\n" * 20_000),
        (CsvDecoder, "text/csv", b"email,age\n" + b",\n" * 100_000),
    ],
)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_short_lines_are_decoded_in_small_turns(
    api: Service,
    monkeypatch: pytest.MonkeyPatch,
    decoder: type,
    media_type: str,
    body: bytes,
    encoding: str,
) -> None:
    calls = Calls(monkeypatch, decoder, "feed")
    sent = gzip.compress(body) if encoding == "gzip" else body
    options = {"content_type": media_type, "content_encoding": encoding}
    reply = await api.request(
        "POST", "/v1/contacts", data=io.BytesIO(sent), prefer="respond-async", **options
    )
    assert reply.status in (202, 400, 422)
    assert max(calls.sizes) <= TURN
    assert sum(calls.sizes) == len(body)


async def test_blank_lines_never_hold_the_place_of_a_large_item(
    api: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    admission = api.app[SERVICE].admission
    held: list[int] = []
    change = admission.large_items.change

    def counted(account: str, before: int, after: int) -> None:
        held.append(after)
        change(account, before, after)

    monkeypatch.setattr(admission.large_items, "change", counted)
    reply = await api.request(
        "POST",
        "/v1/contacts",
        data=io.BytesIO(gzip.compress(b"\n" * (4 * MIB))),
        content_type="application/x-ndjson",
        content_encoding="gzip",
        prefer="respond-async",
    )
    assert reply.status == 400
    assert held == []


async def test_a_stream_ends_when_its_client_leaves(
    api: Service, operator: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one whose connection is not read, because more has come than is worked on."""
    calls = Calls(monkeypatch, NdjsonDecoder, "feed")
    block = gzip.compress(b"\n" * (64 * MIB))
    body = block * 12
    lines = ("Content-Type: application/x-ndjson", "Content-Encoding: gzip")
    await leave(api, body, lambda: len(calls.sizes) > 10, *lines)
    assert sum(calls.sizes) < 64 * MIB
    assert await written(operator) == NOTHING


async def test_a_thread_ends_when_its_client_leaves(
    api: Service, operator: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch, Target, "end")
    body = b"<a><b>" + b"<c/>" * 900_000 + b"</b></a>"
    await leave(api, body, lambda: len(calls.sizes) > 10, "Content-Type: application/xml")
    assert len(calls.sizes) < 800_000
    assert await written(operator) == NOTHING


async def test_validation_ends_when_its_client_leaves(
    api: Service, operator: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch, ItemValidator, "check")
    body = b"[" + b'{"email":"x"},' * 9_999 + b'{"email":"x"}]'
    await leave(api, body, lambda: len(calls.sizes) > 10, "Content-Type: application/json")
    assert len(calls.sizes) < 9_000
    assert await written(operator) == NOTHING


async def test_more_arrays_than_a_body_may_have_are_not_decoded(
    api: Service, operator: Pool
) -> None:
    body = io.BytesIO(b'[{"tags": [' + b"[]," * (10**6) + b"0]}]")
    reply = await api.request("POST", "/v1/contacts", data=body, content_type="application/json")
    assert (reply.status, reply.error) == (413, (41301, "body_too_large"))
    assert await written(operator) == NOTHING
    brackets = io.BytesIO(b'[{"email": "' + b"[" * (10**6 + 1) + b'"}]')
    reply = await api.request(
        "POST", "/v1/contacts", data=brackets, content_type="application/json"
    )
    assert reply.status == 422  # in a text they are none


async def test_a_long_text_is_looked_through_in_a_thread(
    api: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    check = ItemValidator.check

    def watched(*arguments: Any) -> Any:
        threads.append(threading.current_thread())
        return check(*arguments)

    monkeypatch.setattr(ItemValidator, "check", watched)
    body = json.dumps([{"email": "a." * MIB + "@b.cc", "first_name": "x"}])
    reply = await api.request(
        "POST",
        "/v1/contacts",
        data=io.BytesIO(body.encode()),
        content_type="application/json",
    )
    messages = [error["message"] for error in reply.body["failures"][0]["errors"]]
    assert messages == ["Not a valid email address.", "Longer than maximum length 254."]
    assert reply.codes == {0: [(42204, "email"), (42206, "email")]}
    assert [each is threading.main_thread() for each in threads] == [False]


async def test_runs_of_one_byte_chunks_are_decoded_together(
    api: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch, NdjsonDecoder, "feed")
    lines = (
        "Content-Type: application/x-ndjson",
        "Prefer: respond-async",
        "Transfer-Encoding: chunked",
    )
    chunks = b"1\r\n\n\r\n" * 40_000 + b"0\r\n\r\n"
    reply = await exchange(api, head(api, *lines) + chunks)
    assert reply.status == 400
    assert sum(calls.sizes) == 40_000
    assert len(calls.sizes) < 400
