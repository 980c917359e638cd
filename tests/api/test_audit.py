"""The log says of every write who sent it, which batch it became, and what came of that."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from ingest.store.pool import Pool
from ingest.store.quotas import set_quota
from ingest.store.tokens import create_token
from tests.api.shared import contact
from tests.api.streaming import LONG, contacts, stream
from tests.harness import Reply, Service
from tests.waiting import finished, until

COUNTS = ("received", "invalid", "created", "updated", "unchanged", "deleted")
Lines = list[Any]


@pytest.fixture
async def feed(service: Service, operator: Pool) -> tuple[Service, str]:
    """A client whose token is known by its id."""
    token, secret = await create_token(operator, "acme", "feed")
    return Service(service.client, secret), str(token)


@pytest.fixture
async def lines(service: Service) -> AsyncIterator[Lines]:
    """What is logged, by the API and by the worker."""
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as captured:
        yield captured


async def committed(lines: Lines, *batches: str) -> list[Any]:
    """The line of each batch that a worker has finished."""

    async def all_there() -> bool:
        return {line["batch"] for line in of(lines, "batch finished")} >= set(batches)

    await until(all_there)
    found = {line["batch"]: line for line in of(lines, "batch finished")}
    assert len(found) == len(of(lines, "batch finished"))
    return [found[batch] for batch in batches]


def of(lines: Lines, event: str) -> list[Any]:
    return [line for line in lines if line["event"] == event]


def batch_of(reply: Reply) -> str:
    return str(reply.body["metadata"]["batchId"])


def says(line: Any, reply: Reply, token: str, action: str, state: str) -> None:
    """A line names whose the write was, and what it was."""
    assert {name: line[name] for name in ("account", "token", "batch", "trace_id")} == {
        "account": "acme",
        "token": token,
        "batch": batch_of(reply),
        "trace_id": reply.headers["X-Trace-Id"],
    }
    assert (line["collection"], line["action"], line["state"]) == ("contacts", action, state)


def counts(line: Any) -> Sequence[int]:
    return [line[name] for name in COUNTS]


async def test_both_sides_of_a_write_say_who_wrote_what(
    feed: tuple[Service, str], lines: Lines
) -> None:
    client, token = feed
    jim = {**contact(1), "id": "00000000-0000-7000-8000-000000000001"}
    key = {"id": jim["id"]}
    writes = [
        ("create", await client.post("contacts", [jim, {}], prefer="handling=lenient")),
        ("update", await client.patch("contacts", {**key, "age": 3})),
        ("update", await client.patch("contacts", {**key, "age": 3})),
        ("delete", await client.delete("contacts", [key])),
    ]
    expected = [[2, 1, 1, 0, 0, 0], [1, 0, 0, 1, 0, 0], [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 1]]
    answered = of(lines, "request")
    found = await committed(lines, *(batch_of(reply) for _, reply in writes))
    for (action, reply), worker, api, numbers in zip(
        writes, found, answered, expected, strict=True
    ):
        for line in (worker, api):
            says(line, reply, token, action, "committed")
            assert counts(line) == numbers
        assert (api["client"], api["replayed"]) == ("127.0.0.1", False)


async def test_what_was_answered_before_it_was_committed_is_counted_when_it_is(
    feed: tuple[Service, str], lines: Lines
) -> None:
    client, token = feed
    writes = await asyncio.gather(
        *(client.post("contacts", [contact(n)], prefer="respond-async") for n in range(8))
    )
    assert {reply.status for reply in writes} == {202}
    for reply, line in zip(writes, await committed(lines, *map(batch_of, writes)), strict=True):
        says(line, reply, token, "create", "committed")
        assert counts(line) == [1, 0, 1, 0, 0, 0]
    for line in of(lines, "request"):
        assert (line["state"], *counts(line)) == ("accepted", 1, 0, 0, 0, 0, 0)


async def test_what_is_rejected_or_fails_is_said_too(
    feed: tuple[Service, str], lines: Lines, operator: Pool
) -> None:
    client, token = feed
    assert (await client.post("contacts", contact(1))).status == 201
    rejected = await client.post("contacts", [contact(2), {}])
    failed = await client.post("contacts", [contact(2), contact(1)])
    await set_quota(operator, "acme", "contacts", 1)
    refused = await client.post("contacts", [contact(2)])
    assert (rejected.status, failed.status, refused.status) == (422, 422, 403)
    _, first, second, third = of(lines, "request")
    says(first, rejected, token, "create", "rejected")
    assert counts(first) == [2, 1, 0, 0, 0, 0]
    workers = await committed(lines, batch_of(failed), batch_of(refused))
    for line in (second, workers[0]):
        says(line, failed, token, "create", "failed")
        assert counts(line) == [2, 1, 0, 0, 0, 0]
    for line in (third, workers[1]):
        says(line, refused, token, "create", "failed")
        assert counts(line) == [1, 0, 0, 0, 0, 0]


async def test_streams_are_counted(feed: tuple[Service, str], lines: Lines) -> None:
    client, token = feed
    reply = await stream(client, contacts(), prefer="respond-async")
    await finished(client, reply.headers["Location"])
    [line] = await committed(lines, batch_of(reply))
    says(line, reply, token, "create", "committed")
    assert counts(line) == [LONG, 0, LONG, 0, 0, 0]


async def test_what_saves_nothing_is_no_write_of_its_own(
    feed: tuple[Service, str], lines: Lines
) -> None:
    client, _ = feed
    saved = await client.post("contacts", contact(1), idempotency_key="k")
    again = await client.post("contacts", contact(1), idempotency_key="k", prefer="replay=return")
    await client.post("contacts?dryRun=true", contact(2))
    await client.get("contacts")
    await committed(lines, batch_of(saved))
    first, replay, dry_run, read = of(lines, "request")
    assert (first["replayed"], replay["replayed"]) == (False, True)
    assert replay["batch"] == batch_of(again) == batch_of(saved)
    assert "batch" not in dry_run
    assert "batch" not in read
