"""What tests of the running service share: resources of every kind, and a client that knows it."""

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from marshmallow import EXCLUDE, INCLUDE, Schema, fields, post_dump, post_load, pre_load, validate

from ingest import Resource
from ingest.examples import airports, contacts, deals
from ingest.resources.registry import Registry


class Colour(Enum):
    red = 1
    blue = 2


class AddressSchema(Schema):
    city = fields.String(required=True)
    zip = fields.String(validate=validate.Length(equal=5))


class EverythingSchema(Schema):
    """One field of every kind of column, under names that invite trouble."""

    code = fields.Integer(required=True, strict=True)
    text = fields.String(data_key="the text", allow_none=True)
    integer = fields.Integer()
    float = fields.Float(allow_nan=True)
    decimal = fields.Decimal(places=None)
    boolean = fields.Boolean()
    uuid = fields.UUID()
    moment = fields.DateTime()
    naive = fields.NaiveDateTime()
    aware = fields.AwareDateTime(format="%Y-%m-%d %H:%M:%S%z")
    date = fields.Date()
    time = fields.Time()
    ip = fields.IP()
    by_name = fields.Enum(Colour)
    by_value = fields.Enum(Colour, by_value=True)
    url = fields.Url()
    address = fields.Nested(AddressSchema)
    addresses = fields.List(fields.Nested(AddressSchema))
    scores = fields.Dict(keys=fields.String(), values=fields.Integer())
    pair = fields.Tuple((fields.String(), fields.Integer()))
    anything = fields.Raw(allow_none=True)
    secret = fields.String(load_only=True)
    renamed = fields.String(attribute="inner.name")

    class Meta:
        include: ClassVar = {
            "xmin": fields.Integer(),
            "$account": fields.String(),
            'quo"te': fields.String(),
            "n" * 80: fields.String(),
        }


@dataclasses.dataclass
class Person:
    name: str
    born: Any = None


class PersonSchema(Schema):
    """Loads objects, and lets its users' code do what it likes."""

    name = fields.String(required=True)
    born = fields.Date(allow_none=True)

    class Meta:
        unknown = EXCLUDE

    @pre_load
    def tidy(self, data: Any, **_: Any) -> Any:
        if isinstance(data, dict) and data.get("name") == "boom":
            raise RuntimeError("the item says boom")
        return data

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Person:
        return Person(**data) if "name" in data else data  # type: ignore[return-value]


class LooseSchema(Schema):
    name = fields.String(required=True)

    class Meta:
        unknown = INCLUDE


class BookingSchema(Schema):
    room = fields.String(required=True)
    slot = fields.Integer(required=True, strict=True)
    guest = fields.String(load_default="nobody")


class SeatSchema(Schema):
    """Unique attributes that may be null, in one column and in two."""

    code = fields.String(required=True, validate=validate.Length(min=1))
    badge = fields.Integer(allow_none=True, strict=True)
    row = fields.String(allow_none=True)
    place = fields.Integer(allow_none=True, strict=True)
    colour = fields.String(load_default="grey", allow_none=True)


class SubscriberSchema(Schema):
    """The profile of document 001's example."""

    _status = fields.Integer(strict=True)
    _fname = fields.String()
    _lname = fields.String(allow_none=True)
    email = fields.Email(required=True)
    phones = fields.List(fields.String())


class ClientSchema(Schema):
    """What answers show of it depends on what they are asked for."""

    name = fields.String(required=True)
    phone = fields.String()
    contact = fields.Nested(AddressSchema)


class NoteSchema(Schema):
    """Dumps its items as a whole."""

    title = fields.String(required=True)
    text = fields.String()
    secret = fields.String(load_only=True)

    @post_dump
    def shout(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "title": f"{data['title']}: {len(data['text'])}"}


everything = Resource("everything", EverythingSchema, key="code")
people = Resource("people", PersonSchema, key="name")
loose = Resource("loose", LooseSchema, key="name")
bookings = Resource("bookings", BookingSchema, unique=[("room", "slot")])
seats = Resource("seats", SeatSchema, key="code", unique=["badge", ("row", "place")])
guarded = Resource("guarded", LooseSchema, idempotency_required=True)
subscribers = Resource("subscribers", SubscriberSchema, unique=["email"])
clients = Resource("clients", ClientSchema, key="name", optional=("contact",))
notes = Resource("notes", NoteSchema, optional=("text",))

REGISTRY = Registry(
    [
        contacts,
        deals,
        airports,
        everything,
        people,
        loose,
        bookings,
        seats,
        guarded,
        clients,
        notes,
        subscribers,
    ]
)


@dataclasses.dataclass(frozen=True)
class Reply:
    """What the service answered."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def codes(self) -> dict[int, list[tuple[int, str | None]]]:
        """The errors of each failed item: (code, field), by the item's index."""
        failures = zip(self.body["metadata"]["invalidItems"], self.body["failures"], strict=True)
        return {
            index: [(error["code"], error.get("field")) for error in failure["errors"]]
            for index, failure in failures
        }

    @property
    def error(self) -> tuple[int, str]:
        """Code and name of the error of the whole request."""
        return self.body["error"]["code"], self.body["error"]["name"]


class Service:
    """A client of the running service, with a token of account `acme`."""

    def __init__(self, client: "TestClient[Any, Any]", token: str) -> None:
        self.client = client
        self.token = token

    @property
    def app(self) -> web.Application:
        """The application behind the client."""
        return self.client.app  # type: ignore[union-attr,no-any-return]  # the tests' server has one

    async def request(
        self, method: str, path: str, items: Any = None, *, token: str | None = None, **options: Any
    ) -> Reply:
        """One request; `items` becomes its JSON body, keywords of `options` aiohttp's or headers.

        A header is a keyword in snake case: `idempotency_key="k"`, `prefer="wait=0"`.
        """
        arguments = {name: options.pop(name) for name in ("data", "params") if name in options}
        headers = {name.replace("_", "-"): value for name, value in options.items()}
        headers.setdefault("Authorization", f"Bearer {token or self.token}")
        if items is not None:
            arguments["json"] = items
        async with self.client.request(method, path, headers=headers, **arguments) as response:
            return Reply(response.status, response.headers, await _document(response))

    async def post(self, collection: str, items: Any, **options: Any) -> Reply:
        return await self.request("POST", f"/v1/{collection}", items, **options)

    async def patch(self, collection: str, items: Any, **options: Any) -> Reply:
        return await self.request("PATCH", f"/v1/{collection}", items, **options)

    async def delete(self, collection: str, items: Any, **options: Any) -> Reply:
        return await self.request("DELETE", f"/v1/{collection}", items, **options)

    async def get(self, path: str, **options: Any) -> Reply:
        return await self.request("GET", f"/v1/{path}", **options)

    async def count(self, collection: str, **filters: Any) -> int:
        reply = await self.get(collection, params=filters)
        count: int = reply.body["metadata"]["recordsCount"]
        return count


async def _document(response: ClientResponse) -> Any:
    body = await response.read()
    return await response.json() if body else None
