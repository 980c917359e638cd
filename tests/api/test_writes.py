"""POST, PATCH, DELETE and POST …:delete (contract 2, Endpoints)."""

import uuid

import pytest

from ingest.store.pool import Pool
from tests.api.shared import ANN, JIM, exchange, head, stored
from tests.harness import Service

UNKNOWN = "01960000-0000-7000-8000-000000000000"
FRA = {
    "iata": "FRA",
    "name": "Frankfurt",
    "country": "Germany",
    "latitude": 50.03,
    "longitude": 8.57,
}


async def test_the_server_makes_a_version_7_key_and_a_client_may(service: Service) -> None:
    mine = "0191d7a0-0000-7000-8000-00000000abcd"
    reply = await service.post("contacts", [JIM, {**ANN, "id": mine}])
    made, given = (item["id"] for item in reply.body["data"])
    assert uuid.UUID(made).version == 7
    assert given == mine
    assert (await service.get(f"contacts/{mine}")).body["data"]["email"] == ANN["email"]


async def test_a_key_that_cannot_be_one_is_a_failure_of_its_item(api: Service) -> None:
    keys = [(None, 42202), ("not a uuid", 42204), (5, 42203), ([], 42203), ("FRA\0", 42204)]
    for method in ("POST", "PATCH", "DELETE"):
        items = [{**JIM, "id": key} for key, _ in keys]
        reply = await api.request(method, "/v1/contacts", items)
        assert reply.status == 422, method
        assert reply.codes == {n: [(code, "id")] for n, (_, code) in enumerate(keys)}, method


async def test_a_bad_key_and_bad_fields_are_named_together(api: Service) -> None:
    reply = await api.post("contacts", [{"id": "x", "email": "x", "first_name": "Jim"}])
    assert sorted(reply.codes[0]) == [(42204, "email"), (42204, "id")]


async def test_a_schema_field_as_key(service: Service) -> None:
    reply = await service.post("airports", FRA)
    assert reply.status == 201
    assert reply.body["data"] == [{**FRA, "city": None, "state": None}]
    missing = await service.post("airports", {**FRA, "iata": None})
    assert missing.codes == {0: [(42202, "iata")]}


async def test_patch_changes_the_fields_that_it_carries(service: Service) -> None:
    posted = await service.post("contacts", [JIM, {**ANN, "last_name": "Lee"}])
    jim, ann = (item["id"] for item in posted.body["data"])
    reply = await service.patch(
        "contacts", [{"id": ann, "last_name": None, "tags": []}, {"id": jim, "age": 7}]
    )
    assert reply.status == 200
    first, second = reply.body["data"]
    assert (first["last_name"], first["tags"], first["age"]) == (None, [], 41)
    assert (second["age"], second["first_name"]) == (7, "Jim")
    assert reply.body["metadata"]["outcomes"] == ["updated", "updated"]
    assert (await service.get(f"contacts/{ann}")).body["data"] == first


async def test_patch_says_what_it_left_as_it_was(service: Service) -> None:
    posted = await service.post("contacts", [JIM, ANN])
    jim, ann = (item["id"] for item in posted.body["data"])
    reply = await service.patch("contacts", [{"id": jim}, {"id": ann, "age": 41}])
    assert reply.body["metadata"]["outcomes"] == ["unchanged", "unchanged"]
    assert (reply.body["metadata"]["updated"], reply.body["metadata"]["unchanged"]) == (0, 2)
    assert [item["id"] for item in reply.body["data"]] == [jim, ann]


async def test_patch_validates_what_it_carries_and_nothing_else(service: Service) -> None:
    jim = (await service.post("contacts", JIM)).body["data"][0]["id"]
    reply = await service.patch(
        "contacts",
        [{"id": jim, "age": 200}, {"first_name": "Al"}, {"id": jim, "first_name": None, "no": 1}],
    )
    assert reply.status == 422
    assert {index: sorted(errors) for index, errors in reply.codes.items()} == {
        0: [(42205, "age")],
        1: [(42201, "id")],
        2: [(42202, "first_name"), (42208, "no")],
    }


async def test_patch_applies_no_default(service: Service) -> None:
    posted = await service.post("deals", {"title": "One", "value": "5", "currency": "USD"})
    key = posted.body["data"][0]["id"]
    reply = await service.patch("deals", {"id": key, "title": "Two"})
    assert reply.body["data"][0]["currency"] == "USD"
    assert reply.body["data"][0]["title"] == "Two"


async def test_patch_replaces_a_nested_value_whole_and_validates_it_in_full(
    service: Service,
) -> None:
    await service.post("everything", {"code": 1, "address": {"city": "Rome", "zip": "12345"}})
    bad = await service.patch("everything", {"code": 1, "address": {"zip": "54321"}})
    assert bad.codes == {0: [(42201, "address.city")]}
    good = await service.patch("everything", {"code": 1, "address": {"city": "Oslo"}})
    assert good.body["data"][0]["address"] == {"city": "Oslo"}


async def test_an_unknown_key_is_named_and_nothing_is_changed(
    service: Service, operator: Pool
) -> None:
    jim = (await service.post("contacts", JIM)).body["data"][0]["id"]
    patched = await service.patch("contacts", [{"id": jim, "age": 9}, {"id": UNKNOWN, "age": 9}])
    deleted = await service.delete("contacts", [jim, UNKNOWN])
    for reply in (patched, deleted):
        assert reply.status == 422
        assert reply.codes == {1: [(40403, "id")]}
        assert reply.body["metadata"]["validItems"] == [0]
        assert reply.body["failures"][0]["errors"][0]["type"] == "content"
    assert "age" not in (await service.get(f"contacts/{jim}")).body["data"]
    assert await stored(operator, "collections.contacts") == 1


@pytest.mark.parametrize("way", ["DELETE /v1/airports", "POST /v1/airports:delete"])
async def test_delete_takes_bare_keys_and_objects(
    service: Service, operator: Pool, way: str
) -> None:
    codes = ["FRA", "JFK", "OSL", "LHR"]
    await service.post("airports", [{**FRA, "iata": code} for code in codes])
    method, path = way.split()
    reply = await service.request(
        method, path, ["OSL", {"iata": "FRA"}, {"iata": "JFK", "name": 5, "unheard": ["of"]}]
    )
    assert (reply.status, reply.body["result"]) == (200, "success")
    assert [item["iata"] for item in reply.body["data"]] == ["OSL", "FRA", "JFK"]
    assert reply.body["data"][0]["name"] == "Frankfurt"
    assert await stored(operator, "collections.airports") == 1
    assert (await service.get("airports/FRA")).status == 404
    assert await service.count("airports") == 1


async def test_delete_names_what_is_no_key(api: Service) -> None:
    reply = await api.delete("everything", [None, {}, "five", {"code": None}, [1], True])
    assert reply.codes == {
        0: [(42202, "code")],
        1: [(42201, "code")],
        2: [(42203, "code")],
        3: [(42202, "code")],
        4: [(42203, "code")],
        5: [(42203, "code")],
    }
    raw = [failure["rawData"] for failure in reply.body["failures"]]
    assert raw == [None, {}, "five", {"code": None}, [1], True]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
async def test_no_body_at_all_is_an_error_and_never_everything(
    service: Service, operator: Pool, method: str
) -> None:
    await service.post("contacts", JIM)
    for line, body in (
        ("X-No: body", b""),
        ("Content-Length: 0", b""),
        ("Content-Length: 3", b" \n "),
    ):
        request = head(service, line, "Connection: close", method=method) + body
        reply = await exchange(service, request)
        assert (reply.status, reply.error) == (400, (40001, "malformed_body")), line
    assert await stored(operator, "collections.contacts") == 1


async def test_delete_with_no_body_on_the_other_path(api: Service) -> None:
    reply = await exchange(api, head(api, "Content-Length: 0", path="/v1/contacts:delete"))
    assert reply.error == (40001, "malformed_body")
    unknown = await api.request("POST", "/v1/nothing:delete", [])
    assert unknown.error == (40402, "unknown_collection")


async def test_elements_that_are_no_objects_are_failures_of_their_own(api: Service) -> None:
    items = [JIM, None, "x", 5, 1.5, True, [JIM], []]
    for method in ("POST", "PATCH"):
        reply = await api.request(method, "/v1/contacts", items[1:])
        assert reply.status == 422
        assert reply.codes == {index: [(42203, None)] for index in range(7)}
        assert [failure["rawData"] for failure in reply.body["failures"]] == items[1:]


async def test_rows_remember_their_batch_and_version(service: Service, operator: Pool) -> None:
    first = (await service.post("airports", FRA)).body["metadata"]["batchId"]
    query = 'SELECT "$account", "$batch"::text, "$version", "$created_at", "$updated_at" FROM {}'
    async with operator.connection() as connection:
        row = await connection.fetchrow(query.format("collections.airports"))
        assert (row["$account"], row["$batch"], row["$version"]) == ("acme", first, 1)
        assert row["$created_at"] == row["$updated_at"]
        second = await service.patch("airports", {"iata": "FRA", "city": "Frankfurt"})
        later = await connection.fetchrow(query.format("collections.airports"))
    assert later["$batch"] == second.body["metadata"]["batchId"]
    assert later["$version"] == 2
    assert later["$created_at"] == row["$created_at"] < later["$updated_at"]
