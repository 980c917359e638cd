"""Repair in place of batches of several chunks: what is changed where, and in how much memory."""

import io
import json
import random
from typing import Any

import pytest

from ingest.store import merging
from ingest.store.pool import Pool
from tests.api.shared import contact
from tests.api.test_repairs import KEEP, mend, place
from tests.harness import Reply, Service

NDJSON = "application/x-ndjson"
MIB = 1024 * 1024


async def sent(service: Service, method: str, path: str, rows: list[Any], **headers: Any) -> Reply:
    body = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    sends = {"data": io.BytesIO(body), "content_type": NDJSON}
    return await service.request(method, path, **sends, **headers)


async def chunks(operator: Pool, batch: str) -> list[Any]:
    """Index and size of each chunk of a batch, in order."""
    async with operator.connection() as connection:
        rows = await connection.fetch(
            "SELECT first_index, octet_length(records) + coalesce(octet_length(raw), 0) AS size"
            " FROM ingest.payloads WHERE batch = $1 ORDER BY first_index, chunk",
            batch,
        )
    return [tuple(row) for row in rows]


async def test_a_stream_is_mended_in_any_order(service: Service, operator: Pool) -> None:
    """Of its second chunk nothing was valid, and what takes its place is larger than a chunk."""
    count, bad = 4_000, range(900, 2_400)
    long = {"tags": ["t" * 50] * 12}
    items: list[Any] = [contact(n, **long) for n in range(count)]
    wrong = [{**item, "email": "x"} if n in bad else item for n, item in enumerate(items)]
    first = await sent(service, "POST", "/v1/contacts", wrong, prefer=KEEP, idempotency_key="k")
    assert (first.status, first.body["metadata"]["invalidItemsCount"]) == (422, len(bad))
    batch = first.body["metadata"]["batchId"]
    before = await chunks(operator, batch)
    assert len(before) > 3
    assert any(size < 10 for _, size in before)  # a place for items, of which there are none
    changes: list[Any] = [{"index": n, "item": {**items[n], "age": n % 90}} for n in bad]
    changes += [{"index": n, "drop": True} for n in (0, count - 1)]
    random.Random(7).shuffle(changes)
    reply = await sent(service, "PATCH", place(first), changes)
    assert (reply.status, reply.body["message"]) == (200, f"{count - 2} created")
    after = await chunks(operator, batch)
    assert [start for start, _ in after] == sorted({start for start, _ in after})
    assert after[0][0] == 0
    assert max(size for _, size in after) < MIB + 10_000
    shown = (await service.get(f"batches/{batch}")).body["data"]
    assert (shown["state"], shown["metadata"]["droppedItems"]) == ("committed", [0, count - 1])
    assert await service.count("contacts") == count - 2
    [one] = (await service.get("contacts?email=c1000@example.com")).body["data"]
    assert one["age"] == 1000 % 90
    assert (await service.get("contacts?email=c0@example.com")).body["data"] == []
    replay = await sent(service, "POST", "/v1/contacts", wrong, prefer=KEEP, idempotency_key="k")
    assert replay.error[0] == 40901
    async with operator.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM ingest.changes") == 0
        assert await connection.fetchval("SELECT count(*) FROM ingest.failures") == 0
        assert await connection.fetchval("SELECT count(*) FROM ingest.batches") == 1


async def test_any_changes_in_any_order_come_to_the_last_of_each(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a model, with chunks of a few items."""
    chance = random.Random(11)
    monkeypatch.setattr(merging, "MAX_CHUNK", 700)
    monkeypatch.setattr(merging, "_ROWS", 3)
    size = 30
    model: dict[int, Any] = {}

    def some(index: int) -> Any:
        kind = chance.choice(("valid", "valid", "raw", "bad", "dropped"))
        if kind == "dropped":
            return None
        item = contact(1_000 * chance.randrange(1_000) + index)
        if kind == "raw":  # kept beside its record
            item["age"] = 30.0 if chance.random() < 0.5 else 31
            item["meta"] = {"createdAt": "x"}
        return {"email": "x", "first_name": str(chance.random())} if kind == "bad" else item

    for index in range(size):
        model[index] = some(index) or contact(index)
    model[3] = {"email": "x"}
    first = await service.post("contacts", [*model.values()], prefer=KEEP)
    for _ in range(12):
        changes = {index: some(index) for index in chance.sample(range(size), 8)}
        changes[3] = {"email": "x"}
        model |= changes
        reply = await mend(service, first, *_as_sent(changes))
        invalid = [n for n, item in sorted(model.items()) if item and not _is_valid(item)]
        metadata = reply.body["metadata"]
        assert metadata["invalidItems"] == invalid
        assert metadata["droppedItems"] == [n for n, item in sorted(model.items()) if item is None]
        assert [each["rawData"] for each in reply.body["failures"]] == [model[n] for n in invalid]
    last = {index: contact(index) for index in metadata["invalidItems"]}
    model |= last
    reply = await mend(service, first, *_as_sent(last))
    assert reply.status == 200
    wanted = [item["email"] for _, item in sorted(model.items()) if item is not None]
    assert [each["email"] for each in reply.body["data"]] == wanted


def _as_sent(changes: dict[int, Any]) -> list[Any]:
    return [
        {"index": index, "drop": True} if item is None else {"index": index, "item": item}
        for index, item in changes.items()
    ]


def _is_valid(item: Any) -> bool:
    return bool(item["email"] != "x" and item.get("age") != 30.0)
