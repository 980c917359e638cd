"""`rawData` is the item as it was sent, wherever its failure was found (contract 2, Responses)."""

import asyncio
from decimal import Decimal
from typing import Any

from ingest.exactjson import dump_exact, load_exact
from ingest.store.pool import Pool
from tests.api.shared import JIM, send, stored
from tests.harness import Reply, Service
from tests.waiting import finished

MANY = Decimal("123456789012345678901234567890.123456789012345678901234567891")


async def _taken(service: Service, collection: str, first: Any, again: Any) -> Reply:
    """The answer to `again`, which has the key or a unique attribute of `first`."""
    saved = await service.post(collection, first)
    assert saved.status == 201, saved.body
    reply = await send(service, collection, dump_exact([again]))
    assert reply.status == 422, reply.body
    assert reply.codes[0][0][0] == 40903
    return reply


async def _raw(service: Service, reply: Reply) -> Any:
    """The only `rawData` of a batch, its numbers exact."""
    headers = {"Authorization": f"Bearer {service.token}"}
    path = f"/v1/batches/{reply.body['metadata']['batchId']}"
    async with service.client.get(path, headers=headers) as response:
        batch = load_exact(await response.read())["data"]
    (failure,) = batch["failures"]
    return failure["rawData"]


CONVERTED = {
    "integer": "42",
    "float": "1.5",
    "decimal": "2.50",
    "boolean": "True",
    "uuid": "0191D7A0-0000-7000-8000-00000000ABCD",
    "moment": "2026-11-22T12:00:00+02:00",
    "naive": "2026-11-22 10:00",
    "aware": "2026-11-22 12:00:00+0200",
    "date": "20261122",
    "time": "10:00",
    "ip": "2001:DB8:0:0::1",
    "by_name": "red",
    "by_value": 1,
    "address": {"city": "Rome"},
    "scores": {"a": "1"},
    "pair": ["x", "7"],
    "anything": {"b": 1, "a": [1.0, 1]},
    "secret": "s3cret",
    "renamed": "Jim",
    "the text": None,
}


async def test_converted_values_are_shown_as_they_were_sent(service: Service) -> None:
    for number, (name, value) in enumerate(CONVERTED.items()):
        item = {"code": number, name: value}
        reply = await _taken(service, "everything", {"code": number}, item)
        raw = await _raw(service, reply)
        assert raw == item, name
        assert type(raw[name]) is type(value), name
        assert reply.body["failures"][0]["rawData"] == item, name


async def test_other_spellings_of_a_number(service: Service) -> None:
    for number, (name, value) in enumerate([("boolean", 1), ("boolean", "on"), ("float", 3)]):
        item = {"code": number, name: value}
        raw = await _raw(service, await _taken(service, "everything", {"code": number}, item))
        assert raw == item
        assert type(raw[name]) is type(value), (name, value)


async def test_digits_are_kept(service: Service) -> None:
    item = {"code": 1, "decimal": MANY, "anything": {"deep": [MANY]}}
    reply = await _taken(service, "everything", {"code": 1}, item)
    assert await _raw(service, reply) == item


async def test_defaults_and_made_keys_are_not_shown(service: Service) -> None:
    item = {"room": "a", "slot": 1}
    assert await _raw(service, await _taken(service, "bookings", item, item)) == item
    assert await _raw(service, await _taken(service, "contacts", JIM, JIM)) == JIM
    seat = {"code": "a"}
    assert await _raw(service, await _taken(service, "seats", seat, seat)) == seat


async def test_what_a_schema_ignores_or_keeps_is_shown(service: Service) -> None:
    person = {"name": "Jo", "born": "2000-01-01", "huh": {"a": [None]}}
    assert await _raw(service, await _taken(service, "people", {"name": "Jo"}, person)) == person
    open_item = {"name": "Jo", "huh": 2**40, "and": {"so": "on"}}
    raw = await _raw(service, await _taken(service, "loose", {"name": "Jo"}, open_item))
    assert raw == open_item


async def test_nul_characters_are_shown_where_they_were_sent(
    service: Service, operator: Pool
) -> None:
    items = [{"code": 1, "the text": "a\0b"}, {"code": 2, "anything": {"k\0": ["\0"]}}]
    reply = await service.post("everything", items)
    assert reply.status == 422
    assert {index: errors[0][0] for index, errors in reply.codes.items()} == {0: 42209, 1: 42209}
    assert [failure["rawData"] for failure in reply.body["failures"]] == items
    batch = await service.get(f"batches/{reply.body['metadata']['batchId']}")
    assert [failure["rawData"] for failure in batch.body["data"]["failures"]] == items
    assert await stored(operator, "collections.everything") == 0


async def test_an_unknown_field_with_a_nul_in_its_name_is_named(api: Service) -> None:
    item = {**JIM, "a\0b": 1}
    reply = await api.post("contacts", item)
    assert reply.codes == {0: [(42208, "a\0b")]}
    assert reply.body["failures"][0]["rawData"] == item


async def test_nul_characters_in_an_ignored_field_of_a_conflict(service: Service) -> None:
    item = {"name": "Jo", "ignored": "a\0b"}
    reply = await _taken(service, "people", {"name": "Jo"}, item)
    assert await _raw(service, reply) == item


async def test_patch_and_delete_show_what_they_were_sent(service: Service) -> None:
    for method, item in (
        ("PATCH", {"code": 7, "integer": "1", "anything": None}),
        ("DELETE", {"code": 7, "integer": "1", "unknown": []}),
    ):
        reply = await service.request(method, "/v1/everything", [item])
        assert reply.codes == {0: [(40403, "code")]}
        assert await _raw(service, reply) == item
    bare = await service.delete("people", ["nobody"])
    assert await _raw(service, bare) == "nobody"


async def test_every_bad_item_is_shown_after_a_202(service: Service) -> None:
    items = [{"room": "a", "slot": number} for number in range(3)]
    assert (await service.post("bookings", items)).status == 201
    again = [{**item, "guest": "me"} if item["slot"] == 1 else item for item in items]
    reply = await service.post(
        "bookings", [*again, {"room": "b", "slot": 1}], prefer="respond-async"
    )
    assert reply.status == 202
    async with asyncio.timeout(60):
        batch = await finished(service, reply.headers["Location"])
    assert batch["state"] == "failed"
    assert [failure["rawData"] for failure in batch["failures"]] == again
    assert batch["metadata"]["invalidItems"] == [0, 1, 2]
    assert batch["metadata"]["validItems"] == [3]
