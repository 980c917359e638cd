"""Matching, upserts, versions, strictness and dry runs, rule by rule."""

from typing import Any

import pytest

from tests.harness import Reply, Service
from tests.store.conflicting import (
    ID,
    IGNORE,
    LENIENT,
    MERGE,
    STRICT,
    contact,
    counts,
    store,
    versions,
)

BY_EMAIL, BY_NAME = {"matching": "email"}, {"matching": "first_name"}


def assert_partition(reply: Reply, failed: list[int], count: int) -> None:
    metadata = reply.body["metadata"]
    assert metadata["invalidItems"] == failed
    assert metadata["validItems"] == [index for index in range(count) if index not in failed]
    assert len(reply.body["failures"]) == len(failed)


# 4. matching


async def test_rule_4_matching_finds_by_a_unique_attribute_or_any_scalar(service: Service) -> None:
    await store(service, "contacts", contact(1), contact(2))
    reply = await service.patch("contacts", [{"email": "2@example.com", "age": 5}], params=BY_EMAIL)
    assert [item["id"] for item in reply.body["data"]] == [ID(2)]
    reply = await service.delete("contacts", ["Name 1"], params=BY_NAME)
    assert [item["id"] for item in reply.body["data"]] == [ID(1)]


async def test_rule_4_more_than_one_is_43501_and_nothing_else(service: Service) -> None:
    await store(
        service, "contacts", contact(1, first_name="Jo"), contact(2, first_name="Jo"), contact(3)
    )
    item = {"first_name": "Jo", "id": ID(3), "email": "2@example.com", "meta": {"version": 7}}
    for send in (service.patch, service.delete):
        reply = await send("contacts", [item], params=BY_NAME)
        assert reply.codes == {0: [(43501, "first_name")]}


async def test_rule_4_none_is_40403(service: Service) -> None:
    for send in (service.patch, service.delete):
        reply = await send("contacts", [{"first_name": "Nobody"}], params=BY_NAME)
        assert reply.codes == {0: [(40403, "first_name")]}


async def test_rule_4_a_field_that_does_not_exist_is_40002(service: Service) -> None:
    reply = await service.patch("contacts", [{"age": 5}], params={"matching": "nickname"})
    assert (reply.status, reply.error[0]) == (400, 40002)


# 5. upserts


async def test_rule_5_merge_creates_updates_and_leaves_unchanged(service: Service) -> None:
    await store(service, "contacts", contact(1, age=1, last_name="Doe"), contact(2))
    items = [contact(1, age=9), contact(3), contact(2)]
    reply = await service.post("contacts", items, prefer=MERGE)
    assert (reply.status, counts(reply)) == (201, (1, 1, 1, 0))
    assert reply.body["metadata"]["outcomes"] == ["updated", "created", "unchanged"]
    assert reply.body["data"][0]["last_name"] == "Doe"
    assert await versions(service, "contacts") == {ID(1): 2, ID(2): 1, ID(3): 1}


async def test_rule_5_ignore_leaves_what_exists_as_it_is(service: Service) -> None:
    await store(service, "contacts", contact(1))
    items = [contact(1, first_name="Other", email="o@example.com"), contact(2)]
    reply = await service.post("contacts", items, prefer=IGNORE)
    assert (reply.status, counts(reply)) == (201, (1, 0, 1, 0))
    assert [item["first_name"] for item in reply.body["data"]] == ["Name 1", "Name 2"]


async def test_rule_5_load_default_is_for_new_items_only(service: Service) -> None:
    await store(service, "bookings", {"id": ID(1), "room": "red", "slot": 1, "guest": "Ann"})
    items = [{"id": ID(1), "room": "red", "slot": 2}, {"id": ID(2), "room": "red", "slot": 1}]
    reply = await service.post("bookings", items, prefer=MERGE)
    assert [item["guest"] for item in reply.body["data"]] == ["Ann", "nobody"]


async def test_rule_5_items_are_validated_in_full(service: Service) -> None:
    await store(service, "contacts", contact(1))
    reply = await service.post("contacts", [{"id": ID(1), "age": 5}], prefer=MERGE)
    assert reply.codes == {0: [(42201, "email"), (42201, "first_name")]}


@pytest.mark.parametrize("prefer", [MERGE, IGNORE])
async def test_rule_5_only_the_target_merges(service: Service, prefer: str) -> None:
    await store(service, "contacts", contact(1), contact(2))
    reply = await service.post("contacts", [contact(3, email="1@example.com")], prefer=prefer)
    assert reply.codes == {0: [(40903, "email")]}


async def test_rule_5_merge_by_matching_keeps_the_stored_key(service: Service) -> None:
    await store(service, "contacts", contact(1))
    without_key = {"email": "1@example.com", "first_name": "New"}
    reply = await service.post("contacts", [without_key], prefer=MERGE, params=BY_EMAIL)
    assert (counts(reply), reply.body["data"][0]["id"]) == ((0, 1, 0, 0), ID(1))
    items = [contact(2, email="1@example.com"), contact(1, email="new@example.com")]
    reply = await service.post("contacts", items, prefer=MERGE, params=BY_EMAIL)
    assert reply.codes == {0: [(42210, "id")], 1: [(40903, "id")]}


@pytest.mark.parametrize(("item", "code"), [({}, 42201), ({"colour": None}, 42202)])
async def test_rule_5_a_matching_value_that_is_absent_or_null_finds_nothing(
    service: Service, item: dict[str, Any], code: int
) -> None:
    await store(service, "seats", {"code": "A"})  # its colour is the default one
    params = {"matching": "colour"}
    reply = await service.post("seats", [{"code": "B", **item}], prefer=MERGE, params=params)
    assert reply.codes == {0: [(code, "colour")]}


async def test_rule_5_an_upsert_may_take_what_another_item_gives_up(service: Service) -> None:
    await store(service, "contacts", contact(1))
    items = [contact(2, email="1@example.com"), contact(1, email="new@example.com")]
    reply = await service.post("contacts", items, prefer=MERGE)
    assert (reply.status, counts(reply)) == (201, (1, 1, 0, 0))


# 6. versions


async def test_rule_6_meta_goes_out_and_may_come_back(service: Service) -> None:
    await store(service, "contacts", contact(1))
    item = (await service.get(f"contacts/{ID(1)}", params={"select": "meta"})).body["data"]
    assert item["meta"]["version"] == 1
    changed = {"id": ID(1), "age": 5, "meta": item["meta"]}
    reply = await service.patch("contacts", [changed], params={"select": "meta"})
    assert reply.body["data"][0]["meta"]["version"] == 2
    assert (await service.patch("contacts", [changed])).codes == {0: [(41201, "meta.version")]}


@pytest.mark.parametrize(
    ("method", "prefer"), [("PATCH", ""), ("DELETE", ""), ("POST", MERGE), ("POST", IGNORE)]
)
async def test_rule_6_a_version_that_moved_on_or_of_nothing_is_41201(
    service: Service, method: str, prefer: str
) -> None:
    await store(service, "contacts", contact(1))
    items = [contact(1, meta={"version": 2}), contact(2, meta={"version": 1})]
    reply = await service.request(method, "/v1/contacts", items, prefer=prefer)
    assert reply.codes == {0: [(41201, "meta.version")], 1: [(41201, "meta.version")]}
    stale, gone = (failure["errors"][0]["description"] for failure in reply.body["failures"])
    assert "It is at version 1." in stale
    assert "Nothing is stored" in gone


@pytest.mark.parametrize(
    ("method", "prefer"), [("PATCH", ""), ("DELETE", ""), ("POST", MERGE), ("POST", IGNORE)]
)
async def test_rule_6_no_version_of_a_key_returns(
    service: Service, method: str, prefer: str
) -> None:
    """A client that knows an item of before it was deleted cannot mean the one of after."""
    known = set()
    for life in range(3):
        await store(service, "contacts", contact(1), contact(2))
        for age in range(2):
            await service.patch("contacts", [{"id": ID(1), "age": 10 * life + age}])
        now = await versions(service, "contacts")
        assert not known & set(now.values())
        for version in known:
            item = contact(1, meta={"version": version})
            reply = await service.request(method, "/v1/contacts", [item], prefer=prefer)
            assert reply.codes == {0: [(41201, "meta.version")]}
        known |= {*range(now[ID(2)], now[ID(1)] + 1)}
        await service.delete("contacts", [ID(1), ID(2)])
    await store(service, "contacts", contact(3))
    assert not known & set((await versions(service, "contacts")).values())


# 7. strict and lenient


async def test_rule_7_failures_of_both_kinds_are_in_the_order_of_the_request(
    service: Service,
) -> None:
    await store(service, "contacts", contact(1))
    items = [contact(1), contact(2), {"email": "x"}, contact(3), contact(3)]
    reply = await service.post("contacts", items, prefer=LENIENT)
    assert (reply.status, reply.body["result"]) == (207, "partial")
    assert_partition(reply, [0, 2, 4], 5)
    assert [failure["rawData"] for failure in reply.body["failures"]] == [
        items[index] for index in (0, 2, 4)
    ]
    assert reply.body["metadata"]["outcomes"] == ["created", "created"]


@pytest.mark.parametrize(("prefer", "count"), [(STRICT, 2), (LENIENT, 1)])
async def test_rule_7_nothing_is_saved_of_a_refused_batch(
    service: Service, prefer: str, count: int
) -> None:
    await store(service, "contacts", contact(1))
    items = [contact(1), contact(2)][:count]
    reply = await service.post("contacts", items, prefer=prefer)
    assert (reply.status, reply.body["result"]) == (422, "failure")
    assert_partition(reply, [0], count)
    assert await service.count("contacts") == 1


async def test_rule_7_who_needs_what_a_failed_item_would_give_up_fails_too(
    service: Service,
) -> None:
    await store(service, "contacts", *(contact(number) for number in range(1, 5)))
    chain = [{"id": ID(number), "email": f"{number + 1}@example.com"} for number in range(1, 4)]
    chain.append({"id": ID(4), "email": "new@example.com", "meta": {"version": 9}})
    reply = await service.patch("contacts", [*chain, {"id": ID(9)}], prefer=LENIENT)
    taken = [(40903, "email")]
    assert reply.codes == {
        0: taken,
        1: taken,
        2: taken,
        3: [(41201, "meta.version")],
        4: [(40403, "id")],
    }


async def test_rule_7_a_repeat_that_fails_strands_no_other(service: Service) -> None:
    await store(service, "contacts", contact(1), contact(2))
    items = [
        {"id": ID(1), "email": "a@example.com"},
        {"id": ID(1), "email": "b@example.com"},
        {"id": ID(2), "email": "1@example.com"},
    ]
    reply = await service.patch("contacts", items, prefer=LENIENT)
    assert reply.codes == {1: [(40904, "id")]}
    assert reply.body["metadata"]["outcomes"] == ["updated", "updated"]


# 8. dry runs


async def test_rule_8_a_dry_run_says_what_the_real_call_says_and_leaves_nothing(
    service: Service,
) -> None:
    await store(service, "contacts", contact(1), contact(5))
    items = [contact(1, age=5), contact(2), contact(3, email="5@example.com"), contact(4), None]
    prefer = f"{MERGE}, {LENIENT}"
    dry = await service.post(
        "contacts", items, prefer=prefer, params={"dryRun": "true"}, idempotency_key="k"
    )
    assert await service.count("contacts") == 2
    real = await service.post("contacts", items, prefer=prefer, idempotency_key="k")
    assert (dry.status, real.status) == (422, 207)
    assert dry.codes == real.codes == {2: [(40903, "email")], 4: [(42203, None)]}
    assert counts(dry) == counts(real) == (2, 1, 0, 0)
    assert "batchId" not in dry.body["metadata"]
    assert "data" not in dry.body


async def test_rule_8_a_dry_run_without_failures_is_200_for_every_method(
    service: Service,
) -> None:
    dry = {"dryRun": "true"}
    assert (await service.post("contacts", [contact(1)], params=dry)).status == 200
    await store(service, "contacts", contact(1))
    assert counts(await service.delete("contacts", [ID(1)], params=dry)) == (0, 0, 0, 1)
    assert await service.count("contacts") == 1


# Replacing


async def test_a_replaced_item_holds_what_was_sent_and_nothing_else(service: Service) -> None:
    await store(service, "contacts", contact(1, age=5, last_name="L"), contact(2, age=6))
    items = [contact(1, age=7), contact(2, age=6), contact(3)]
    for outcomes in (["updated", "unchanged", "created"], ["unchanged"] * 3):
        reply = await service.post("contacts", items, prefer="resolution=replace")
        assert reply.headers["Preference-Applied"] == "resolution=replace"
        assert reply.body["metadata"]["outcomes"] == outcomes, reply.body
    shown = (await service.get(f"contacts/{ID(1)}")).body["data"]
    assert (shown["age"], shown.get("last_name")) == (7, None)
    by_email = {"email": "2@example.com", "first_name": "New"}
    reply = await service.post("contacts", [by_email], params=BY_EMAIL, prefer="resolution=replace")
    assert reply.body["metadata"]["outcomes"] == ["updated"]
    shown = (await service.get(f"contacts/{ID(2)}")).body["data"]
    assert (shown["first_name"], shown.get("age")) == ("New", None)
