"""A collection whose items are typed answers, and shows, what it would if they were not.

The same requests go to two collections of one schema, one of which has no typed items.
"""

import asyncio
import enum
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from marshmallow import EXCLUDE, Schema, fields, validate

from ingest import Resource, Tally, Totals
from ingest.batches.staging import Staging
from ingest.batches.write import Write
from ingest.settings import Settings
from ingest.validation.engine.typed.items import TypedItems
from tests.api.declared import serving
from tests.harness import Reply, Service

KEYS = [f"0191d7a0-0000-7000-8000-{number:012x}" for number in range(20)]
JSON, LINES = "application/json", "application/x-ndjson"


class Colour(enum.Enum):
    red = "r"
    green = "g"


class Part(Schema):
    name = fields.String(required=True)
    at = fields.AwareDateTime(allow_none=True)
    share = fields.Float()


class Order(Schema):
    id = fields.UUID()
    code = fields.String(
        required=True,
        validate=validate.Length(max=20),
        error_messages={"required": "An order needs its code."},
        data_key="Order code",
    )
    email = fields.Email(allow_none=True)
    amount = fields.Decimal(places=2)
    weight = fields.Float(validate=validate.Range(min=0, max=1e6, error="Too heavy, or too light."))
    count = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, 99))
    colour = fields.Enum(Colour)
    size = fields.String(validate=validate.OneOf(["S", "M"], labels=["small", "middle"]))
    note = fields.String(validate=validate.Regexp(r"^[^x]*$"))
    placed = fields.AwareDateTime()
    day = fields.Date()
    pin = fields.String(load_only=True)
    parts = fields.List(fields.Nested(Part(unknown=EXCLUDE)), validate=validate.Length(max=3))
    index = fields.Dict(keys=fields.String(), values=fields.Integer())
    carried = fields.Boolean(attribute="is_carried")


def resource(name: str) -> Resource:
    summaries = {f"sizes_{name}": Tally("size"), f"sums_{name}": Totals("amount", by="colour")}
    return Resource(name, Order, unique=["code"], summaries=summaries)


@pytest.fixture
def settings(empty_database: str, redis_url: str) -> Settings:
    return Settings(
        database_url=empty_database, redis_url=redis_url, poll_delay=0.005, max_nesting=8
    )


@pytest.fixture
async def service(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    typed = Staging.typed

    def only_of_typed(staging: Staging, write: Write) -> TypedItems | None:
        found = typed(staging, write)
        assert found is not None or write.action.value == "delete"
        return found if write.resource.name == "typed" else None

    monkeypatch.setattr(Staging, "typed", only_of_typed)
    async with serving(settings, resource("typed"), resource("plain")) as served:
        yield served


def without_chance(reply: Reply) -> Any:
    """What an answer says, without what is another one in each."""
    text = json.dumps(reply.body, sort_keys=True)
    text = re.sub(r'"(batchId|timestamp|createdAt|updatedAt)": "[^"]*"', r'"\1": ""', text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-(?!8000-00)[0-9a-f-]{17}", "made", text)
    return reply.status, json.loads(text.replace("plain", "typed"))


GOOD = (
    f'{{"id":"{KEYS[0]}","Order code":"a","email":"a@b.co","amount":12.34,"weight":5,'
    '"colour":"red","size":"S","note":"\\u00e9","placed":"2026-11-29T10:00:00.5+02:00","day":"2024-01-31","pin":"1",'
    '"parts":[{"name":"p","at":"2026-11-29T10:00:00Z","share":0.5}],"index":{"a":1},"carried":true}'
)
MEMBERS = [
    '"email":null',
    '"email":"no"',
    '"email":"a@b.co\\n"',
    '"amount":"1.50"',
    '"amount":1.5',
    '"amount":1e999',
    '"amount":-0',
    '"weight":-1',
    '"weight":-0.0',
    '"weight":0.1000000000000000055',
    '"weight":1e2',
    '"count":100',
    '"count":1.0',
    '"count":123456789012345678901234567890',
    '"count":1,"count":2',
    '"count":"x","count":2',
    '"count":null',
    '"colour":"r"',
    '"size":"L"',
    '"note":"x"',
    '"note":"a\\u0000"',
    '"note":"\\ud800"',
    '"note":"\\\\u0000"',
    '"placed":"2026-11-29T10:00:00"',
    '"placed":"2026-11-29T24:00:00Z"',
    '"day":"2024-02-29"',
    '"day":"2023-02-29"',
    '"parts":[{}]',
    '"parts":[{"name":"p","other":1}]',
    '"parts":[{"name":"p","at":null},{"name":"q","at":"2026-11-29T10:00:00-00:00"}]',
    '"parts":[{"name":"p","share":5}]',
    '"parts":[{"name":"p","share":1e16}]',
    '"index":{"a":"1"}',
    '"index":{"a":1,"a":2}',
    '"carried":"yes"',
    '"other":1',
    '"$set":"1"',
    '"$i":7',
    '"meta":{"version":1}',
    '"meta":{"group":"g"}',
    '"errors":[],"index":0',
    f'"id":"{KEYS[1]}"',
    f'"id":"{KEYS[1].upper()}"',
    '"id":null',
    '"id":5',
    '"":1',
]
ITEMS = [f'{{"Order code":"c{number}",{each}}}' for number, each in enumerate(MEMBERS)]
ROW = '{"index":0,"rawData":{"Order code":"row"},"errors":[{"code":42204,"message":"x"}]}'
BODIES = [
    GOOD,
    "{}",
    ROW,
    '{"Order code":"a"}{"Order code":"b"}',
    '{"Order code":\n"a"}',
    '{"Order code":"a"},{"Order code":"deep","parts":[[[[[[[[]]]]]]]]}',
    ",".join([GOOD, *ITEMS]),
    ",".join(["{}", *(f'{{"Order code":"m{number}"}}' for number in range(40)), "5"]),
]
_MATCHING = {"matching": "Order code"}
_SHOWING = {"dryRun": "true", "select": "meta,sizes_{},sums_{}"}
WAYS: list[tuple[str, dict[str, Any]]] = [
    ("POST", {"prefer": "handling=lenient", "params": _SHOWING}),
    ("POST", {}),
    ("POST", {"prefer": "handling=lenient"}),
    ("PATCH", {"params": _MATCHING}),
    ("PATCH", {"prefer": "handling=lenient", "params": _MATCHING}),
    ("POST", {"prefer": "handling=lenient, resolution=merge-duplicates", "params": _MATCHING}),
    ("POST", {"prefer": "handling=lenient, resolution=ignore-duplicates", "params": _MATCHING}),
    ("POST", {"prefer": "handling=lenient, resolution=replace"}),
]


async def answers(
    service: Service, method: str, body: str, kind: str, way: dict[str, Any]
) -> list[Any]:
    async def answer(name: str) -> Any:
        params = {key: value.replace("{}", name) for key, value in way.get("params", {}).items()}
        options = {**way, "params": params, "content_type": kind}
        reply = await service.request(method, f"/v1/{name}", data=body.encode(), **options)
        return without_chance(reply)

    return await asyncio.gather(answer("typed"), answer("plain"))


async def shown(service: Service) -> list[Any]:
    select = "meta,sizes_{},sums_{}"
    found = [
        await service.get(name, params={"limit": "1000", "select": select.replace("{}", name)})
        for name in ("typed", "plain")
    ]
    return [without_chance(each) for each in found]


@pytest.mark.parametrize("kind", [JSON, LINES])
async def test_typed_items_are_answered_and_stored_as_others(service: Service, kind: str) -> None:
    statuses = set()
    for method, way in WAYS:
        for body in BODIES:
            text = f"[{body}]" if kind == JSON else body.replace("},{", "}\n{") + "\n"
            fast, plain = await answers(service, method, text, kind, way)
            assert fast == plain, (method, way, body)
            statuses.add(fast[0])
        fast, plain = await shown(service)
        assert fast == plain, (method, way)
    assert fast[1]["metadata"]["recordsCount"] > 40
    assert statuses == {200, 201, 207, 422} | ({400} if kind == JSON else set())
