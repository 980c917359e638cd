"""Items whose fields a `pre_load` hook finds elsewhere than they were sent."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, post_load, pre_load, validate

from ingest import Resource
from ingest.settings import Settings
from tests.api.declared import serving
from tests.harness import Service

KEY = "00000000-0000-7000-8000-000000000001"
MERGE = "resolution=merge-duplicates"


class Enveloped(Schema):
    @pre_load
    def open(self, data: Any, **_: Any) -> Any:
        if "broken" in data:
            raise ValidationError("The envelope cannot be opened.", "broken")
        return data.get("data", data)


class Address(Enveloped):
    city = fields.String(required=True, validate=validate.Length(max=3))
    number = fields.Integer()


class Order(Enveloped):
    key = fields.Integer(required=True)
    quantity = fields.Integer(load_default=1, validate=validate.Range(max=9))
    name = fields.String(required=True, data_key="Name")
    address = fields.Nested(Address)


class Named(Enveloped):
    id = fields.UUID()
    name = fields.String(required=True)


@dataclass
class Point:
    key: int
    x: int = 0


class Points(Enveloped):
    key = fields.Integer(required=True)
    x = fields.Integer(load_default=7)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Point:
        return Point(**data)


@pytest.fixture
async def service(empty_database: str, redis_url: str) -> AsyncIterator[Service]:
    settings = Settings(database_url=empty_database, redis_url=redis_url, poll_delay=0.005)
    resources = (
        Resource("orders", Order, key="key"),
        Resource("named", Named, key="id"),
        Resource("points", Points, key="key"),
    )
    async with serving(settings, *resources) as served:
        yield served


def inside(**fields_: Any) -> dict[str, Any]:
    return {"data": fields_}


async def test_a_change_in_an_envelope_is_stored(service: Service) -> None:
    made = await service.post("orders", [inside(key=1, Name="a", quantity=2)])
    assert made.body["data"][0]["quantity"] == 2, made.body
    changed = await service.patch("orders", [inside(key=1, quantity=3)])
    assert changed.body["data"][0]["quantity"] == 3, changed.body
    path = "/v1/orders"
    merged = await service.request(
        "POST", path, [inside(key=1, Name="b", quantity=4)], prefer=MERGE
    )
    assert merged.body["data"][0]["quantity"] == 4, merged.body
    kept = await service.request("POST", path, [inside(key=1, Name="c")], prefer=MERGE)
    assert kept.body["data"][0]["quantity"] == 4, kept.body
    assert (await service.get("orders/1")).body["data"]["Name"] == "c"


async def test_a_change_of_an_object_in_an_envelope_is_stored(service: Service) -> None:
    assert (await service.post("points", [inside(key=1, x=2)])).body["data"] == [{"key": 1, "x": 2}]
    changed = await service.patch("points", [inside(key=1, x=3)])
    assert changed.body["data"] == [{"key": 1, "x": 3}], changed.body
    path = "/v1/points"
    merged = await service.request("POST", path, [inside(key=1, x=4)], prefer=MERGE)
    assert merged.body["data"] == [{"key": 1, "x": 4}], merged.body


async def test_a_key_in_an_envelope_is_the_items_key(service: Service) -> None:
    made = await service.post("named", [inside(id=KEY, name="a")])
    assert made.body["data"] == [{"id": KEY, "name": "a"}], made.body
    [other] = (await service.post("named", [inside(name="b")])).body["data"]
    assert other["id"] != KEY


@pytest.mark.parametrize(
    ("item", "errors"),
    [
        (inside(key=1, Name="a", quantity=50), [(42205, "quantity")]),
        (inside(key=1, Name="a", quantity="x"), [(42203, "quantity")]),
        (inside(key=1, Name=None), [(42202, "Name")]),
        (inside(key=1), [(42201, "Name")]),
        (inside(Name="a"), [(42201, "key")]),
        (inside(key=1.5, Name="a"), [(42203, "key")]),
        (inside(key=1, Name="a", more=1), [(42208, "more")]),
        ({"broken": 1}, [(42210, "broken")]),
        (inside(key=1, Name="a", address=inside(city="long")), [(42206, "address.city")]),
        (
            inside(key=1, Name="a", address=inside(number="x")),
            [(42203, "address.number"), (42201, "address.city")],
        ),
        (inside(key=1, Name="a", address={"broken": 1}), [(42210, "address.broken")]),
    ],
)
async def test_an_invalid_item_in_an_envelope_keeps_its_codes(
    service: Service, item: Any, errors: list[tuple[int, str]]
) -> None:
    refused = await service.post("orders", [item])
    assert sorted(refused.codes[0]) == sorted(errors), refused.body
