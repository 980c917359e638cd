"""Streams that do not reach their end leave nothing behind, whichever side ends them."""

import asyncio
import contextlib
import datetime as dt
import gzip

import pytest

from ingest.batches.backlog import Backlog
from ingest.errors import Unavailable
from ingest.formats.compression import zstd
from ingest.http.admission import LARGE_ITEMS, WINDOWS, Budget
from ingest.http.service import SERVICE
from ingest.store.pool import Pool
from tests.api.shared import NOTHING, configured, head, written
from tests.api.streaming import NDJSON, Gate, contacts, large, lines, receiving, stream
from tests.chaos.faults import parse_faults
from tests.chaos.injection import injected
from tests.harness import Service
from tests.waiting import until
from workers.commit import Committer
from workers.maintenance import remove_abandoned

NOW = dt.timedelta(0)


async def _is_clean(operator: Pool) -> bool:
    return await written(operator) == NOTHING


@pytest.mark.parametrize("sent", [0, 1, 1_000, 1_048_576, 1_500_000, 2_200_000, -1])
async def test_a_client_that_disconnects_leaves_nothing(
    api: Service, operator: Pool, sent: int
) -> None:
    body = contacts()
    request = head(
        api, f"Content-Type: {NDJSON}", f"Content-Length: {len(body)}", "Idempotency-Key: k"
    )
    server = api.client.server
    _, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(request + body[:sent])
    await writer.drain()
    if abs(sent) > 1_200_000:
        await until(lambda: receiving(operator))
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    await until(lambda: _is_clean(operator))

    async def its_key_is_free() -> bool:
        reply = await stream(api, contacts(), prefer="wait=0", idempotency_key="k")
        assert reply.status in (202, 409), reply
        return reply.status == 202

    await until(its_key_is_free)


async def test_the_sweeper_removes_what_its_process_left(
    api: Service, operator: Pool, committer: Committer
) -> None:
    gate = Gate(contacts(), b"")
    sending = asyncio.create_task(stream(api, gate.pieces(), idempotency_key="k"))

    async def both_chunks_arrived() -> bool:
        return (await written(operator))["ingest.payloads"] == 2

    await until(both_chunks_arrived)  # a chunk under way would be a sign of life
    assert await remove_abandoned(committer) == 0
    assert await remove_abandoned(committer, NOW) == 1
    assert await written(operator) == NOTHING
    gate.go.set()
    reply = await sending
    # It was given up: nothing of it may come back, and the client may send it again.
    assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
    assert await written(operator) == NOTHING
    assert (await stream(api, contacts(), prefer="wait=0", idempotency_key="k")).status == 202


async def test_a_cancelled_request_leaves_nothing(api: Service, operator: Pool) -> None:
    """As when the process stops, and has no more time."""
    gate = Gate(contacts(), b"")
    sending = asyncio.create_task(stream(api, gate.pieces()))
    await until(lambda: receiving(operator))
    await api.client.server.close()
    assert await written(operator) == NOTHING
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await sending


async def test_a_bug_before_it_is_durable_leaves_nothing(
    api: Service, operator: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(Backlog, "check", bug)
        reply = await stream(api, contacts(), prefer="wait=0", idempotency_key="k")
    assert reply.status == 500
    assert await written(operator) == NOTHING
    assert (await stream(api, contacts(), prefer="wait=0", idempotency_key="k")).status == 202


async def test_a_bug_after_it_is_durable_leaves_the_batch(api: Service, operator: Pool) -> None:
    with injected(parse_faults("after_stage=raise", "")):
        reply = await stream(api, contacts(), prefer="wait=0", idempotency_key="k")
    assert reply.status == 500
    assert await written(operator) == NOTHING | {"ingest.batches": 1, "ingest.payloads": 3}
    again = await stream(api, contacts(), prefer="wait=0", idempotency_key="k")
    assert again.status == 409


@pytest.mark.parametrize("encoding", ["gzip", None])
@configured(body_timeout=60)
async def test_no_request_waits_for_a_client_that_has_stalled(
    api: Service, encoding: str | None
) -> None:
    """In the middle of an item, which no other compressed or large one may have to wait for."""
    pack = gzip.compress if encoding else bytes
    headers = {"content_encoding": encoding} if encoding else {}
    body = lines([large(1, tags=10_000)])
    gate = Gate(pack(body)[:-20], b"")
    sending = asyncio.create_task(stream(api, gate.pieces(), **headers))
    await until(lambda: is_taken(api.app[SERVICE].admission.large_items, LARGE_ITEMS))
    async with asyncio.timeout(60):
        other = await stream(api, pack(lines([large(2, tags=10_000)])), prefer="wait=0", **headers)
    assert other.status == 202
    assert not sending.done()
    gate.go.set()
    assert (await sending).status in (400, 422)


async def test_the_windows_of_zstd_are_bounded_together(api: Service) -> None:
    """Each may keep 8 MiB of what it has become, for as long as its client takes."""
    windows = api.app[SERVICE].admission.windows
    windows.change("other", 0, WINDOWS - 4_000_000)  # others, of which there are many
    body = zstd.compress(contacts())
    zstds = {"prefer": "wait=0", "content_encoding": "zstd"}
    gate = Gate(body[:-3], body[-3:])
    sending = asyncio.create_task(stream(api, gate.pieces(), **zstds))
    await until(lambda: is_taken(windows, 2_000_000))
    refused = await stream(api, body, **zstds)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    assert "zstd" in refused.body["message"]
    assert (await stream(api, zstd.compress(contacts(1)), **zstds)).status == 202
    assert (
        await stream(api, gzip.compress(contacts()), prefer="wait=0", content_encoding="gzip")
    ).status == 202
    gate.go.set()
    assert (await sending).status == 202
    assert not await is_taken(windows, 2_000_000)
    assert (await stream(api, body, **zstds)).status == 202
    assert not await is_taken(windows, 2_000_000)


async def is_taken(budget: Budget, size: int) -> bool:
    """Whether so many bytes more would be refused."""
    try:
        budget.change("another", 0, size)
    except Unavailable:
        return True
    budget.change("another", size, 0)
    return False


async def test_large_items_that_are_not_complete_are_not_held_without_bound(api: Service) -> None:
    held = api.app[SERVICE].admission.large_items
    held.change("other", 0, LARGE_ITEMS - 1_000_000)  # others, of which there are many
    body = lines([large(1, tags=15_000)])
    gates = [Gate(body[:-2], body[-2:]) for _ in range(2)]
    sending = [asyncio.create_task(stream(api, gate.pieces(), prefer="wait=0")) for gate in gates]
    done, [waiting] = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
    [refused] = [task.result() for task in done]
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    assert (await stream(api, contacts(1), prefer="wait=0")).status == 202
    for gate in gates:
        gate.go.set()
    assert (await waiting).status == 202
    assert (await stream(api, body, prefer="wait=0")).status == 202
