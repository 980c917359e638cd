"""Bodies of any length (contract 2): staged while they arrive, and still one atomic batch."""

import asyncio
import gzip
import itertools
import json
import zlib
from collections.abc import Callable

import pytest

from ingest.formats.compression import zstd
from ingest.store.pool import Pool
from tests.api.shared import BAD, NOTHING, configured, contact, stored, written
from tests.api.streaming import LONG, Gate, contacts, large, lines, receiving, stream
from tests.harness import Service
from tests.waiting import finished, until

MANY = 12_000
"""More items than an answer lists."""


async def test_one_request_is_one_batch(service: Service, operator: Pool) -> None:
    body = lines(contact(number, last_name="x" * 60) for number in range(MANY))
    reply = await stream(service, body, prefer="wait=30")
    assert reply.status == 201, reply
    metadata = reply.body["metadata"]
    assert metadata["receivedItemsCount"] == metadata["validItemsCount"] == MANY
    assert metadata["created"] == MANY
    # Above 10,000 items these are at the batch only.
    assert not {"validItems", "invalidItems", "outcomes"} & metadata.keys()
    assert "data" not in reply.body
    assert await stored(operator, "collections.contacts") == MANY
    assert await stored(operator, "ingest.payloads") > 1
    shown = (await service.get(f"batches/{metadata['batchId']}")).body["data"]
    assert shown["metadata"]["validItems"] == list(range(MANY))
    assert shown["metadata"]["invalidItems"] == []
    assert "validItems" not in shown["response"]["body"]["metadata"]


async def test_a_stream_of_few_items_is_answered_like_any_batch(service: Service) -> None:
    reply = await stream(service, contacts(), prefer="wait=30")
    assert reply.status == 201
    assert reply.body["metadata"]["validItems"] == list(range(LONG))
    assert [item["email"] for item in reply.body["data"]] == [
        f"c{number}@example.com" for number in range(LONG)
    ]


async def test_what_fits_one_chunk_is_staged_at_once(service: Service, operator: Pool) -> None:
    reply = await stream(service, contacts(3))
    assert reply.status == 201
    assert len(reply.body["data"]) == 3
    assert await stored(operator, "ingest.payloads") == 1


async def test_nothing_is_visible_before_the_end_but_the_counts(
    service: Service, operator: Pool
) -> None:
    half = LONG // 2
    gate = Gate(contacts(half) + lines([BAD]), contacts(half, first=half))
    sending = asyncio.create_task(
        stream(service, gate.pieces(), prefer="handling=lenient, wait=30, return=minimal")
    )
    await until(lambda: receiving(operator))
    [shown] = (await service.get("batches")).body["data"]
    assert shown["state"] == "receiving"
    assert shown["acceptedAt"] is shown["finishedAt"] is None
    counts = (await service.get(f"batches/{shown['id']}")).body["data"]
    assert 0 < counts["metadata"]["receivedItemsCount"] <= half + 1
    assert "validItems" not in counts["metadata"]
    assert counts["response"] is None
    assert await service.count("contacts") == 0
    gate.go.set()
    reply = await sending
    assert reply.status == 207
    assert reply.body["metadata"]["batchId"] == shown["id"]
    assert reply.body["metadata"]["invalidItems"] == [half]
    assert reply.body["metadata"]["created"] == await service.count("contacts") == 2 * half


async def test_respond_async_answers_once_it_is_staged(api: Service, operator: Pool) -> None:
    reply = await stream(api, contacts(), prefer="respond-async")
    assert (reply.status, reply.body["result"]) == (202, "accepted")
    assert reply.body["metadata"]["receivedItemsCount"] == LONG
    assert await stored(operator, "ingest.payloads") > 1


@pytest.mark.parametrize("preference", ["handling=strict", "handling=lenient"])
async def test_a_rejected_stream_keeps_its_failures_only(
    api: Service, operator: Pool, preference: str
) -> None:
    good = contacts() if "strict" in preference else b""
    reply = await stream(api, good + lines([BAD] * 9_000), prefer=preference, idempotency_key="k")
    assert (reply.status, reply.body["result"]) == (422, "failure")
    first = LONG if good else 0
    assert reply.body["metadata"]["invalidItemsCount"] == 9_000
    assert len(reply.body["failures"]) == 1_000
    assert reply.body["failures"][0]["errors"][0]["field"] == "email"
    assert await written(operator) == NOTHING | {"ingest.batches": 1, "ingest.failures": 9_000}
    shown = (await api.get(f"batches/{reply.body['metadata']['batchId']}")).body["data"]
    assert shown["state"] == "rejected"
    assert shown["metadata"]["invalidItems"] == list(range(first, first + 9_000))
    # Its key is free.
    assert (await stream(api, contacts(), prefer="wait=0", idempotency_key="k")).status == 202


async def test_failures_beyond_the_inline_limit_are_complete_elsewhere(api: Service) -> None:
    items = [{"email": f"bad {number}"} for number in range(5_000)]
    reply = await stream(api, contacts() + lines(items))
    rows = await api.get(f"batches/{reply.body['metadata']['batchId']}/failures")
    assert [failure["rawData"] for failure in rows.body["failures"]] == items


@pytest.mark.parametrize("lenient", [False, True])
async def test_duplicates_are_found_across_the_whole_stream(
    service: Service, operator: Pool, lenient: bool
) -> None:
    repeated = contact(1, last_name="again")
    prefer = f"wait=30, handling={'lenient' if lenient else 'strict'}"
    reply = await stream(service, contacts() + lines([repeated]), prefer=prefer)
    assert reply.status == (207 if lenient else 422)
    assert reply.codes == {LONG: [(40904, "email")]}
    assert reply.body["failures"][0]["rawData"] == repeated
    assert await service.count("contacts") == (LONG if lenient else 0)


async def test_many_conflicts_with_what_is_stored(service: Service) -> None:
    assert (await stream(service, contacts(), prefer="wait=30, return=minimal")).status == 201
    new = contacts(10, first=LONG)
    reply = await stream(service, contacts() + new, prefer="wait=30, handling=lenient")
    assert reply.status == 207
    assert reply.body["metadata"]["invalidItemsCount"] == LONG
    assert {failure["errors"][0]["code"] for failure in reply.body["failures"]} == {40903}
    assert reply.body["failures"][700]["rawData"] == large(700)
    assert await service.count("contacts") == LONG + 10


async def test_a_dry_run_saves_nothing(service: Service, operator: Pool) -> None:
    assert (await stream(service, contacts(1))).status == 201
    before = await written(operator)
    reply = await stream(service, contacts(), path="contacts?dryRun=true")
    assert reply.status == 422
    assert reply.codes == {0: [(40903, "email")]}
    reply = await stream(service, contacts(first=1), path="contacts?dryRun=true")
    assert (reply.status, reply.body["metadata"]["created"]) == (200, LONG)
    assert await written(operator) == before


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}


@pytest.mark.parametrize("encoding", ENCODERS)
async def test_compressed_streams(service: Service, operator: Pool, encoding: str) -> None:
    body = ENCODERS[encoding](contacts())
    reply = await stream(service, body, content_encoding=encoding, prefer="wait=30")
    assert (reply.status, reply.body["metadata"]["created"]) == (201, LONG)
    assert await stored(operator, "ingest.payloads") > 1


async def test_a_long_file_of_csv(service: Service, operator: Pool) -> None:
    header = ",".join(["email", "first_name", *(f"tags.{number}" for number in range(40))])
    tags = ",".join(["y" * 50] * 40)
    rows = [f"c{number}@example.com,C{number},{tags}" for number in range(LONG)]
    body = "\n".join([header, *rows[:-1], "x,y"]).encode()
    reply = await stream(service, body, content_type="text/csv", prefer="handling=lenient, wait=30")
    assert reply.status == 207, reply.body
    assert reply.codes == {LONG - 1: [(42204, None)]}
    assert await stored(operator, "collections.contacts") == LONG - 1


async def test_changes_and_deletions_stream_as_well(service: Service) -> None:
    assert (await stream(service, contacts(), prefer="wait=30, return=minimal")).status == 201
    new = lines(large(number, age=5) for number in range(LONG))
    by_email = {"method": "PATCH", "params": {"matching": "email"}, "prefer": "wait=30"}
    reply = await stream(service, new, **by_email)
    assert (reply.status, reply.body["metadata"]["updated"]) == (200, LONG)
    keys = b"".join(json.dumps(item["email"]).encode() + b"\n" for item in reply.body["data"])
    blank = b" " * 100_000 + b"\n"
    reply = await stream(service, keys + 30 * blank, **by_email | {"method": "DELETE"})
    assert (reply.status, reply.body["metadata"]["deleted"]) == (200, LONG)


# -- limits -----------------------------------------------------------------------------------


@configured(max_stream=2_000_000)
async def test_a_stream_over_the_limit_is_refused_while_it_arrives(
    api: Service, operator: Pool
) -> None:
    announced = await stream(api, contacts())
    assert announced.error == (41301, "body_too_large")
    gate = Gate(contacts(), b"")
    gate.go.set()
    assert (await stream(api, gate.pieces())).status == 413
    compressed = await stream(api, gzip.compress(contacts()), content_encoding="gzip")
    assert compressed.error == (41301, "body_too_large")
    assert await written(operator) == NOTHING


@configured(max_body=300_000)
async def test_an_item_is_not_larger_than_one_of_json(api: Service, operator: Pool) -> None:
    reply = await stream(api, contacts() + lines([large(0, tags=6_000)]))
    assert reply.error == (41301, "body_too_large")
    assert await written(operator) == NOTHING


async def test_items_of_more_than_a_chunk(service: Service) -> None:
    items = [large(number, tags=30_000) for number in range(3)]
    reply = await stream(service, lines(items), prefer="wait=30")
    assert reply.status == 201
    assert [len(item["tags"]) for item in reply.body["data"]] == [30_000] * 3


async def test_a_compressed_stream_that_breaks_off(api: Service, operator: Pool) -> None:
    body = gzip.compress(contacts(), compresslevel=0)
    reply = await stream(api, body[:-100_000], content_encoding="gzip")
    assert reply.error == (40001, "malformed_body")
    assert await written(operator) == NOTHING


@configured(body_timeout=0.3, stream_pace=10_000)
async def test_a_stream_has_to_keep_its_pace(api: Service, operator: Pool) -> None:
    gate = Gate(contacts(), b"")
    reply = await stream(api, gate.pieces())
    assert reply.error == (40801, "request_timeout")
    assert await written(operator) == NOTHING
    gate.go.set()


@configured(body_timeout=2, stream_pace=1)
async def test_a_stream_may_take_longer_than_a_body(service: Service) -> None:
    async def slowly() -> object:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in itertools.count():
            yield contacts(1, first=number)
            if loop.time() > began + 2.5:
                return
            await asyncio.sleep(0.1)

    assert (await stream(service, slowly())).status == 201


async def test_a_batch_is_finished_after_its_202(service: Service) -> None:
    reply = await stream(service, contacts(), prefer="wait=0")
    batch = await finished(service, reply.headers["Location"])
    assert batch["response"]["body"]["metadata"]["created"] == LONG
