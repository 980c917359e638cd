"""Values of every kind of field, and their defaults."""

import datetime as dt
import decimal
import uuid
from collections import OrderedDict
from enum import Enum, IntEnum
from typing import Any

from marshmallow import Schema, fields, validate

from tests.schema_shapes.shape import Bad, Shape


class Colour(Enum):
    red = "r"
    blue = "b"


class Level(IntEnum):
    low = 1
    high = 2


class Tag(Schema):
    name = fields.String(required=True, validate=validate.Length(max=5))


class Ordered(fields.Mapping[OrderedDict[str, Any]]):
    mapping_type = OrderedDict


class Maps(Schema):
    """Dicts with keys and values of many types."""

    key = fields.Integer(required=True)
    numbers = fields.Dict(keys=fields.Integer(), values=fields.Float())
    days = fields.Dict(keys=fields.Date(), values=fields.Date())
    colours = fields.Dict(keys=fields.Enum(Colour), values=fields.Enum(Colour, by_value=True))
    ids = fields.Dict(keys=fields.UUID(), values=fields.List(fields.Decimal()))
    tags = Ordered(keys=fields.String(validate=validate.Length(max=2)), values=fields.Nested(Tag))
    floats, flags = fields.Dict(keys=fields.Float()), fields.Dict(keys=fields.Boolean())


class Kinds(Schema):
    key = fields.Enum(Colour, by_value=True, required=True)
    parts = fields.Tuple((fields.String(), fields.Integer(), fields.Date()))
    constant = fields.Constant("v1")
    level = fields.Enum(Level, by_value=fields.Integer())
    level_name = fields.Enum(Level)
    took = fields.TimeDelta(precision="minutes")
    interface, six, address = fields.IPv4Interface(), fields.IPv6(exploded=True), fields.IP()
    rounded = fields.Decimal(places=2, rounding=decimal.ROUND_HALF_UP)
    as_text = fields.Decimal(as_string=True)
    strict, number = fields.Integer(strict=True), fields.Integer(as_string=True)
    float_text = fields.Float(as_string=True)
    flag = fields.Boolean(truthy={"y"}, falsy={"n"})
    url = fields.Url(schemes={"git", "https"}, require_tld=False)
    raw = fields.Raw()
    time, short_time = fields.Time(), fields.Time(format="%H:%M")
    naive = fields.NaiveDateTime(format="%Y-%m-%d %H:%M")
    aware, moment = fields.AwareDateTime(default_timezone=dt.UTC), fields.DateTime()


class Stamps(Schema):
    """Times in formats without an offset."""

    key = fields.Integer(required=True)
    rfc = fields.DateTime(format="rfc")
    seconds = fields.NaiveDateTime(format="timestamp")
    millis = fields.AwareDateTime(format="timestamp_ms", default_timezone=dt.UTC)
    own = fields.AwareDateTime(
        format="%d/%m/%Y %H:%M", default_timezone=dt.timezone(dt.timedelta(hours=1))
    )
    moved = fields.NaiveDateTime(timezone=dt.timezone(dt.timedelta(hours=2)))


class Defaults(Schema):
    key = fields.Integer(required=True)
    id_ = fields.UUID(load_default=lambda: uuid.UUID(int=7))
    numbers = fields.List(fields.Integer(), load_default=list)
    nothing = fields.String(load_default=None)
    both = fields.String(load_default="loaded", dump_default="dumped")
    since = fields.DateTime(load_default=lambda: dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    colour = fields.Enum(Colour, load_default=Colour.red)
    more = fields.Dict(load_default=dict)


def keyed_by(field: fields.Field[Any]) -> type[Schema]:
    return Schema.from_dict({"the_key": field, "value": fields.Integer()})


def of_key(name: str, field: fields.Field[Any], *keys: str, wrong: str, code: int = 42204) -> Shape:
    return Shape(
        name,
        keyed_by(field),
        key="the_key",
        items=[{"the_key": key, "value": number} for number, key in enumerate(keys)],
        changes=[(0, {"the_key": keys[0], "value": 7})],
        bad=[Bad({"the_key": wrong}, [(code, "the_key")])],
    )


ID = "00000000-0000-7000-8000-000000000001"
SHAPES = [
    Shape(
        "maps",
        Maps,
        key="key",
        items=[
            {
                "key": 1,
                "numbers": {"1": 1, "02": 2.5},
                "days": {"2024-01-01": "2024-01-02"},
                "colours": {"red": "b"},
                "ids": {ID: ["1.10", 2]},
                "tags": {"a": {"name": "x"}},
                "floats": {"1.50": 1},
                "flags": {"true": 1, "no": [2]},
            }
        ],
        changes=[(0, {"key": 1, "numbers": {"7": 7}})],
        bad=[
            Bad(
                {
                    "key": 2,
                    "numbers": {"x": "y", "1": None},
                    "days": {"1": 1},
                    "colours": {"green": "x"},
                    "tags": {"long": {"name": "toolong"}, "b": {"q": 1}},
                },
                [
                    (42203, "numbers.x"),
                    (42203, "numbers.x"),
                    (42202, "numbers.1"),
                    (42204, "days.1"),
                    (42203, "days.1"),
                    (42207, "colours.green"),
                    (42207, "colours.green"),
                    (42206, "tags.long"),
                    (42206, "tags.long.name"),
                    (42201, "tags.b.name"),
                    (42208, "tags.b.q"),
                ],
            ),
            Bad({"key": 3, "numbers": []}, [(42203, "numbers")]),
        ],
    ),
    Shape(
        "kinds",
        Kinds,
        key="key",
        items=[
            {
                "key": "r",
                "parts": ["a", 1, "2024-01-01"],
                "constant": "anything",
                "level": 2,
                "level_name": "low",
                "took": 90,
                "interface": "1.2.3.4/32",
                "six": "::1",
                "address": "::ffff:1.2.3.4",
                "rounded": "1.005",
                "as_text": "1E+2",
                "strict": 5,
                "number": "7",
                "float_text": "1e3",
                "flag": "y",
                "url": "git://localhost/x",
                "raw": {"b": 1, "aa": [1e300, -0.0, 1.0, 1e22], "a": None},
                "time": "10:00:00.5",
                "short_time": "09:30",
                "naive": "2024-01-01 10:00",
                "aware": "2024-01-01T10:00:00",
                "moment": "2024-01-01T10:00:00.000001+02:00",
            },
            {
                "key": "b",
                "as_text": "1.500",
                "interface": "10.1.2.3/8",
                "float_text": 1e300,
                "rounded": 1.1,
                "took": 1.5,
                "raw": "x",
            },
        ],
        changes=[(0, {"key": "r", "took": 5, "as_text": "2.50"}), (0, {"key": "r", "raw": [1]})],
        bad=[
            Bad(
                {
                    "key": "x",
                    "parts": ["a"],
                    "level": 3,
                    "level_name": "nix",
                    "took": "z",
                    "interface": "1.2.3.4/40",
                    "six": "1.1.1.1",
                    "rounded": "NaN",
                    "as_text": "inf",
                    "strict": 5.5,
                    "number": 1.5,
                    "flag": "true",
                    "url": "http://localhost",
                    "time": "25:00",
                    "short_time": "09:30:00",
                    "naive": "2024",
                    "aware": "x",
                },
                [
                    (42207, "key"),
                    (42206, "parts"),
                    (42207, "level"),
                    (42207, "level_name"),
                    (42203, "took"),
                    (42204, "interface"),
                    (42204, "six"),
                    (42205, "rounded"),
                    (42205, "as_text"),
                    (42203, "strict"),
                    (42203, "flag"),
                    (42204, "url"),
                    (42204, "time"),
                    (42204, "short_time"),
                    (42204, "naive"),
                    (42204, "aware"),
                ],
            ),
            Bad(
                {"key": "r", "parts": ["a", "b", "c"], "strict": "5"},
                [(42203, "parts.1"), (42204, "parts.2"), (42203, "strict")],
            ),
        ],
    ),
    Shape(
        "stamps",
        Stamps,
        key="key",
        items=[
            {"key": 1, "rfc": "Thu, 29 Feb 2024 10:00:00 +0200"},
            {"key": 2, "seconds": 1709200800.25},
            {"key": 3, "millis": 1709200800123},
            {"key": 4, "own": "01/02/2024 10:00"},
            {"key": 5, "moved": "2024-01-01T10:00:00+05:00"},
        ],
        changes=[(3, {"key": 4, "own": "01/07/2024 11:00"})],
        bad=[
            Bad(
                {"key": 6, "rfc": "x", "seconds": "y", "own": "2024-01-01"},
                [(42204, "rfc"), (42204, "seconds"), (42204, "own")],
            )
        ],
    ),
    Shape(
        "defaults",
        Defaults,
        key="key",
        items=[{"key": 1}, {"key": 2, "nothing": "x", "numbers": [1]}],
        changes=[(0, {"key": 1, "both": "z"}), (1, {"key": 2, "nothing": None})],
        bad=[Bad({"key": 3, "both": None}, [(42202, "both")])],
    ),
    of_key(
        "by_day",
        fields.Date(format="%d/%m/%Y", required=True),
        "29/02/2024",
        "01/03/2024",
        wrong="2024-02-29",
    ),
    of_key("by_address", fields.IP(required=True), "::0001", "192.0.2.1", wrong="x"),
    of_key(
        "by_decimal",
        fields.Decimal(required=True, as_string=True),
        "1.50",
        "2",
        wrong="x",
        code=42203,
    ),
    of_key("by_moment", fields.DateTime(required=True), "2024-01-01T10:00:00+02:00", wrong="x"),
]
