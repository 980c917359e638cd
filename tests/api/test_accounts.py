"""One account sees nothing of another's (contract 2)."""

from ingest.store.pool import Pool
from tests.api.shared import ANN, JIM, stored
from tests.api.test_writes import FRA
from tests.harness import Service


async def test_items_and_batches_of_another_account_are_unseen(
    service: Service, rival: Service, operator: Pool
) -> None:
    saved = await service.post("contacts", JIM, idempotency_key="same")
    key, batch = saved.body["data"][0]["id"], saved.body["metadata"]["batchId"]
    assert (await rival.get(f"contacts/{key}")).error == (40403, "item_not_found")
    assert (await rival.get(f"batches/{batch}")).error == (40404, "unknown_batch")
    assert await rival.count("contacts") == 0
    assert (await rival.get("contacts", params={"email": JIM["email"]})).body["data"] == []
    assert (await rival.patch("contacts", {"id": key, "age": 1})).codes == {0: [(40403, "id")]}
    assert (await rival.delete("contacts", [key])).codes == {0: [(40403, "id")]}
    assert "age" not in (await service.get(f"contacts/{key}")).body["data"]

    # Keys, unique attributes and idempotency keys are each account's own.
    mine = await rival.post("contacts", {**JIM, "id": key}, idempotency_key="same")
    assert mine.status == 201
    assert await stored(operator, "collections.contacts") == 2
    assert await service.count("contacts") == await rival.count("contacts") == 1
    assert (await rival.delete("contacts", [key])).status == 200
    assert (await service.get(f"contacts/{key}")).status == 200


async def test_a_schema_key_is_each_accounts_own(service: Service, rival: Service) -> None:
    assert (await service.post("airports", FRA)).status == 201
    assert (await rival.post("airports", {**FRA, "name": "Theirs"})).status == 201
    assert (await service.get("airports/FRA")).body["data"]["name"] == "Frankfurt"
    assert (await rival.get("airports/FRA")).body["data"]["name"] == "Theirs"


async def test_another_accounts_idempotency_key_tells_nothing(
    service: Service, rival: Service
) -> None:
    await service.post("contacts", JIM, idempotency_key="k")
    other = await rival.post("contacts", ANN, idempotency_key="k")
    assert other.status == 201
