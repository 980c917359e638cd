"""What only stored data can show is named item by item, and nothing is saved (contract 2)."""

from typing import Any

import pytest

from ingest.store.pool import Pool
from tests.api.shared import ANN, JIM, contact, stored
from tests.api.test_writes import FRA
from tests.harness import Service

KEY = "0191d7a0-0000-7000-8000-000000000001"


async def test_a_taken_key_is_named(service: Service, operator: Pool) -> None:
    await service.post("airports", FRA)
    reply = await service.post("airports", [{**FRA, "iata": "JFK"}, {**FRA, "name": "Other"}])
    assert (reply.status, reply.body["result"]) == (422, "failure")
    assert reply.codes == {1: [(40903, "iata")]}
    error = reply.body["failures"][0]["errors"][0]
    assert (error["type"], error["name"]) == ("content", "duplicate")
    assert reply.body["metadata"]["validItems"] == [0]
    assert await stored(operator, "collections.airports") == 1
    assert (await service.get("airports/FRA")).body["data"]["name"] == "Frankfurt"


async def test_a_taken_unique_attribute_is_named_for_every_item(
    service: Service, operator: Pool
) -> None:
    await service.post("contacts", [contact(1), contact(2), {**contact(3), "id": KEY}])
    batch = [contact(9), contact(2), contact(8), {**contact(1), "id": KEY}]
    reply = await service.post("contacts", batch)
    assert reply.status == 422
    assert {index: sorted(errors) for index, errors in reply.codes.items()} == {
        1: [(40903, "email")],
        3: [(40903, "email"), (40903, "id")],
    }
    assert [failure["rawData"] for failure in reply.body["failures"]] == [batch[1], batch[3]]
    assert await stored(operator, "collections.contacts") == 3


async def test_several_attributes_together_are_named_together(service: Service) -> None:
    await service.post("bookings", {"room": "a", "slot": 1})
    reply = await service.post(
        "bookings",
        [{"room": "a", "slot": 2}, {"room": "a", "slot": 1}, {"room": "b", "slot": 1}],
    )
    assert reply.codes == {1: [(40903, "room,slot")]}
    assert reply.body["failures"][0]["rawData"] == {"room": "a", "slot": 1}


@pytest.mark.parametrize(
    ("collection", "items", "field"),
    [
        ("airports", [FRA, {**FRA, "iata": "JFK"}, {**FRA, "name": "b"}, FRA], "iata"),
        ("contacts", [JIM, ANN, {**JIM, "first_name": "b"}, JIM], "email"),
    ],
)
async def test_repetitions_in_a_batch_name_the_first(
    service: Service, operator: Pool, collection: str, items: list[dict[str, Any]], field: str
) -> None:
    reply = await service.post(collection, items)
    assert reply.status == 422
    assert reply.codes == {2: [(40904, field)], 3: [(40904, field)]}
    for failure in reply.body["failures"]:
        (error,) = failure["errors"]
        assert (error["type"], error["name"]) == ("content", "duplicate_in_batch")
        assert "0" in error["description"]
    assert reply.body["metadata"]["validItems"] == [0, 1]
    assert await stored(operator, f"collections.{collection}") == 0


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_the_same_key_twice_in_a_batch(service: Service, method: str) -> None:
    await service.post("airports", [FRA, {**FRA, "iata": "JFK"}])
    items = [{"iata": "JFK"}, {"iata": "FRA"}, {"iata": "JFK"}]
    reply = await service.request(method, "/v1/airports", items)
    assert reply.status == 422
    assert reply.codes == {2: [(40904, "iata")]}
    assert "0" in reply.body["failures"][0]["errors"][0]["description"]
    assert await service.count("airports") == 2


async def test_keys_are_compared_as_they_are_loaded(service: Service) -> None:
    upper, lower = "0191D7A0-0000-7000-8000-00000000ABCD", "0191d7a0-0000-7000-8000-00000000abcd"
    reply = await service.post("contacts", [{**JIM, "id": upper}, {**ANN, "id": lower}])
    assert reply.codes == {1: [(40904, "id")]}
    assert reply.body["failures"][0]["rawData"]["id"] == lower


async def test_nulls_are_unique(service: Service) -> None:
    reply = await service.post("seats", [{"code": "a", "badge": None}, {"code": "b", "row": "x"}])
    assert reply.status == 201
    again = await service.post("seats", [{"code": "c"}, {"code": "d", "row": "x"}])
    assert again.status == 201


async def test_a_patch_onto_a_taken_unique_attribute(service: Service) -> None:
    posted = await service.post("contacts", [JIM, ANN])
    jim, ann = (item["id"] for item in posted.body["data"])
    reply = await service.patch("contacts", {"id": jim, "email": ANN["email"]})
    assert reply.codes == {0: [(40903, "email")]}
    swap = [{"id": jim, "email": ANN["email"]}, {"id": ann, "email": JIM["email"]}]
    swapped = await service.patch("contacts", swap)
    assert swapped.status == 200
    assert [item["email"] for item in swapped.body["data"]] == [ANN["email"], JIM["email"]]


async def test_what_was_deleted_may_be_created_again(service: Service) -> None:
    jim = (await service.post("contacts", {**JIM, "id": KEY})).body["data"][0]
    assert (await service.delete("contacts", [KEY])).status == 200
    again = await service.post("contacts", {**JIM, "id": KEY})
    assert again.status == 201
    assert again.body["data"] == [jim]


async def test_a_batch_that_failed_at_commit_shows_the_same_at_its_id(service: Service) -> None:
    await service.post("contacts", JIM)
    reply = await service.post("contacts", [ANN, JIM])
    batch = (await service.get(f"batches/{reply.body['metadata']['batchId']}")).body["data"]
    assert batch["state"] == "failed"
    assert batch["failures"] == reply.body["failures"]
    assert batch["metadata"] == reply.body["metadata"]
    assert batch["response"]["status"] == 422
