"""GET /v1/batches/{id}/digest: why the items of a batch failed."""

import json
from typing import Any

import pytest

from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.shared import READERS, send
from tests.harness import Service

CSV = (
    "title;value;currency;expected_on\n"
    "Bridge;1.200,50;EUR;24.12.2026\n"
    "Tunnel;7,25;EUR;\n"
    "Tower;12,5;EUR;03.04.2026\n"
)


async def rejected(service: Service, body: str = CSV, content_type: str = "text/csv") -> str:
    reply = await send(service, "deals", body, content_type=content_type)
    assert reply.status == 422, reply.body
    batch: str = reply.body["metadata"]["batchId"]
    return batch


async def digest_of(service: Service, batch: str, **headers: str) -> dict[str, Any]:
    reply = await service.get(f"batches/{batch}/digest", **headers)
    assert reply.status == 200, reply.body
    data: dict[str, Any] = reply.body["data"]
    return data


async def test_groups_causes_and_remedies_of_a_file(service: Service) -> None:
    batch = await rejected(service)
    reply = await service.get(f"batches/{batch}/digest")
    assert reply.body["result"] == "success"
    assert reply.body["message"] == (
        "3 of 3 items are invalid, for 2 reasons; there are 2 remedies"
    )
    data = reply.body["data"]
    assert {name: data[name] for name in data if name != "groups"} == {
        "batchId": batch,
        "collection": "deals",
        "action": "create",
        "state": "rejected",
        "receivedItemsCount": 3,
        "failedItemsCount": 3,
        "errorsCount": 5,
    }
    value, day = data["groups"]
    assert value["remedy"].pop("id").startswith("decimal_comma-")
    assert value == {
        "code": 42203,
        "name": "wrong_type",
        "type": "validation",
        "field": "value",
        "rule": "Not a valid number.",
        "count": 3,
        "share": 1.0,
        "indices": [0, 1, 2],
        "examples": ["1.200,50", "7,25", "12,5"],
        "cause": value["cause"],
        "remedy": {
            "transform": {"op": "decimal_comma", "field": "value"},
            "heals": 3,
            "leaves": 0,
            "before": {"value": "1.200,50"},
            "after": {"value": "1200.50"},
        },
    }
    assert (day["field"], day["count"], day["share"]) == ("expected_on", 2, 0.6667)
    assert day["remedy"]["transform"]["order"] == "DD/MM/YYYY"
    assert (await digest_of(service, batch))["groups"][0]["remedy"]["id"], "the same each time"


async def test_it_is_had_in_each_format_and_dialect(service: Service) -> None:
    batch = await rejected(service)
    data = await digest_of(service, batch)
    for dialect in ("collection", "hash", "status", "data", "rpc"):
        accept = f"application/json; dialect={dialect}"
        extension = ".json" if dialect in ("hash", "status") else ""
        path = f"batches/{batch}/digest{extension}"
        shown = await service.get(path, accept=accept)
        assert (shown.status, shown.body["data"]) == (200, data), dialect
    for media_type, read in READERS.items():
        headers = {"Authorization": f"Bearer {service.token}", "Accept": media_type}
        path = f"/v1/batches/{batch}/digest"
        async with service.client.get(path, headers=headers) as response:
            assert (response.status, response.content_type) == (200, media_type)
            assert read(await response.read())["data"] == data
    assert (await service.get(f"batches/{batch}/digest", accept="text/csv")).status == 406


async def test_a_batch_without_failures_has_no_groups(service: Service) -> None:
    saved = await service.post("deals", {"title": "A", "value": "1"})
    data = await digest_of(service, saved.body["metadata"]["batchId"])
    assert (data["groups"], data["failedItemsCount"], data["errorsCount"]) == ([], 0, 0)


async def test_what_only_the_database_finds_is_grouped(service: Service) -> None:
    item = {"email": "a@b.cd", "first_name": "A"}
    await service.post("contacts", item)
    reply = await service.post("contacts", [item, {**item, "email": "c@d.ef"}, {"age": "x"}])
    found = (await digest_of(service, reply.body["metadata"]["batchId"]))["groups"]
    assert [(each["code"], each["field"], each["indices"]) for each in found] == [
        (40903, "email", [0]),
        (42201, "email", [2]),
        (42201, "first_name", [2]),
        (42203, "age", [2]),
    ]
    assert "cause" not in found[0]


async def test_a_patch_is_proven_as_a_patch(service: Service) -> None:
    saved = await service.post("deals", {"title": "A", "value": "1"})
    key = saved.body["data"][0]["id"]
    reply = await service.patch("deals", [{"id": key, "value": "2,5"}])
    [group] = (await digest_of(service, reply.body["metadata"]["batchId"]))["groups"]
    assert group["remedy"]["heals"] == 1


async def test_others_see_no_secret_of_the_sender(service: Service, operator: Pool) -> None:
    """`load_only` values are shown to their sender alone, here as in failures."""
    items = [{"code": 1, "secret": 12345, "decimal": "1,5"}]
    reply = await service.post("everything", items)
    batch = reply.body["metadata"]["batchId"]
    own = await digest_of(service, batch)
    assert "12345" in json.dumps(own)
    _, token = await create_token(operator, "acme", "another")
    seen = await digest_of(Service(service.client, token), batch)
    assert "12345" not in json.dumps(seen)
    assert [each["count"] for each in seen["groups"]] == [1, 1]


async def test_no_cause_leads_to_a_collection_that_is_closed(
    service: Service, operator: Pool
) -> None:
    deal = {"title": "A", "value": "1"}
    open_ = await service.post("contacts", [deal])
    groups = (await digest_of(service, open_.body["metadata"]["batchId"]))["groups"]
    assert {each["cause"]["collection"] for each in groups} == {"deals"}
    await _role(operator, "contacts_only")
    _, token = await create_token(operator, "acme", "confined", role="contacts_only")
    confined = Service(service.client, token)
    closed = await confined.post("contacts", [deal])
    groups = (await digest_of(confined, closed.body["metadata"]["batchId"]))["groups"]
    assert all("cause" not in each for each in groups)


async def _role(operator: Pool, name: str) -> None:
    async with operator.connection() as connection:
        await connection.execute("INSERT INTO ingest.roles (name) VALUES ($1)", name)
        await connection.execute(
            "INSERT INTO ingest.role_rights (role, collection, rights) VALUES ($1, $2, $3)",
            name,
            "contacts",
            ["create", "read"],
        )


@pytest.mark.parametrize("batch", ["x", "0193f1a0-0000-7000-8000-000000000000"])
async def test_a_batch_that_is_not_there(api: Service, batch: str) -> None:
    reply = await api.get(f"batches/{batch}/digest")
    assert (reply.status, reply.error) == (404, (40404, "unknown_batch"))


async def test_counts_are_exact_over_many_pages(service: Service) -> None:
    lines = [{"title": f"T{index}", "value": f"{index},5"} for index in range(1_203)]
    lines[700] = {"title": "T", "value": "x" * 300}
    batch = await rejected(
        service, "\n".join(map(json.dumps, lines)), content_type="application/x-ndjson"
    )
    [group] = (await digest_of(service, batch))["groups"]
    assert (group["count"], group["indices"]) == (1_203, [*range(20)])
    assert (group["remedy"]["heals"], group["remedy"]["leaves"]) == (1_202, 1)


async def test_names_without_end_are_counted_together(service: Service) -> None:
    items = [{"title": "T", "value": 1, f"unknown {index}": index} for index in range(2_100)]
    reply = await service.post("deals", items)
    data = await digest_of(service, reply.body["metadata"]["batchId"])
    assert (data["failedItemsCount"], data["errorsCount"]) == (2_100, 2_100)
    assert len(data["groups"]) == 100
    assert data["others"] == {"groups": 1_900, "count": 1_900, "errors": 100}
