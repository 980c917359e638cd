"""Conflicts, PATCH and DELETE, rule by rule: which item fails, at which field, under which code."""

import pytest

from tests.harness import Service
from tests.store.conflicting import ID, IGNORE, LENIENT, MERGE, contact, store, versions

# 1. conflicts


async def test_rule_1_a_taken_key_and_a_taken_unique_attribute_are_40903(service: Service) -> None:
    await store(service, "contacts", contact(1), contact(2))
    reply = await service.post(
        "contacts", [contact(1, email="new@example.com"), contact(3, email="2@example.com")]
    )
    assert reply.status == 422
    assert reply.codes == {0: [(40903, "id")], 1: [(40903, "email")]}


async def test_rule_1_every_conflict_of_an_item_is_named(service: Service) -> None:
    await store(service, "contacts", contact(1), contact(2))
    reply = await service.post("contacts", [contact(1, email="2@example.com")])
    assert reply.codes == {0: [(40903, "id"), (40903, "email")]}


async def test_rule_1_a_tuple_is_named_with_commas(service: Service) -> None:
    await store(service, "bookings", {"room": "red", "slot": 1})
    reply = await service.post("bookings", [{"room": "red", "slot": 2}, {"room": "red", "slot": 1}])
    assert reply.codes == {1: [(40903, "room,slot")]}


async def test_rule_1_nulls_never_collide(service: Service) -> None:
    half = {"badge": None, "row": "front", "place": None}
    await store(service, "seats", {"code": "A", **half}, {"code": "B", **half})
    reply = await service.post("seats", [{"code": "C", **half}])
    assert reply.status == 201
    reply = await service.patch("seats", [{"code": "A", "row": None}, {"code": "B", "row": None}])
    assert reply.status == 200


@pytest.mark.parametrize("prefer", ["", MERGE, IGNORE])
async def test_rule_1_the_later_of_two_is_40904_under_every_resolution(
    service: Service, prefer: str
) -> None:
    items = [contact(1), contact(2), contact(3, email="1@example.com"), contact(2, email="x@y.io")]
    reply = await service.post("contacts", items, prefer=prefer)
    assert reply.codes == {2: [(40904, "email")], 3: [(40904, "id")]}
    descriptions = [failure["errors"][0]["description"] for failure in reply.body["failures"]]
    assert descriptions[0].startswith("Item 0 ")
    assert descriptions[1].startswith("Item 1 ")


async def test_rule_1_40904_does_not_ask_what_becomes_of_the_first(service: Service) -> None:
    """In a strict batch, which is mended as a whole; in a lenient one the second is saved."""
    await store(service, "contacts", contact(1))
    items = [contact(1, email="new@example.com"), contact(2, email="new@example.com")]
    reply = await service.post("contacts", items)
    assert reply.codes == {0: [(40903, "id")], 1: [(40904, "email")]}
    reply = await service.post("contacts", items, prefer=LENIENT)
    assert reply.codes == {0: [(40903, "id")]}


async def test_rule_1_an_invalid_item_repeats_nothing(service: Service) -> None:
    items = [{**contact(1), "first_name": None}, contact(1)]
    reply = await service.post("contacts", items, prefer=LENIENT)
    assert reply.codes == {0: [(42202, "first_name")]}


async def test_rule_1_40904_is_named_instead_of_what_is_stored(service: Service) -> None:
    await store(service, "contacts", contact(1))
    reply = await service.post("contacts", [contact(1), contact(1)])
    assert reply.codes == {0: [(40903, "id")], 1: [(40904, "id"), (40904, "email")]}


async def test_rule_1_the_same_matching_value_twice_is_40904(service: Service) -> None:
    await store(service, "contacts", contact(1))
    items = [{"email": "1@example.com", "age": age} for age in (1, 2)]
    reply = await service.patch("contacts", items, params={"matching": "email"})
    assert reply.codes == {1: [(40904, "email")]}


async def test_rule_1_the_same_key_twice_is_40904_beside_matching(service: Service) -> None:
    await store(service, "contacts", contact(1), contact(2))
    items = [{"email": "1@example.com", "id": ID(1)}, {"email": "2@example.com", "id": ID(1)}]
    reply = await service.patch("contacts", items, params={"matching": "email"})
    assert reply.codes == {1: [(40904, "id")]}


async def test_rule_1_values_that_are_equal_in_the_database_are_the_same(service: Service) -> None:
    moments = ["2026-01-01T12:00:00+00:00", "2026-01-01T13:00:00+01:00"]
    await store(service, "everything", {"code": 1, "moment": moments[0]})
    reply = await service.patch(
        "everything", [{"moment": moment} for moment in moments], params={"matching": "moment"}
    )
    assert reply.codes == {1: [(40904, "moment")]}


async def test_rule_1_two_sparse_items_that_would_leave_one_tuple_are_40904(
    service: Service,
) -> None:
    await store(
        service,
        "bookings",
        {"id": ID(1), "room": "red", "slot": 1},
        {"id": ID(2), "room": "blue", "slot": 2},
    )
    items = [{"id": ID(1), "slot": 3}, {"id": ID(2), "room": "red", "slot": 3}]
    reply = await service.patch("bookings", items, prefer=LENIENT)
    assert reply.codes == {1: [(40904, "room,slot")]}


async def test_rule_1_an_item_that_does_not_touch_a_value_repeats_none(service: Service) -> None:
    await store(service, "contacts", contact(1), contact(2))
    items = [{"id": ID(2), "email": "1@example.com"}, {"id": ID(1), "age": 5}]
    reply = await service.patch("contacts", items, prefer=LENIENT)
    assert reply.codes == {0: [(40903, "email")]}
    assert reply.body["metadata"]["outcomes"] == ["updated"]


# 2. PATCH


async def test_rule_2_patch_changes_only_what_an_item_carries(service: Service) -> None:
    await store(service, "contacts", contact(1, last_name="Doe", age=30))
    reply = await service.patch("contacts", [{"id": ID(1), "last_name": None}])
    assert reply.status == 200
    assert reply.body["metadata"]["outcomes"] == ["updated"]
    [item] = reply.body["data"]
    assert (item["last_name"], item["age"], item["first_name"]) == (None, 30, "Name 1")


async def test_rule_2_patch_does_not_apply_load_default(service: Service) -> None:
    await store(service, "bookings", {"id": ID(1), "room": "red", "slot": 1, "guest": "Ann"})
    reply = await service.patch("bookings", [{"id": ID(1), "slot": 2}])
    assert reply.body["data"][0]["guest"] == "Ann"


async def test_rule_2_a_nested_value_is_replaced_whole_and_validated_in_full(
    service: Service,
) -> None:
    await store(service, "everything", {"code": 1, "address": {"city": "Ulm", "zip": "89073"}})
    reply = await service.patch("everything", [{"code": 1, "address": {"zip": "89075"}}])
    assert reply.codes == {0: [(42201, "address.city")]}
    reply = await service.patch("everything", [{"code": 1, "address": {"city": "Ulm"}}])
    assert reply.body["data"][0]["address"] == {"city": "Ulm"}


async def test_rule_2_with_matching_a_differing_key_is_42210(service: Service) -> None:
    await store(service, "contacts", contact(1))
    items = [{"email": "1@example.com", "id": ID(2)}]
    reply = await service.patch("contacts", items, params={"matching": "email"})
    assert reply.codes == {0: [(42210, "id")]}


async def test_rule_2_a_missing_key_is_42201_and_an_unknown_one_40403(service: Service) -> None:
    reply = await service.patch("contacts", [{"age": 5}])
    assert reply.codes == {0: [(42201, "id")]}
    reply = await service.patch("contacts", [{"id": ID(1), "age": 5}])
    assert reply.codes == {0: [(40403, "id")]}


async def test_rule_2_a_key_that_is_there_is_not_missed_beside_other_errors(
    service: Service,
) -> None:
    reply = await service.patch("contacts", [{"id": ID(1), "first_name": 7}])
    assert reply.codes == {0: [(42203, "first_name")]}


async def test_rule_2_updated_and_unchanged_are_counted_apart(service: Service) -> None:
    await store(service, "contacts", contact(1, age=1), contact(2, age=2))
    reply = await service.patch("contacts", [{"id": ID(1), "age": 9}, {"id": ID(2), "age": 2}])
    metadata = reply.body["metadata"]
    assert (metadata["updated"], metadata["unchanged"]) == (1, 1)
    assert metadata["outcomes"] == ["updated", "unchanged"]
    assert await versions(service, "contacts") == {ID(1): 2, ID(2): 1}


async def test_rule_2_two_items_may_swap_their_unique_values(service: Service) -> None:
    await store(service, "contacts", contact(1), contact(2), contact(3))
    items = [{"id": ID(1), "email": "2@example.com"}, {"id": ID(2), "email": "1@example.com"}]
    reply = await service.patch("contacts", items)
    assert (reply.status, reply.body["metadata"]["updated"]) == (200, 2)
    reply = await service.patch("contacts", [{"id": ID(1), "email": "3@example.com"}])
    assert reply.codes == {0: [(40903, "email")]}


# 3. DELETE


async def test_rule_3_delete_takes_bare_keys_and_objects_and_shows_what_is_gone(
    service: Service,
) -> None:
    await store(service, "contacts", contact(1), contact(2), contact(3))
    items = [ID(1), {"id": ID(2), "email": 7, "nonsense": True}]
    reply = await service.delete("contacts", items)
    assert (reply.status, reply.body["metadata"]["deleted"]) == (200, 2)
    assert [item["email"] for item in reply.body["data"]] == ["1@example.com", "2@example.com"]
    assert await service.count("contacts") == 1


async def test_rule_3_an_unknown_key_is_40403_and_a_repeated_one_40904(service: Service) -> None:
    await store(service, "contacts", contact(1))
    reply = await service.delete("contacts", [ID(1), ID(9), ID(1), ID(9)])
    assert reply.codes == {1: [(40403, "id")], 2: [(40904, "id")], 3: [(40904, "id")]}
    assert await service.count("contacts") == 1


# NULL items and the raw form of failed items


async def test_an_item_that_is_null_is_named_like_any_other(service: Service) -> None:
    reply = await service.post("contacts", [contact(1), None], prefer=LENIENT)
    assert (reply.status, reply.codes) == (207, {1: [(42203, None)]})
    assert reply.body["failures"][0]["rawData"] is None


async def test_raw_data_of_a_conflict_is_the_item_as_it_was_received(service: Service) -> None:
    sent = [
        {"code": 1, "integer": "5", "boolean": "true", "float": 2, "decimal": "1.50"},
        {"code": 2, "uuid": "0191E5A0-0000-7000-8000-000000000001", "scores": {"b": 1, "a": 2}},
    ]
    await store(service, "everything", *sent)
    reply = await service.post("everything", sent)
    assert [failure["rawData"] for failure in reply.body["failures"]] == sent


async def test_raw_data_of_a_conflict_has_no_load_default(service: Service) -> None:
    sent = {"room": "red", "slot": 1}
    await store(service, "bookings", sent)
    reply = await service.post("bookings", [sent])
    assert [failure["rawData"] for failure in reply.body["failures"]] == [sent]
