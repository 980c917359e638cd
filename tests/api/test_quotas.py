"""Account limits and their notifications (contract 2, and document 000)."""

import asyncio
from typing import Any

import pytest

from ingest.errors import ConfigurationError
from ingest.store.pool import Pool
from ingest.store.quotas import list_quotas, read_holdings, set_quota
from ingest.store.tokens import create_token
from tests.api.shared import configured, contact, send, stored
from tests.api.streaming import LONG, stream
from tests.api.streaming import contacts as long_body
from tests.harness import REGISTRY, Reply, Service
from tests.waiting import finished, until
from workers.commit import Committer

DEAL = {"title": "t", "value": "1"}


def contacts(first: int, count: int) -> list[dict[str, Any]]:
    return [contact(number) for number in range(first, first + count)]


@pytest.fixture
async def limited(operator: Pool) -> None:
    """An account with room for 3 contacts and 2 deals."""
    await set_quota(operator, "acme", "contacts", 3)
    await set_quota(operator, "acme", "deals", 2)


def refused(reply: Reply, collection: str, maximum: int, left: int) -> None:
    assert (reply.status, reply.error) == (403, (40302, "limit_reached"))
    assert reply.body["error"]["type"] == "permission"
    assert reply.body["error"]["limit"] == {
        "collection": collection,
        "maximum": maximum,
        "left": left,
    }
    assert str(maximum) in reply.body["error"]["message"]
    assert reply.body["message"] == reply.body["error"]["message"]


async def test_a_batch_over_the_limit_fails_as_a_whole(
    limited: None, service: Service, operator: Pool
) -> None:
    for prefer in ("", "handling=lenient"):
        reply = await service.post("contacts", contacts(0, 4), prefer=prefer)
        refused(reply, "contacts", 3, 3)
        batch = (await service.get(f"batches/{reply.body['metadata']['batchId']}")).body["data"]
        assert (batch["state"], batch["response"]["status"]) == ("failed", 403)
        assert batch["response"]["body"]["error"] == reply.body["error"]
    assert await stored(operator, "collections.contacts") == 0
    assert (await service.post("contacts", contacts(0, 2))).status == 201
    refused(await service.post("contacts", contacts(2, 2)), "contacts", 3, 1)
    refused(await service.post("contacts?dryRun=true", contacts(2, 2)), "contacts", 3, 1)
    assert (await service.post("contacts?dryRun=true", contacts(2, 1))).status == 200
    assert (await service.post("contacts", contacts(2, 1))).status == 201
    assert await service.count("contacts") == 3


async def test_only_creates_count(limited: None, service: Service) -> None:
    saved = await service.post("contacts", contacts(0, 3))
    keys = [item["id"] for item in saved.body["data"]]
    assert (await service.patch("contacts", [{"id": key, "age": 1} for key in keys])).status == 200
    merge = "resolution=merge-duplicates"
    path = "contacts?matching=email"
    merged = await service.post(path, [contact(n, age=2) for n in range(3)], prefer=merge)
    assert (merged.status, merged.body["metadata"]["updated"]) == (201, 3)
    refused(await service.post(path, contacts(1, 3), prefer=merge), "contacts", 3, 0)
    ignored = await service.post(path, contacts(0, 3), prefer="resolution=ignore-duplicates")
    assert ignored.status == 201
    assert (await service.post("contacts", [])).status == 201
    assert (await service.delete("contacts", keys[:1])).status == 200
    assert (await service.post("contacts", contacts(5, 1))).status == 201


async def test_invalid_items_of_a_lenient_batch_take_no_room(
    limited: None, service: Service
) -> None:
    items = [*contacts(0, 3), {"email": "x"}, contact(0)]
    reply = await service.post("contacts", items, prefer="handling=lenient")
    assert (reply.status, reply.body["metadata"]["created"]) == (207, 3)


async def test_a_stream_over_the_limit_saves_nothing(service: Service, operator: Pool) -> None:
    await set_quota(operator, "acme", "contacts", LONG - 1)
    refused(await stream(service, long_body(), prefer="wait=30"), "contacts", LONG - 1, LONG - 1)
    assert await stored(operator, "collections.contacts") == 0
    lenient = await stream(service, long_body() + b"{}\n", prefer="wait=30, handling=lenient")
    refused(lenient, "contacts", LONG - 1, LONG - 1)
    await set_quota(operator, "acme", "contacts", LONG)
    saved = await stream(service, long_body(), prefer="wait=30, return=minimal")
    assert (saved.status, saved.body["notifications"]) == (201, ["contacts_list_full"])


async def test_the_key_of_a_refused_batch_is_free(limited: None, service: Service) -> None:
    refused(await service.post("contacts", contacts(0, 4), idempotency_key="k"), "contacts", 3, 3)
    assert (await service.post("contacts", contacts(0, 3), idempotency_key="k")).status == 201
    replayed = await service.post("contacts", contacts(0, 3), idempotency_key="k")
    assert replayed.error == (40901, "idempotency_replayed")


async def test_a_full_limit_of_one_stops_the_creating_of_both(
    limited: None, service: Service
) -> None:
    await service.post("deals", [DEAL, DEAL])
    reply = await service.post("contacts", contacts(0, 1))
    refused(reply, "deals", 2, 0)
    assert reply.body["notifications"] == ["deals_limit_reached"]
    key = (await service.get("deals")).body["data"][0]["id"]
    assert (await service.delete("deals", [key])).status == 200
    assert (await service.post("contacts", contacts(0, 3))).status == 201
    refused(await service.post("deals", DEAL), "contacts", 3, 0)
    assert (await service.patch("deals", await _first(service, "deals"))).status == 200
    # Other collections have nothing to do with it.
    assert (await service.post("people", {"name": "Jim"})).status == 201


async def _first(service: Service, collection: str) -> dict[str, Any]:
    item: dict[str, Any] = (await service.get(collection)).body["data"][0]
    return {"id": item["id"], "title": "changed"}


async def test_every_response_tells_of_limits_that_are_reached(
    limited: None, service: Service, rival: Service
) -> None:
    saved = await service.post("contacts", contacts(0, 2))
    assert "notifications" not in saved.body
    full = await service.post("contacts", contacts(2, 1))
    batch, key = full.body["metadata"]["batchId"], full.body["data"][0]["id"]
    replies = [
        full,
        await service.get("contacts"),
        await service.get(f"contacts/{key}"),
        await service.get("batches"),
        await service.get(f"batches/{batch}"),
        await service.get("airports"),
        await service.patch("contacts", {"id": key, "age": 1}),
        await service.post("contacts", {"email": "x"}),
        await service.post("contacts?dryRun=true", []),
        await service.get("contacts?limit=0"),
        await service.get("contacts/nothing"),
        await service.get("nothing"),
        await service.get(f"batches/{key}"),
        await service.get(f"batches/{batch}/failures"),
        await service.post("contacts", []),
        await service.post("airports", [], prefer="respond-async"),
        await service.post("airports", [], idempotency_key="k"),
        await service.post("airports", [], idempotency_key="k"),
        await service.post("airports", [], idempotency_key="k", prefer="replay=return"),
        await service.post("airports", [{}], idempotency_key="k"),
        await send(service, "contacts", "{"),
        await send(service, "contacts", "x", content_type="image/png"),
        await service.request("PUT", "/v1/contacts"),
        await service.request("POST", "/v1/batches"),
        await service.get("contacts/a/b"),
    ]
    assert {reply.status for reply in replies} == {200, 201, 202, 400, 404, 405, 409, 415, 422}
    for reply in replies:
        assert reply.body["notifications"] == ["contacts_list_full"], reply
    assert "notifications" not in (await rival.get("contacts")).body
    await service.delete("contacts", [key])
    assert "notifications" not in (await service.get("contacts")).body


@configured(rate_limit="3/hour")
async def test_a_refusal_names_limits_too(limited: None, service: Service, operator: Pool) -> None:
    assert (await service.post("contacts", contacts(0, 3))).status == 201
    too_fast = await service.post("contacts", contacts(3, 1))
    _, secret = await create_token(operator, "acme", "reader", role="reader")
    reader = Service(service.client, secret)
    not_allowed = await reader.post("contacts", contacts(3, 1))
    for reply, status in ((too_fast, 429), (not_allowed, 403)):
        assert (reply.status, reply.body["notifications"]) == (status, ["contacts_list_full"])


async def test_the_write_that_reaches_a_limit_names_it(service: Service, operator: Pool) -> None:
    """Although this process may still remember the token from before."""
    assert (await service.post("contacts", contacts(0, 1))).status == 201
    await set_quota(operator, "acme", "contacts", 2)
    full = await service.post("contacts", contacts(1, 1))
    assert (full.status, full.body["notifications"]) == (201, ["contacts_list_full"])


async def test_over_the_limit_only_deletes_are_allowed(service: Service, operator: Pool) -> None:
    saved = await service.post("contacts", contacts(0, 3))
    keys = [item["id"] for item in saved.body["data"]]
    await set_quota(operator, "acme", "contacts", 2)
    names = ["contacts_list_full", "too_many_contacts"]

    async def known() -> bool:
        return (await service.get("contacts")).body.get("notifications") == names

    await until(known)
    edit = [{"id": keys[0], "age": 1}]
    refused(await service.patch("contacts", edit), "contacts", 2, 0)
    refused(await service.post("contacts", contacts(5, 1)), "contacts", 2, 0)
    merge = await service.post(
        "contacts", {**contact(0), "id": keys[0]}, prefer="resolution=merge-duplicates"
    )
    refused(merge, "contacts", 2, 0)
    refused(await service.post("deals", DEAL), "contacts", 2, 0)
    assert (await service.delete("contacts", keys[1:])).status == 200
    assert (await service.patch("contacts", edit)).status == 200


async def test_the_accounts_own_limit_is_of_all_its_collections(
    service: Service, rival: Service, operator: Pool
) -> None:
    await set_quota(operator, "acme", "*", 3)
    assert (await service.post("contacts", contacts(0, 2))).status == 201
    refused(await service.post("people", [{"name": "A"}, {"name": "B"}]), "*", 3, 1)
    reply = await service.post("people", {"name": "A"})
    assert (reply.status, reply.body["notifications"]) == (201, ["account_limit_reached"])
    refused(await service.post("contacts", contacts(2, 1)), "*", 3, 0)
    assert (await rival.post("contacts", contacts(0, 9))).status == 201


async def test_limits_are_exact_under_concurrency(service: Service, operator: Pool) -> None:
    await set_quota(operator, "acme", "*", 20)
    await set_quota(operator, "acme", "contacts", 12)
    requests = [
        service.post("contacts", contacts(3 * n, 3))
        if n % 2
        else service.post("people", [{"name": f"{n}-{i}"} for i in range(3)])
        for n in range(24)
    ]
    replies = await asyncio.gather(*requests)
    assert {reply.status for reply in replies} == {201, 403}
    created = sum(reply.body["metadata"].get("created", 0) for reply in replies)
    assert created == 18  # six batches of three: a seventh would be over 20
    held = (await read_holdings(operator, "acme")).items
    assert held["contacts"] <= 12
    assert held["contacts"] + held["people"] == created


async def test_what_waits_together_is_refused_one_by_one(
    limited: None, api: Service, committer: Committer
) -> None:
    locations = []
    for number in range(5):
        reply = await api.post("contacts", contacts(number, 1), prefer="respond-async")
        locations.append(reply.headers["Location"])
    await committer.commit_pending("acme", "contacts")
    states = [(await finished(api, location))["state"] for location in locations]
    assert states == ["committed"] * 3 + ["failed"] * 2


async def test_quotas_are_set_shown_and_removed(operator: Pool) -> None:
    await set_quota(operator, "acme", "contacts", 5)
    await set_quota(operator, "acme", "contacts", 0)
    await set_quota(operator, "rival", "*", 7)
    shown = [
        (each.account, each.collection, each.maximum, each.items)
        for each in await list_quotas(operator)
    ]
    assert shown == [("acme", "contacts", 0, 0), ("rival", "*", 7, 0)]
    await set_quota(operator, "acme", "contacts", None)
    assert await list_quotas(operator, "acme") == []
    with pytest.raises(ConfigurationError, match="contcats"):
        await set_quota(operator, "acme", "contcats", 5)


def test_resources_name_their_notifications() -> None:
    assert REGISTRY["airports"].limit_reached == "airports_limit_reached"
    assert REGISTRY["contacts"].limit_exceeded == "too_many_contacts"
