"""From loaded items to records, and back to the item as it was received."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
import pytest
from marshmallow import INCLUDE, Schema, fields, post_load, pre_load

from ingest import Resource
from ingest.examples import contacts
from ingest.model import Action, Chunk, Options
from ingest.resources.conversion import MAX_INDEXED_BYTES
from ingest.resources.records import InvalidItem, restore
from ingest.validation.items import ItemValidator
from tests.harness import bookings, everything, loose, people
from tests.staged import chunk_of, valid_of

JIM = {"email": "jim@example.com", "first_name": "Jim"}
KEY = "0191d7a0-0000-7000-8000-00000000abcd"


def record(
    resource: Resource, item: Any, action: Action = Action.CREATE
) -> tuple[Mapping[str, Any], bool]:
    """The record as the database reads it, and whether it tells the raw item."""
    written, restorable = ItemValidator(resource, action, Options()).check(3, item)
    return orjson.loads(orjson.dumps(written)), restorable


def codes(resource: Resource, item: Any, action: Action = Action.CREATE) -> list[tuple[int, Any]]:
    with pytest.raises(InvalidItem) as raised:
        ItemValidator(resource, action, Options()).check(0, item)
    return [(error.code.code, error.field) for error in raised.value.errors]


def taken_in(resource: Resource, items: list[Any], action: Action = Action.CREATE) -> Chunk:
    return chunk_of(ItemValidator(resource, action, Options()), items)


def test_a_record_has_the_index_and_columns_by_name() -> None:
    written, restorable = record(everything, {"code": 1, "the text": "x", "secret": "y"})
    assert written == {"$i": 3, "code": 1, "text": "x", "secret": "y"}
    assert restorable


def test_fields_with_odd_names_have_columns_of_their_own() -> None:
    item = {"code": 1, "xmin": 5, "$account": "a", "renamed": "r", "n" * 80: "n"}
    written, restorable = record(everything, item)
    assert {"$$xmin", "$$$account", "renamed"} < set(written)
    assert max(len(name.encode()) for name in written) <= 63
    assert restorable
    assert restore(everything, written) == item


def test_a_made_key_is_in_the_record_and_not_in_the_raw_item() -> None:
    written, restorable = record(contacts, JIM)
    assert UUID(written["id"]).version == 7
    assert "$key" not in written
    assert restorable
    assert restore(contacts, written) == JIM


def test_a_key_of_the_client_is_marked() -> None:
    written, restorable = record(contacts, {**JIM, "id": KEY})
    assert (written["id"], written["$key"]) == (KEY, True)
    assert restorable
    assert restore(contacts, written) == {**JIM, "id": KEY}


def test_a_sparse_write_says_what_it_carries() -> None:
    fields_ = [field.column for field in contacts.fields]
    for item in ({"id": KEY, "last_name": None}, {"id": KEY, "tags": [], "email": "a@example.com"}):
        bits = record(contacts, item, Action.UPDATE)[0]["$set"]
        carried = [name for name, bit in zip(fields_, bits, strict=True) if bit == "1"]
        assert sorted(carried) == sorted(item)
    assert "$set" not in record(contacts, JIM)[0]


def test_a_delete_reads_the_key_alone() -> None:
    for item in (KEY, {"id": KEY}, {"id": KEY, "email": 5, "huh": []}):
        written, _ = record(contacts, item, Action.DELETE)
        assert written["id"] == KEY
        assert "email" not in written


RAW: list[tuple[Resource, Any]] = [
    (everything, {"code": 1, "integer": "42"}),
    (everything, {"code": 1, "integer": 42.0}),
    (everything, {"code": 1, "float": "1.5"}),
    (everything, {"code": 1, "float": 1}),
    (everything, {"code": 1, "decimal": 1.5}),
    (everything, {"code": 1, "decimal": "1.5"}),
    (everything, {"code": 1, "boolean": "True"}),
    (everything, {"code": 1, "boolean": 1}),
    (everything, {"code": 1, "uuid": KEY.upper()}),
    (everything, {"code": 1, "moment": "2026-01-01T00:00:00+02:00"}),
    (everything, {"code": 1, "time": "10:00"}),
    (everything, {"code": 1, "ip": "2001:DB8::1"}),
    (everything, {"code": 1, "by_value": 1}),
    (everything, {"code": 1, "scores": {"a": "1"}}),
    (everything, {"code": 1, "pair": ["x", "1"]}),
    (everything, {"code": 1, "anything": [1.0, 1, True]}),
    (everything, {"code": 1, "the text": None}),
    (bookings, {"room": "a", "slot": 1}),
    (bookings, {"room": "a", "slot": 1, "guest": "nobody"}),
    (people, {"name": "Jo", "ignored": 1}),
    (people, {"name": "Jo", "born": "2000-01-01"}),
    (loose, {"name": "Jo", "kept": {"a": 1}}),
    (contacts, {**JIM, "id": KEY.upper()}),
]


def same(one: Any, other: Any) -> bool:
    """Equal, and of equal types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@pytest.mark.parametrize(("resource", "item"), RAW)
def test_the_raw_item_is_told_by_the_record_or_kept_beside_it(
    resource: Resource, item: dict[str, Any]
) -> None:
    sent = orjson.loads(orjson.dumps(item))
    written, restorable = record(resource, item)
    assert not restorable or same(restore(resource, written), sent)


def test_most_items_need_no_copy_beside_their_record() -> None:
    items = [{**JIM, "age": 5, "tags": ["a"], "last_name": None, "subscribed": True}, JIM]
    submission = taken_in(contacts, items)
    assert submission.raw is None
    assert valid_of(submission) == [0, 1]
    assert [each["$i"] for each in orjson.loads(submission.records)] == [0, 1]


def test_a_submission_keeps_good_and_bad_apart() -> None:
    submission = taken_in(contacts, [JIM, {"email": "x"}, 5, {**JIM, "age": 2}])
    assert (submission.received, valid_of(submission)) == (4, [0, 3])
    assert [failure.index for failure in submission.failures] == [1, 2]
    assert submission.failures[1].raw == 5


class Tidy(Schema):
    """A hook that changes what it is given, as marshmallow's own documentation does."""

    name = fields.String(required=True)
    size = fields.Integer()

    @pre_load
    def tidy(self, data: Any, **_: Any) -> Any:
        data["name"] = str(data.get("name", "")).strip().lower()
        data.pop("junk", None)
        return data


def test_a_hook_that_changes_its_item_does_not_change_the_raw_one() -> None:
    tidy = Resource("tidy", Tidy, key="name")
    sent = [{"name": " A ", "junk": 1}, {"name": " B ", "size": "x", "junk": [2]}]
    submission = taken_in(tidy, orjson.loads(orjson.dumps(sent)))
    assert [failure.raw for failure in submission.failures] == [sent[1]]
    assert submission.raw is not None
    assert orjson.loads(submission.raw) == {"0": sent[0]}
    assert orjson.loads(submission.records)[0]["name"] == "a"


class Kept(Schema):
    name = fields.String(required=True)

    class Meta:
        unknown = INCLUDE

    @post_load
    def more(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "made": len(data)}


def test_what_is_loaded_beyond_the_fields_is_kept_apart() -> None:
    written, _ = record(Resource("kept", Kept, key="name"), {"name": "a", "huh": [1]})
    assert written["$extra"] == {"huh": [1], "made": 2}


@pytest.mark.parametrize(
    ("resource", "item", "errors"),
    [
        (everything, {"code": 2**63}, [(42209, "code")]),
        (everything, {"code": 1, "the text": "\0"}, [(42209, "the text")]),
        (everything, {"code": 1, "address": {"city": "\0"}}, [(42209, "address.city")]),
        (everything, {"code": 1, "anything": {"a": ["\0"]}}, [(42209, "anything.a.0")]),
        (
            everything,
            {"code": 1, "float": "inf", "integer": 2**70},
            [(42209, "integer"), (42209, "float")],
        ),
        (everything, {"code": 1, "moment": "2026-01-01T00:00:00"}, [(42209, "moment")]),
        (loose, {"name": "a", "huh": {"deep": [2**70]}}, [(42209, "huh.deep.0")]),
        (people, {"name": "boom"}, [(42210, None)]),
        (people, {"name": "x" * (MAX_INDEXED_BYTES + 1)}, [(42209, "name")]),
        (people, {"name": "ä" * (MAX_INDEXED_BYTES // 2 + 1)}, [(42209, "name")]),
        (contacts, {**JIM, "id": None}, [(42202, "id")]),
    ],
)
def test_what_cannot_be_stored_is_named(
    resource: Resource, item: dict[str, Any], errors: list[tuple[int, Any]]
) -> None:
    assert sorted(codes(resource, item), key=str) == sorted(errors, key=str)


def test_what_does_not_load_and_what_cannot_be_stored_are_named_together() -> None:
    found = codes(everything, {"code": "x", "the text": "\0", "integer": "y"})
    assert sorted(found) == [(42203, "code"), (42203, "integer"), (42209, "the text")]


def test_a_long_key_that_just_fits() -> None:
    assert record(people, {"name": "x" * MAX_INDEXED_BYTES})[0]["name"]


@pytest.mark.parametrize("item", [None, True, 5, 1.5, "x", [], [{}]])
def test_an_item_that_is_no_object(item: Any) -> None:
    assert codes(contacts, item) == [(42203, None)]


@pytest.mark.parametrize(
    ("item", "errors"),
    [
        ({"age": 5}, [(42201, "id")]),
        ({"id": KEY, "age": 500}, [(42205, "age")]),
        ({"id": "x", "age": 500}, [(42204, "id"), (42205, "age")]),
        ({"id": None, "age": 5}, [(42202, "id")]),
        ({"age": 500}, [(42201, "id"), (42205, "age")]),
    ],
)
def test_an_update_needs_the_key(item: Any, errors: list[tuple[int, str]]) -> None:
    assert sorted(codes(contacts, item, Action.UPDATE)) == errors
