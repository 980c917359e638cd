"""Schemas that load items into objects of the user's."""

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields, post_dump, post_load, validate

from tests.schema_shapes.shape import Bad, Shape


@dataclass
class Album:
    code: str
    title: str = "untitled"
    year: int = 1900


class AlbumSchema(Schema):
    code, title = fields.String(required=True), fields.String()
    year = fields.Integer(validate=validate.Range(min=1900))
    label = fields.Function(lambda album: f"{album.title} ({album.year})")

    @post_load
    def make(self, data: Any, **_: Any) -> Album:
        return Album(**data)


@dataclass
class Book:
    """Cannot be made of a part of its fields."""

    code: str
    title: str


class BookSchema(Schema):
    code, title = fields.String(required=True), fields.String(required=True)
    year = fields.Integer()

    @post_load
    def make(self, data: Any, **_: Any) -> Book:
        data.pop("year", None)
        return Book(**data)


@dataclass
class Address:
    city: str = ""


class AddressSchema(Schema):
    city = fields.String()

    @post_load
    def make(self, data: Any, **_: Any) -> Address:
        return Address(**data)


class Customer(Schema):
    """A dict that holds an object, which another field looks at."""

    key, address = fields.Integer(required=True), fields.Nested(AddressSchema)
    town = fields.Function(lambda item: item["address"].city if item.get("address") else None)


class Mover(Schema):
    key, address = fields.Integer(required=True), fields.Nested(AddressSchema)
    addresses = fields.List(fields.Nested(AddressSchema))


Pair = namedtuple("Pair", "key a")


class PairSchema(Schema):
    key, a = fields.Integer(required=True), fields.String()

    @post_load
    def make(self, data: Any, **_: Any) -> Pair:
        return Pair(data.get("key"), data.get("a"))


class WrappedAddress(AddressSchema):
    @post_dump
    def wrap(self, shown: Any, **_: Any) -> Any:
        return {"data": shown}


class Parcel(Schema):
    """Holds objects that are shown in another form than they are loaded from."""

    key, address = fields.Integer(required=True), fields.Nested(WrappedAddress)
    stops = fields.List(fields.Nested(WrappedAddress))
    town = fields.Function(lambda item: type(item["address"]).__name__)


class Sparse:
    """Has what was sent, and nothing else."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__ |= attributes


class SparseSchema(Schema):
    total = fields.Function(lambda sparse: sparse.price * sparse.count)
    key, price, count = fields.Integer(required=True), fields.Integer(), fields.Integer()
    note = fields.String(allow_none=True)
    noted = fields.Function(lambda sparse: hasattr(sparse, "note"))

    @post_load
    def make(self, data: Any, **_: Any) -> Sparse:
        return Sparse(**data)


class Enclosed(AlbumSchema):
    """Wraps the dump of an object."""

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return {"kind": type(obj).__name__, "album": super().dump(obj, many=many)}


class Described(AlbumSchema):
    """Has a hook that looks at the object after its dump."""

    @post_dump(pass_original=True)
    def describe(self, shown: Any, album: Album, **_: Any) -> Any:
        return {**shown, "described": f"{type(album).__name__} of {album.year}"}


class TupleSchema(Schema):
    """Gives no field of its item back, not even the key."""

    key, a = fields.Integer(required=True), fields.String()

    @post_load
    def make(self, data: Any, **_: Any) -> tuple[Any, ...]:
        return (data.get("key"), data.get("a"))


MOVES = [(0, {"key": 1, "address": {"city": "Oslo"}})]
NOWHERE = [Bad({"key": 2, "address": {"city": 5}}, [(42203, "address.city")])]
SHAPES = [
    Shape(
        "albums",
        AlbumSchema,
        key="code",
        items=[{"code": "x", "title": "T", "year": 1999}, {"code": "y"}],
        changes=[(0, {"code": "x", "title": "New"})],
        bad=[Bad({"code": "z", "year": 1}, [(42205, "year")])],
    ),
    Shape(
        "books",
        BookSchema,
        key="code",
        items=[{"code": "x", "title": "T", "year": 1999}],
        changes=[(0, {"code": "x", "title": "New"})],
        bad=[
            Bad({"code": "z"}, [(42201, "title")]),
            Bad({"code": "x", "year": 3}, [(42210, None)], of=0),
        ],
    ),
    Shape(
        "customers",
        Customer,
        key="key",
        items=[{"key": 1, "address": {"city": "Rome"}}],
        changes=MOVES,
        bad=NOWHERE,
    ),
    Shape(
        "movers",
        Mover,
        key="key",
        items=[{"key": 1, "address": {"city": "Rome"}, "addresses": [{"city": "a"}, {}]}],
        changes=MOVES,
        bad=NOWHERE,
    ),
    Shape(
        "pairs",
        PairSchema,
        key="key",
        items=[{"key": 1, "a": "x"}],
        changes=[(0, {"key": 1, "a": "y"})],
    ),
    Shape(
        "tuples",
        TupleSchema,
        key="key",
        items=[],
        bad=[Bad({"key": 1, "a": "x"}, [(42209, "key")])],
    ),
    Shape(
        "parcels",
        Parcel,
        key="key",
        items=[{"key": 1, "address": {"city": "Rome"}, "stops": [{"city": "a"}, {}]}],
        changes=[(0, {"key": 1, "stops": [{"city": "b"}]}), *MOVES],
    ),
    Shape(
        "sparses",
        SparseSchema,
        key="key",
        items=[{"key": 1, "price": 2, "count": 3}, {"key": 2, "price": 1, "count": 1, "note": "x"}],
        changes=[(0, {"key": 1, "price": 5}), (1, {"key": 2, "note": None})],
    ),
    Shape(
        "encloseds",
        Enclosed,
        key="code",
        items=[{"code": "x", "title": "T", "year": 1999}, {"code": "y"}],
        changes=[(0, {"code": "x", "title": "New"})],
    ),
    Shape(
        "describeds",
        Described,
        key="code",
        items=[{"code": "x", "title": "T", "year": 1999}, {"code": "y"}],
        changes=[(0, {"code": "x", "year": 2000})],
    ),
]
