"""What GET shows can be sent back (H28): it is accepted, changes nothing, and shows the same."""

import asyncio
import csv
import datetime as dt
import io
import os
import textwrap
import uuid
from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from lxml import etree
from marshmallow import (
    EXCLUDE,
    INCLUDE,
    RAISE,
    Schema,
    fields,
    post_dump,
    post_load,
    pre_load,
    validate,
)

from ingest import Resource
from ingest.app import create_app
from ingest.exactjson import dump_exact, load_exact
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.pool import open_pool
from ingest.store.tokens import create_token
from migrations.run import migrate
from tests.harness import Colour, Service
from workers.settings import open_committer, running_worker

ROME = dt.timezone(dt.timedelta(hours=1))


class Size(Enum):
    small = dt.date(2026, 1, 1)
    large = dt.date(2026, 1, 2)


class Place(Schema):
    city = fields.String(required=True)
    zip = fields.String()
    note = fields.String(allow_none=True)
    at = fields.DateTime(data_key="the time")
    made = fields.String(dump_only=True)
    label = fields.Function(lambda place: f"in {place['city']}")
    inner = fields.Nested(lambda: Place(exclude=("inner",)))

    class Meta:
        unknown = EXCLUDE


@dataclass
class Point:
    x: int
    y: int | None = None
    label: str | None = None


class PointSchema(Schema):
    x = fields.Integer(required=True)
    y = fields.Integer()
    label = fields.String(allow_none=True)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Point:
        return Point(**data)


def schema(**declared: Any) -> type[Schema]:
    return Schema.from_dict({"name": fields.String(required=True), **declared})


class Slugs(schema(slug=fields.String(dump_only=True), p=fields.Nested(Place))):  # type: ignore[misc]
    @post_load
    def slug(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return data | ({"slug": data["name"].lower()} if "name" in data else {})


class Whole(
    schema(
        n=fields.Integer(allow_none=True), m=fields.Integer(), secret=fields.String(load_only=True)
    )
):  # type: ignore[misc]
    length = fields.Method("count")
    twice = fields.Function(lambda item: 2 * item.get("m", 0))

    def count(self, item: dict[str, Any]) -> int:
        return len(item["name"])

    @post_dump
    def tidy(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return data


class Splits(Schema):
    first = fields.String(required=True)
    last = fields.String(required=True)
    full = fields.Function(lambda item: f"{item['first']} {item['last']}")

    @pre_load
    def split(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "full" not in data or "first" in data:
            return data
        first, last = data.pop("full").split()
        return data | {"first": first, "last": last}


class Picky(schema(seen=fields.Boolean(dump_only=True))):  # type: ignore[misc]
    @pre_load
    def look(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return data


TEXTS = [
    "",
    " ",
    " a ",
    "a\nb",
    "a\r\nb\r",
    "\t",
    "null",
    "no",
    "2026-11-22",
    "1_0",
    "1e3",
    "~",
    "\x01\x7f\x85\u2028",
    "=1+1",
    "'=x",
    "[1]",
    "{",
    "# x",
    "a: b",
    "- a",
    "é☃😀",
    "\ufeffx",
    "\ufffe",
    '"',
    "'",
    "<a>&amp;]]>",
    "true",
    "0x1F",
    ".inf",
    "<<",
    "x" * 3000,
    "error",
]
ANY = [
    None,
    True,
    0,
    1.5,
    1e308,
    5e-324,
    -0.0,
    2**63 - 1,
    2**53 + 1,
    [],
    {},
    [None],
    [[]],
    {"": None},
    {"a b": [1, {"c": []}]},
    {"type": "x", "item": [1]},
    {"1": "a", "-": ""},
    [1, "1", True, "true", None, "null"],
    1e22,
    1e16,
    1.0,
    123456789.123456789,
]

ZOO: dict[str, tuple[type[Schema] | Schema, list[dict[str, Any]], dict[str, Any]]] = {
    "texts": (
        schema(
            t=fields.String(),
            n=fields.String(allow_none=True),
            li=fields.List(fields.String(allow_none=True)),
        ),
        [{"t": t, "n": t, "li": [t, None]} for t in TEXTS]
        + [{}, {"n": None}, {"li": []}, {"li": ["", ""]}],
        {},
    ),
    "raws": (
        schema(
            r=fields.Raw(),
            n=fields.Raw(allow_none=True),
            d=fields.Dict(),
            li=fields.List(fields.Raw(allow_none=True)),
        ),
        [{"r": a, "n": a, "li": [a], "d": {"a": a}} for a in [*ANY, *TEXTS] if a is not None]
        + [{"n": None, "li": [None], "d": {"a": None}}],
        {},
    ),
    "numbers": (
        schema(
            i=fields.Integer(),
            s=fields.Integer(strict=True),
            t=fields.Integer(as_string=True),
            f=fields.Float(),
            g=fields.Float(as_string=True),
            d=fields.Decimal(),
            e=fields.Decimal(as_string=True),
            p=fields.Decimal(places=2),
            b=fields.Boolean(allow_none=True),
        ),
        [
            {"i": n, "s": n, "t": n, "f": n, "g": n, "d": n, "e": n, "p": n}
            for n in (0, -5, 2**53 + 1, 2**63 - 1)
        ]
        + [
            {"f": n, "g": n, "d": n, "e": n, "p": n}
            for n in (1.5, -0.0, 5e-324, 1e22, 0.1, 123456.789)
        ]
        + [{"f": 1e308, "g": 1e308, "d": 1e308, "e": 1e308}]
        + [{"d": n, "e": n} for n in ("1E+5", "1.10", "-0", "-0.00", "0." + "1" * 40, "9" * 60)]
        + [{"b": True}, {"b": False}, {"b": None}],
        {},
    ),
    "times": (
        schema(
            m=fields.DateTime(),
            r=fields.DateTime(format="rfc"),
            n=fields.NaiveDateTime(),
            nz=fields.NaiveDateTime(timezone=ROME),
            ns=fields.NaiveDateTime(format="timestamp"),
            nm=fields.NaiveDateTime(format="timestamp_ms"),
            a=fields.AwareDateTime(default_timezone=ROME),
            af=fields.AwareDateTime(format="%Y-%m-%d %H:%M", default_timezone=ROME),
            ats=fields.AwareDateTime(format="timestamp", default_timezone=dt.UTC),
            az=fields.AwareDateTime(format="%d.%m.%Y %H:%M %z"),
            d=fields.Date(),
            df=fields.Date(format="%d.%m.%Y"),
            t=fields.Time(),
            tf=fields.Time(format="%H:%M"),
        ),
        [
            {
                "m": "2026-11-22T10:00:00.123456+05:30",
                "r": "Sun, 22 Nov 2026 10:00:00 +0200",
                "n": "2026-11-22T10:00:00.5",
                "nz": "2026-11-22T10:00:00Z",
                "ns": 1795341600.25,
                "nm": 1795341600123,
                "a": "2026-11-22T10:00:00",
                "af": "2026-11-22 10:00",
                "ats": 1795341600.5,
                "az": "22.11.2026 10:00 +0500",
                "d": "0001-01-01",
                "df": "22.11.2026",
                "t": "10:00:00.000001",
                "tf": "10:05",
            },
            {
                "m": "0001-01-02T00:00:00Z",
                "n": "9999-12-31T23:59:59.999999",
                "t": "00:00:00",
                "d": "9999-12-31",
            },
        ],
        {},
    ),
    "deltas": (
        schema(
            s=fields.TimeDelta(),
            ms=fields.TimeDelta(precision="milliseconds"),
            d=fields.TimeDelta(precision="days"),
            li=fields.List(fields.TimeDelta()),
        ),
        [{"s": n, "ms": n, "d": n, "li": [n]} for n in (0, 1, 1.5, -3, 12345.6789, 1e-6)],
        {},
    ),
    "scalars": (
        schema(
            u=fields.UUID(),
            ip=fields.IP(),
            ip6=fields.IPv6(exploded=True),
            iface=fields.IPInterface(),
            url=fields.Url(relative=True),
            mail=fields.Email(),
            e=fields.Enum(Colour),
            v=fields.Enum(Colour, by_value=True),
            w=fields.Enum(Size, by_value=fields.Date),
            c=fields.Constant(7),
        ),
        [
            {
                "u": "12345678123456781234567812345678",
                "ip": "10.0.0.1",
                "ip6": "::1",
                "iface": "10.0.0.1/8",
                "url": "/a?b",
                "mail": "a@b.co",
                "e": "red",
                "v": 2,
                "w": "2026-01-02",
                "c": 7,
            },
            {"u": str(uuid.UUID(int=5)), "ip": "::ffff:1.2.3.4", "iface": "fe80::1/64"},
            {"iface": "10.0.0.1/32"},
        ],
        {},
    ),
    "nests": (
        schema(
            p=fields.Nested(Place),
            q=fields.Nested(Place, allow_none=True),
            m=fields.List(fields.Nested(Place)),
            many=fields.Nested(Place(many=True)),
            pluck=fields.Pluck(Place, "city"),
            only=fields.Nested(Place, only=("city",)),
            o=fields.Nested(PointSchema),
            os=fields.List(fields.Nested(PointSchema)),
            t=fields.Tuple(
                (fields.String(), fields.Integer(allow_none=True), fields.Decimal(as_string=True))
            ),
            di=fields.Dict(keys=fields.Integer(), values=fields.Nested(Place)),
            dd=fields.Dict(
                keys=fields.Date(), values=fields.Decimal(allow_none=True, as_string=True)
            ),
            de=fields.Dict(keys=fields.Enum(Colour), values=fields.List(fields.DateTime())),
            db=fields.Dict(keys=fields.Boolean(), values=fields.Boolean()),
            exc=fields.Nested(Place(unknown=EXCLUDE)),
            deep=fields.List(fields.List(fields.Integer(allow_none=True))),
        ),
        [
            {
                "p": {"city": "a"},
                "q": {"city": "b", "note": None, "inner": {"city": "c"}},
                "m": [{"city": "", "zip": "1"}],
                "many": [{"city": "d", "the time": "2026-11-22T10:00:00+02:00"}],
                "pluck": "e",
                "only": {"city": "f"},
                "o": {"x": 1},
                "os": [{"x": 1, "y": 2}, {"x": 3, "label": None}],
                "t": ["a", None, "1.50"],
                "di": {"1": {"city": "g"}},
                "dd": {"2026-01-01": "1.50", "2026-01-02": None},
                "de": {"red": ["2026-11-22T10:00:00+02:00"]},
                "db": {"true": False},
                "exc": {"city": "i", "more": 1},
                "deep": [[1, None], []],
            },
            {"q": None, "m": [], "di": {}, "many": []},
        ],
        {},
    ),
    "slugs": (Slugs, [{}], {}),
    "whole": (Whole, [{}, {"n": None}, {"n": 1, "m": 2, "secret": "x"}], {}),
    "splits": (Splits, [{"full": "Ann Lee"}], {"key": "id"}),
    "picky": (Picky, [{}], {}),
    "renamed": (
        schema(
            a=fields.String(data_key="the a"),
            b=fields.Integer(attribute="in.b"),
            c=fields.Integer(attribute="in.c", data_key="ü"),
        ),
        [{"the a": "x", "b": 1, "ü": 2}, {"ü": 3}],
        {},
    ),
    "included": (
        Schema.from_dict({"name": fields.String(), "made": fields.DateTime(dump_only=True)})(
            unknown=INCLUDE
        ),
        [{"more": [1]}, {}],
        {},
    ),
    "excluded": (
        Schema.from_dict({"name": fields.String(), "made": fields.DateTime(dump_only=True)})(
            unknown=EXCLUDE
        ),
        [{"more": [1]}, {}],
        {},
    ),
    "defaults": (
        schema(
            a=fields.Integer(load_default=3),
            b=fields.Integer(load_default=None),
            c=fields.Integer(dump_default=5),
            d=fields.List(fields.String(), load_default=list),
        ),
        [{"a": 1, "b": 2, "c": 3, "d": ["x"]}],
        {},
    ),
    "validated": (
        schema(
            a=fields.String(validate=validate.Length(min=1)),
            b=fields.Integer(validate=validate.Range(1)),
            li=fields.List(fields.String(), validate=validate.Length(min=1)),
        ),
        [{}, {"a": "x", "b": 1, "li": ["x"]}],
        {},
    ),
    "keyed-number": (
        Schema.from_dict({"n": fields.Integer(data_key="N", as_string=True), "v": fields.Raw()}),
        [{"N": 5, "v": "t"}],
        {"key": "n"},
    ),
    "keyed-time": (
        Schema.from_dict({"n": fields.DateTime(), "v": fields.Raw()}),
        [{"n": "2026-11-22T10:00:00+02:00", "v": "t"}],
        {"key": "n"},
    ),
    "keyed-decimal": (
        Schema.from_dict({"n": fields.Decimal(), "v": fields.Raw()}),
        [{"n": "1.50", "v": "t"}],
        {"key": "n"},
    ),
    "keyed-enum": (
        Schema.from_dict({"n": fields.Enum(Colour, by_value=True), "v": fields.Raw()}),
        [{"n": 2, "v": "t"}],
        {"key": "n"},
    ),
    "keyed-ip": (
        Schema.from_dict({"n": fields.IP(), "v": fields.Raw()}),
        [{"n": "10.0.0.1", "v": "t"}],
        {"key": "n"},
    ),
    "keyed-local": (
        Schema.from_dict(
            {
                "n": fields.AwareDateTime(format="%Y-%m-%d %H:%M", default_timezone=ROME),
                "v": fields.Raw(),
            }
        ),
        [{"n": "2026-11-22 10:00", "v": "t"}],
        {"key": "n"},
    ),
}

SEEDS = range(int(os.environ.get("FUZZ_SCHEMAS", "8")))


def drawn(seed: int) -> tuple[Schema, list[dict[str, Any]]]:
    """A schema of fields that stand above, with other options and names, and items for it."""
    random = Random(seed)
    plain = {"texts", "raws", "numbers", "times", "deltas", "scalars", "nests", "renamed"}
    declared: dict[str, fields.Field[Any]] = {"name": fields.String(required=True)}
    values: dict[str, list[Any]] = {}
    for number in range(8):
        schema, items, _ = ZOO[random.choice(sorted(plain))]
        name, found = random.choice(sorted(schema._declared_fields.items()))
        field = deepcopy(found)
        shown = name if field.data_key is None else field.data_key
        known = [item[shown] for item in items if shown in item]
        if name == "name" or not known:
            continue
        field.data_key = random.choice([f"field {number}", f"f{number}"])
        field.allow_none = field.allow_none or random.random() < 0.3
        field.load_only = random.random() < 0.1
        declared[f"f{number}"] = field
        values[field.data_key] = known + [None] * field.allow_none
    items = [
        {name: random.choice(known) for name, known in values.items() if random.random() < 0.7}
        for _ in range(20)
    ]
    return Schema.from_dict(declared)(unknown=random.choice([RAISE, EXCLUDE, INCLUDE])), items


DRAWN = {f"drawn{seed}": (*drawn(seed), {}) for seed in SEEDS}
RESOURCES = ZOO | DRAWN
STRICT = "strict"
"""One that is not told to leave out what is only shown."""


def excluding(declared: type[Schema] | Schema) -> Schema:
    """The schema; it leaves out what is only shown where it would refuse that otherwise."""
    made = declared() if isinstance(declared, type) else declared
    shows_more = any(field.dump_only for field in made.fields.values())
    made.unknown = EXCLUDE if shows_more and made.unknown == RAISE else made.unknown
    return made


OWN_REGISTRY = Registry(
    [
        *(Resource(name, excluding(each), **more) for name, (each, _, more) in RESOURCES.items()),
        Resource(STRICT, Slugs),
    ]
)


@pytest.fixture
async def accounts(empty_database: str, redis_url: str) -> AsyncIterator[tuple[Service, Service]]:
    """The whole service with the resources of this file, for two accounts."""
    await asyncio.to_thread(migrate, empty_database, OWN_REGISTRY)
    settings = Settings(database_url=empty_database, redis_url=redis_url, poll_delay=0.005)
    async with open_pool(settings, role=None) as operator:
        tokens = [(await create_token(operator, account, "t"))[1] for account in ("acme", "fresh")]
    async with (
        open_committer(settings, OWN_REGISTRY) as committer,
        running_worker(committer),
        TestClient(TestServer(create_app(settings, OWN_REGISTRY)), auto_decompress=False) as client,
    ):
        yield Service(client, tokens[0]), Service(client, tokens[1])


def json_back(text: bytes) -> bytes:
    return dump_exact(load_exact(text)["data"])


def ndjson_back(text: bytes) -> bytes:
    return b"\n".join(map(dump_exact, load_exact(text)["data"]))


def xml_back(text: bytes) -> bytes:
    return etree.tostring(etree.fromstring(text).find("data"), with_tail=False)


def yaml_back(text: bytes) -> bytes:
    block, inside = [], False
    for line in text.decode().split("\n"):
        if line and line[0] not in " -":
            inside = line.startswith("data:")
            if inside and line != "data:":
                return line.removeprefix("data:").encode()
        elif inside:
            block.append(line)
    return textwrap.dedent("\n".join(block)).encode()


def csv_back(text: bytes) -> bytes:
    items = load_exact(text)["data"]
    names = list(dict.fromkeys(name for item in items for name in item))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(names)
    for item in items:
        writer.writerow([cell(item.get(name)) for name in names])
    return out.getvalue().encode()


def cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dump_exact(value).decode()


BACK: dict[str, tuple[str, str, Callable[[bytes], bytes]]] = {
    "json": ("json", "application/json", json_back),
    "ndjson": ("json", "application/x-ndjson", ndjson_back),
    "xml": ("xml", "application/xml", xml_back),
    "yaml": ("yaml", "application/yaml", yaml_back),
    "csv": ("json", "text/csv", csv_back),
}


async def read(service: Service, path: str) -> bytes:
    headers = {"Authorization": f"Bearer {service.token}"}
    async with service.client.get(f"/v1/{path}", headers=headers) as response:
        assert response.status == 200
        return await response.read()


async def listed(service: Service, name: str) -> Any:
    return load_exact(await read(service, f"{name}?limit=1000"))["data"]


@pytest.mark.parametrize("form", BACK)
async def test_h28_what_get_shows_can_be_sent_back(
    accounts: tuple[Service, Service], form: str
) -> None:
    """Lists of every resource: by PATCH, by upsert, and as new items of another account."""
    service, fresh = accounts
    extension, media_type, back = BACK[form]
    for name, (schema, items, options) in RESOURCES.items():
        if form == "csv" and fields.Raw in map(type, schema._declared_fields.values()):
            continue  # a cell of such a column is a text
        sent = items if options else [{"name": f"N{i}"} | item for i, item in enumerate(items)]
        made = await service.post(name, sent)
        assert made.status == 201, (name, made.body)
        shown = await listed(service, name)
        body = back(await read(service, f"{name}.{extension}?limit=1000"))
        with_meta = back(await read(service, f"{name}.{extension}?limit=1000&select=meta"))
        for method, data, prefer in (
            ("PATCH", body, "handling=strict"),
            ("POST", body, "resolution=merge-duplicates"),
            ("PATCH", with_meta, "handling=strict"),
        ):
            reply = await service.request(
                method, f"/v1/{name}", data=data, content_type=media_type, prefer=prefer
            )
            where = (name, method, prefer, reply.body)
            assert reply.status in (200, 201), where
            assert reply.body["metadata"]["unchanged"] == len(items), where
            assert await listed(service, name) == shown, where
        if form == "csv":  # it has no empty texts
            continue
        reply = await fresh.request("POST", f"/v1/{name}", data=body, content_type=media_type)
        assert reply.status == 201, (name, reply.body)
        assert await listed(fresh, name) == shown, name


async def test_h28_one_item_can_be_sent_back(accounts: tuple[Service, Service]) -> None:
    service, _ = accounts
    item = {"name": "N", "m": 1}
    made = await service.post("whole", item)
    key = made.body["data"][0]["id"]
    for extension, media_type, back in BACK.values():
        if media_type not in ("text/csv", "application/x-ndjson"):  # both are for lists
            body = back(await read(service, f"whole/{key}.{extension}?select=meta"))
            reply = await service.request("PATCH", "/v1/whole", data=body, content_type=media_type)
            assert reply.body["metadata"]["outcomes"] == ["unchanged"], (media_type, reply.body)


async def test_what_is_only_shown_is_unknown_as_marshmallow_says(
    accounts: tuple[Service, Service],
) -> None:
    service, _ = accounts
    refused = await service.post(STRICT, {"name": "Bo", "slog": "x", "slug": 1})
    assert sorted(refused.codes[0]) == [(42208, "slog"), (42208, "slug")]
    assert refused.body["failures"][0]["rawData"]["slug"] == 1


async def test_a_hook_sees_what_is_only_shown(accounts: tuple[Service, Service]) -> None:
    service, _ = accounts
    made = await service.post("splits", {"full": "Ann Lee"})
    assert made.body["data"][0]["full"] == "Ann Lee"
