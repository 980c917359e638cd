"""`Idempotency-Key`: how it is written, what counts as the same request, requests in flight."""

import asyncio
import uuid

import pytest

from ingest.store.pool import Pool
from tests.api.shared import ANN, JIM, configured, exchange, head, send, stored
from tests.harness import Service
from tests.waiting import finished, until
from workers.commit import Committer

KEYS = (
    *("k", "k" * 255, '"' + "q" * 255 + '"', "!~#$%&'()*+,-./:;<=>?@[]^_`{|}"),
    *('"', '"a"b"', '"in-quotes"'),
)


async def test_keys_of_visible_ascii_characters_are_taken(service: Service) -> None:
    for key in KEYS:
        assert (await service.post("contacts", [], idempotency_key=key)).status == 201, key
        again = await service.post("contacts", [], idempotency_key=key)
        assert again.error == (40901, "idempotency_replayed"), key


async def test_two_keys_are_none(api: Service) -> None:
    lines = ("Idempotency-Key: a", "Idempotency-Key: b", "Content-Length: 2")
    reply = await exchange(api, head(api, *lines) + b"[]")
    assert (reply.status, reply.error) == (400, (40004, "invalid_idempotency_key"))


async def test_bytes_count_and_not_what_they_mean(service: Service, operator: Pool) -> None:
    body = '[{"email": "jim@example.com", "first_name": "Jim"}]'
    assert (await send(service, "contacts", body, idempotency_key="k")).status == 201
    for other in (body.replace(" ", ""), body + "\n"):
        reply = await send(service, "contacts", other, idempotency_key="k")
        assert (reply.status, reply.error) == (422, (42220, "idempotency_mismatch"))
        assert reply.body["error"]["type"] == "client"
    same = await send(service, "contacts", body, idempotency_key="k", accept="*/*", prefer="wait=1")
    assert same.error == (40901, "idempotency_replayed")
    assert await stored(operator, "ingest.batches") == 1


async def test_the_two_ways_to_delete_are_two_requests(service: Service) -> None:
    assert (await service.delete("contacts", [], idempotency_key="k")).status == 200
    other = await service.request("POST", "/v1/contacts:delete", [], idempotency_key="k")
    assert other.error == (42220, "idempotency_mismatch")


async def test_a_request_in_flight_is_in_progress(
    api: Service, operator: Pool, committer: Committer
) -> None:
    async with operator.connection() as connection:
        holding = connection.transaction()
        await holding.start()
        await connection.execute("LOCK TABLE ingest.batches IN SHARE MODE")  # reads pass
        first = asyncio.create_task(
            api.post("contacts", [JIM], idempotency_key="k", prefer="wait=0")
        )
        await until(lambda: _waits_for_the_lock(operator))
        same = await api.post("contacts", [JIM], idempotency_key="k")
        other = await api.post("contacts", [ANN], idempotency_key="k")
        returning = await api.post(
            "contacts", [JIM], idempotency_key="k", prefer="replay=return, wait=0"
        )
        await holding.rollback()
    for reply in (same, returning):
        assert (reply.status, reply.error) == (409, (40902, "idempotency_in_progress"))
        assert int(reply.headers["Retry-After"]) > 0
    assert (other.status, other.error) == (422, (42220, "idempotency_mismatch"))
    accepted = await first
    assert accepted.status == 202
    await committer.commit("acme", uuid.UUID(accepted.body["metadata"]["batchId"]), tries=1)
    assert (await finished(api, accepted.headers["Location"]))["state"] == "committed"
    assert await stored(operator, "ingest.batches") == 1


async def _waits_for_the_lock(operator: Pool) -> bool:
    async with operator.connection() as connection:
        query = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
        return bool(await connection.fetchval(query))


@configured(idempotency_required=True)
async def test_the_service_may_require_a_key_for_every_write(
    service: Service, operator: Pool
) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        reply = await service.request(method, "/v1/contacts", [])
        assert (reply.status, reply.error) == (400, (40003, "idempotency_key_required"))
    assert await stored(operator, "ingest.batches") == 0
    assert (await service.post("contacts", [JIM], idempotency_key="k")).status == 201


async def test_a_replay_says_where_the_original_is(service: Service) -> None:
    original = await service.post("contacts", [JIM], idempotency_key="k")
    replay = await service.post("contacts", [JIM], idempotency_key="k")
    assert (replay.status, replay.body["result"]) == (409, "error")
    assert replay.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in original.headers
    batch = await service.request("GET", replay.headers["Location"])
    assert batch.body["data"]["response"]["body"]["data"] == original.body["data"]


async def test_the_replay_of_an_original_that_failed_is_a_new_try(service: Service) -> None:
    await service.post("contacts", [JIM])
    failed = await service.post("contacts", [ANN, JIM], idempotency_key="k")
    assert failed.codes == {1: [(40903, "email")]}
    await service.delete("contacts", [(await service.get("contacts")).body["data"][0]["id"]])
    again = await service.post("contacts", [ANN, JIM], idempotency_key="k", prefer="replay=return")
    assert again.status == 201
    assert "Idempotency-Replayed" not in again.headers


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("resolution=merge-duplicates", ""),
        ("", "resolution=merge-duplicates"),
        ("resolution=ignore-duplicates", "resolution=merge-duplicates"),
        ("handling=lenient", ""),
    ],
)
async def test_what_becomes_of_items_belongs_to_the_request(
    service: Service, first: str, second: str
) -> None:
    """Or the replay of an upsert would be told the outcome of an insert."""
    sent = await service.post("contacts", [JIM], idempotency_key="k", prefer=first)
    assert sent.status == 201
    other = await service.post("contacts", [JIM], idempotency_key="k", prefer=second)
    assert (other.status, other.error) == (422, (42220, "idempotency_mismatch"))
    again = f"{first}, replay=return, return=minimal"
    same = await service.post("contacts", [JIM], idempotency_key="k", prefer=again)
    assert (same.status, same.headers["Idempotency-Replayed"]) == (201, "true")
