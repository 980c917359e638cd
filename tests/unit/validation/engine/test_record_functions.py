"""Generated record functions: what they record, and what they leave to the RecordWriter."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest
from marshmallow import Schema, fields, post_load, validate

from ingest import Resource
from ingest.examples import contacts
from ingest.model import Action, Chunk, Options, Resolution
from ingest.resources.records import RecordWriter
from ingest.validation.items import ItemValidator
from tests.harness import bookings, everything
from tests.staged import chunk_of, valid_of

JIM = {"email": "jim@example.com", "first_name": "Jim", "age": 5, "tags": ["a"]}
KEY = "0191d7a0-0000-7000-8000-00000000abcd"


class LineSchema(Schema):
    sku = fields.String(required=True)
    count = fields.Integer(strict=True)


class OrderSchema(Schema):
    """Nothing in it needs to be dumped."""

    number = fields.String(required=True)
    lines = fields.List(fields.Nested(LineSchema))
    by_day = fields.Dict(keys=fields.String(), values=fields.List(fields.Float()))


class HookedSchema(Schema):
    name = fields.String(required=True, validate=lambda name: None)
    size = fields.Integer()

    @post_load
    def tidy(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "name": data["name"].strip()}


orders = Resource("orders", OrderSchema, key="number")
hooked = Resource("hooked", HookedSchema, key="name")


def take(
    resource: Resource, items: list[Any], action: Action = Action.CREATE, **options: Any
) -> Chunk:
    given = Options(**options)
    return chunk_of(ItemValidator(resource, action, given), items, replace(given, lenient=True))


@pytest.mark.parametrize(
    ("resource", "item", "action", "options"),
    [
        (contacts, JIM, Action.CREATE, {}),
        (contacts, {**JIM, "id": KEY}, Action.CREATE, {"resolution": Resolution.MERGE}),
        (contacts, {"id": KEY, "age": 5}, Action.UPDATE, {}),
        (contacts, {"email": "jim@example.com"}, Action.UPDATE, {"matching": "email"}),
        (bookings, {"room": "a", "slot": 1}, Action.CREATE, {}),
        (everything, {"code": 1, "uuid": KEY, "address": {"city": "x"}}, Action.CREATE, {}),
        (orders, {"number": "1", "lines": [{"sku": "a", "count": 1}]}, Action.CREATE, {}),
        (hooked, {"name": "a", "size": 1}, Action.CREATE, {}),
    ],
)
def test_what_can_be_stored_needs_no_record_writer(
    resource: Resource,
    item: Any,
    action: Action,
    options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(*_: Any) -> Any:
        raise AssertionError("the RecordWriter was called")

    monkeypatch.setattr(RecordWriter, "write", forbidden)
    found = take(resource, [item], action, **options)
    assert found.failures == []
    assert [record["$i"] for record in orjson.loads(found.records)] == [0]


def test_plain_nested_values_are_not_dumped(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("marshmallow dumped")

    monkeypatch.setattr(Schema, "dump", forbidden)
    monkeypatch.setattr(fields.List, "_serialize", forbidden)
    item = {"number": "1", "lines": [{"sku": "a", "count": 1}, {"sku": "b"}], "by_day": {"d": [1]}}
    found = take(orders, [item])
    assert orjson.loads(found.records) == [{**item, "by_day": {"d": [1.0]}, "$i": 0}]
    assert found.raw is not None, "1 is not what is stored for it"


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_one_text_that_cannot_be_stored_is_found_in_its_chunk(text: str) -> None:
    items = [{**JIM, "last_name": text if index == 2 else "\\u0000"} for index in range(5)]
    found = take(contacts, items)
    assert valid_of(found) == [0, 1, 3, 4]
    assert [(each.index, each.errors[0].field) for each in found.failures] == [(2, "last_name")]
    assert [each["last_name"] for each in orjson.loads(found.records)] == ["\\u0000"] * 4


@pytest.mark.parametrize("count", [2**63, -(2**63) - 1])
def test_integers_beyond_64_bits_are_found_wherever_they_are(count: int) -> None:
    item = {"number": "1", "lines": [{"sku": "a"}, {"sku": "a", "count": count}]}
    found = take(orders, [item])
    assert [each.errors[0].field for each in found.failures] == ["lines.1.count"]


def test_keys_ascend_in_the_order_of_the_items_fast_or_slow() -> None:
    slow = {**JIM, "meta": {"version": 1}}
    found = take(contacts, [JIM, slow, JIM, {"email": "x"}, slow, JIM])
    made = [UUID(record["id"]) for record in orjson.loads(found.records)]
    assert len(made) == 5
    assert made == sorted(made)


def test_names_of_fields_are_nothing_but_text() -> None:
    name = "x'] or __import__('os').abort() #\n\"\"\""
    schema = Schema.from_dict({name: fields.String(required=True, validate=validate.Length(max=9))})
    found = take(Resource("odd", schema, key=name), [{name: "a"}, {name: "b\0"}])
    assert [json.loads(found.records)[0]["$i"], found.failures[0].index] == [0, 1]
