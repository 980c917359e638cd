"""What is stored is what load returned, and GET shows what `schema.dump` says of that."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from marshmallow import (
    INCLUDE,
    Schema,
    ValidationError,
    fields,
    post_dump,
    post_load,
    pre_dump,
    pre_load,
)

from ingest import Resource
from ingest.errors import ConfigurationError
from ingest.exactjson import load_exact
from ingest.resources.exact import json_form
from ingest.settings import Settings
from ingest.store.pool import open_pool
from tests.api.declared import serving
from tests.harness import Service


class Keyed(Schema):
    key = fields.Integer(required=True)


class Csv(fields.Field[list[str]]):
    """Loads a list out of a text, and may not be dumped twice."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> Any:
        return None if value is None else ",".join(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError("No text.")
        return value.split(",")


class CsvText(fields.String):
    """The same, as people write it."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> Any:
        return None if value is None else ",".join(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        return super()._deserialize(value, attr, data).split(",")


class Cents(fields.Integer):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        return Decimal(super()._deserialize(value, attr, data)) / 100

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> Any:
        return None if value is None else int(value * 100)


class Priced(fields.Decimal):
    """Looks at its neighbour."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> Any:
        return None if value is None else f"{value} {obj['currency']}"


class Shout(fields.String):
    def serialize(self, attr: str, obj: Any, accessor: Any = None, **_: Any) -> Any:
        value = super().serialize(attr, obj, accessor)
        return f"{value}!" if isinstance(value, str) else value


class Costs(Keyed):
    cost = fields.Function(lambda item: item.get("cost", 0), deserialize=float)
    parts = fields.Method("dump_parts", deserialize="load_parts")
    hidden = fields.Function(deserialize=float)

    def dump_parts(self, item: Any) -> str:
        return "|".join(item.get("parts", ()))

    def load_parts(self, value: str) -> list[str]:
        return value.split("|")


class Custom(Keyed):
    labels, texts, price = Csv(), CsvText(), Cents()
    currency, amount = fields.String(), Priced()
    split = fields.String(post_load=lambda value: value.split(","))


class Times(Keyed):
    days, at = fields.List(fields.Date()), fields.List(fields.DateTime())
    took, nick = fields.TimeDelta(), fields.String(allow_none=True)
    secret = fields.String(load_only=True)
    year = fields.Function(lambda item: item["days"][0].year if item.get("days") else None)
    called = fields.Function(lambda item: item.get("nick") or item.get("secret"))

    @pre_dump
    def look(self, item: Any, **_: Any) -> Any:
        return {**item, "took": item.get("took")}

    @post_dump
    def count(self, shown: Any, **_: Any) -> Any:
        return {**shown, "members": len(shown)}


@dataclass
class Town:
    city: str = ""


class TownSchema(Schema):
    city = fields.String()

    @post_load
    def make(self, data: Any, **_: Any) -> Town:
        return Town(**data)


class Homes(Keyed):
    home, homes = fields.Nested(TownSchema), fields.List(fields.Nested(TownSchema))
    town = fields.Function(lambda item: item["home"].city if item.get("home") else None)


class Odd(Keyed):
    ref, city = fields.String(attribute="ids.ref"), fields.String(attribute="address.city")
    loud, filled = Shout(), fields.String(dump_default="nothing")
    maybe = fields.String(allow_none=True)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        value = super().get_attribute(obj, attr, default)
        return value.upper() if attr == "address.city" and isinstance(value, str) else value


class Open(Keyed):
    class Meta:
        unknown = INCLUDE

    @post_dump(pass_original=True)
    def names(self, shown: Any, item: Any, **_: Any) -> Any:
        return {**shown, "names": sorted(item)}


class Numbers(Keyed):
    raw, more, many = fields.Raw(), fields.Dict(), fields.List(fields.Float())
    yes = fields.Dict(keys=fields.Boolean())


class Either(Schema):
    """Without a field of its own, as polymorphic schemas are."""

    def load(self, data: Any, **_: Any) -> Any:
        kind = {"day": fields.Date(), "text": fields.String()}[data["type"]]
        return {"value": kind.deserialize(data["value"])}

    def dump(self, obj: Any, **_: Any) -> Any:
        kind = "day" if isinstance(obj["value"], dt.date) else "text"
        return {"type": kind, "value": str(obj["value"])}


@dataclass
class Account:
    key: int
    name: str = "none"
    password: str = ""
    days: Any = ()
    took: Any = None
    labels: Any = ()


class AccountSchema(Keyed):
    name, password = fields.String(), fields.String(load_only=True)
    days, took, labels = fields.List(fields.Date()), fields.TimeDelta(), Csv()
    title = fields.Function(lambda account: f"{account.name} #{account.key}")

    @post_load
    def make(self, data: Any, **_: Any) -> Account:
        return Account(**data)

    @post_dump
    def wrap(self, shown: Any, **_: Any) -> Any:
        return {"account": shown}


Case = tuple[type[Schema], dict[str, Any], dict[str, Any]]
CASES: dict[str, Case] = {
    "costs": (Costs, {"cost": "1.5", "parts": "a|b", "hidden": "2"}, {"parts": "c"}),
    "custom": (
        Custom,
        {"labels": "a,bb", "texts": "c,d", "price": 1999, "currency": "EUR", "amount": "1.50"},
        {"labels": "x,y,zz", "currency": "USD"},
    ),
    "times": (
        Times,
        {"days": ["2024-01-01"], "at": ["2024-01-01T00:00:00+00:00"], "took": 90, "nick": None},
        {"days": ["2025-01-01", "2025-01-02"], "secret": "s"},
    ),
    "homes": (
        Homes,
        {"home": {"city": "Rome"}, "homes": [{"city": "a"}, {}]},
        {"home": {"city": "b"}},
    ),
    "odd": (Odd, {"ref": "r", "city": "Oslo", "loud": "a", "maybe": None}, {"city": "Rome"}),
    "open": (Open, {"other": [1], "more": {"a": -0.0}}, {"third": 3}),
    "numbers": (
        Numbers,
        {"raw": [1e22, -0.0, 1.0], "more": {"a": 1e300}, "many": [-0.0, 1e16], "yes": {"true": 1}},
        {"raw": {"a": [-0.0]}},
    ),
    "accounts": (
        AccountSchema,
        {"name": "Ann", "password": "p", "days": ["2024-01-01"], "took": 5, "labels": "a,bb"},
        {"name": "Bo"},
    ),
}


@pytest.fixture
def settings(empty_database: str, redis_url: str) -> Settings:
    return Settings(database_url=empty_database, redis_url=redis_url, poll_delay=0.005)


def dumped(schema: type[Schema], item: dict[str, Any]) -> Any:
    return json_form(schema().dump(schema().load(item)))


def same(shown: Any, expected: Any) -> bool:
    """Equal, floats by kind and sign; what holds nothing may be null where it was left out."""
    if isinstance(shown, dict) and isinstance(expected, dict):
        names = shown.keys() | expected.keys()
        return all(same(shown.get(name), expected.get(name)) for name in names)
    if isinstance(shown, list) and isinstance(expected, list):
        return len(shown) == len(expected) and all(map(same, shown, expected))
    return repr(shown) == repr(expected)


async def item_of(service: Service, path: str) -> Any:
    headers = {"Authorization": f"Bearer {service.token}"}
    async with service.client.get(f"/v1/{path}", headers=headers) as response:
        assert response.status == 200
        return load_exact(await response.read())["data"]


async def test_get_shows_the_dump_of_what_was_loaded(settings: Settings) -> None:
    resources = [Resource(name, case[0], key="key") for name, case in CASES.items()]
    expected: dict[str, Any] = {}
    async with serving(settings, *resources) as service:
        for name, (schema, item, change) in CASES.items():
            whole = {"key": 1, **item}
            made = await service.post(name, [whole])
            assert made.status == 201, (name, made.body)
            assert same(await item_of(service, f"{name}/1"), dumped(schema, whole)), name
            changed = await service.patch(name, [{"key": 1, **change}])
            assert changed.status == 200, (name, changed.body)
            expected[name] = dumped(schema, whole | change)
            assert same(await item_of(service, f"{name}/1"), expected[name]), name
            merged = await service.post(
                name, [{"key": 1, **change}], prefer="resolution=merge-duplicates"
            )
            assert merged.status == 201, (name, merged.body)
            assert same(await item_of(service, f"{name}/1"), expected[name]), name
    async with serving(settings, *resources) as service:  # after a restart
        for name, shown in expected.items():
            [listed] = await item_of(service, name)
            assert same(listed, shown), name


async def test_what_is_stored_is_what_was_loaded(settings: Settings) -> None:
    resources = [Resource(name, case[0], key="key") for name, case in CASES.items()]
    wanted = {
        "costs": {"cost": "1.5", "parts": '["a", "b"]', "hidden": "2.0"},
        "custom": {"labels": '["a", "bb"]', "texts": '["c", "d"]', "price": "19.99"},
        "accounts": {"password": "p", "name": "Ann", "labels": '"a,bb"'},
    }
    async with serving(settings, *resources) as service, open_pool(settings, role=None) as pool:
        for name, columns in wanted.items():
            assert (await service.post(name, [{"key": 1, **CASES[name][1]}])).status == 201
            async with pool.transaction("acme") as connection:
                row = await connection.fetchrow(f'SELECT * FROM collections."{name}"')
            assert {column: str(row[column]) for column in columns} == columns


async def test_a_schema_without_fields_keeps_all_that_it_loads(settings: Settings) -> None:
    day, text = {"type": "day", "value": "2024-01-01"}, {"type": "text", "value": "a"}
    async with serving(settings, Resource("either", Either)) as service:
        made = await service.post("either", [day, text])
        shown = [{name: item[name] for name in ("type", "value")} for item in made.body["data"]]
        assert shown == [day, text]


class Colour(Enum):
    red = 1
    blue = 2


class Less(Enum):
    blue = 2


def painted(colours: type[Enum], inverse: Callable[[Any], Any]) -> Resource:
    class Paint(Keyed):
        number = fields.Integer()
        colour = fields.Enum(colours)
        inverse_ = fields.Function(inverse, data_key="inverse")

    return Resource("paints", Paint, key="key")


async def test_what_cannot_be_shown_costs_its_item_alone(settings: Settings) -> None:
    items = [{"key": 1, "number": 0, "colour": "red"}, {"key": 2, "number": 2, "colour": "blue"}]
    shown = [
        {"key": 1, "number": 0, "colour": "red", "meta": {"notShown": ["inverse"]}},
        {"key": 2, "number": 2, "colour": "blue", "inverse": 0.5},
    ]
    async with serving(settings, painted(Colour, lambda item: 1 / item["number"])) as service:
        made = await service.post("paints", items, idempotency_key="k")
        assert (made.status, made.body["data"]) == (201, shown)
        again = await service.post("paints", items, idempotency_key="k", prefer="replay=return")
        assert again.body["data"] == shown
        assert (await service.get("paints")).body["data"] == shown
        batch = await service.get(f"batches/{made.body['metadata']['batchId']}")
        assert batch.body["data"]["response"]["body"]["data"] == shown
        changed = await service.patch("paints", [{"key": 1, "colour": "blue"}])
        assert changed.body["data"][0]["meta"] == {"notShown": ["inverse"]}
        assert (await service.patch("paints", [{"key": 1, "colour": "red"}])).status == 200
    async with serving(settings, painted(Less, lambda item: None)) as service:
        [gone, there] = (await service.get("paints")).body["data"]
        assert (gone["colour"], gone["meta"]) == ("red", {"notShown": ["colour"]})
        assert there == {"key": 2, "number": 2, "colour": "blue", "inverse": None}
        deleted = await service.delete("paints", [1, 2])
        assert deleted.body["metadata"]["deleted"] == 2


class Failing(Keyed):
    @pre_load
    def take(self, data: Any, **_: Any) -> Any:
        return data

    @post_dump
    def fail(self, shown: Any, **_: Any) -> Any:
        raise RuntimeError("never")


async def test_a_hook_that_raises_leaves_the_item_as_it_is_stored(settings: Settings) -> None:
    async with serving(settings, Resource("failing", Failing, key="key")) as service:
        made = await service.post("failing", [{"key": 1}])
        assert made.body["data"] == [{"key": 1, "meta": {"notShown": ["_schema"]}}]


@pytest.mark.parametrize("format_", ["timestamp", "timestamp_ms", "%d/%m/%Y %H:%M"])
def test_a_time_that_no_value_could_be_stored_of_is_refused(format_: str) -> None:
    with pytest.raises(ConfigurationError, match=r"'at'.*NaiveDateTime"):
        Resource("times", Schema.from_dict({"at": fields.DateTime(format=format_)}))
    Resource("times", Schema.from_dict({"at": fields.NaiveDateTime(format=format_)}))
