"""Hooks of schemas: before and after loading and dumping, on items and on collections."""

import datetime as dt
from typing import Any

from marshmallow import (
    EXCLUDE,
    Schema,
    SchemaOpts,
    ValidationError,
    fields,
    post_dump,
    post_load,
    pre_dump,
    pre_load,
    validates,
    validates_schema,
)

from tests.schema_shapes.shape import Bad, Shape


class Normal(Schema):
    """Normalises, and shows links that are not stored."""

    email, name = fields.Email(required=True), fields.String()

    @post_load
    def lower(self, data: Any, **_: Any) -> Any:
        if "email" in data:
            data["email"] = data["email"].lower()
        return data

    @post_dump
    def link(self, shown: Any, **_: Any) -> Any:
        shown["links"] = {"self": "/x/" + shown["email"]}
        return shown


class Shouted(Schema):
    email, name = fields.Email(required=True), fields.String()
    shout = fields.Function(lambda item: (item.get("name") or "").upper())

    @post_load
    def lower(self, data: Any, **_: Any) -> Any:
        return {**data, "email": data["email"].lower()} if "email" in data else data


class Envelope(Schema):
    key, name = fields.Integer(required=True), fields.String(required=True)
    note = fields.String(load_default=None)

    @pre_load(pass_collection=True)
    def unwrap(self, data: Any, **_: Any) -> Any:
        return data["data"] if isinstance(data, dict) and "data" in data else data

    @post_dump(pass_collection=True)
    def wrap(self, shown: Any, **_: Any) -> Any:
        return {"data": shown}


class Loading(Envelope):
    """Loads more than its fields, in an override."""

    def load(self, data: Any, **kwargs: Any) -> Any:
        return {**super().load(data, **kwargs), "more": dt.timedelta(1)}


class NamedOptions(SchemaOpts):
    def __init__(self, meta: Any, **kwargs: Any) -> None:
        super().__init__(meta, **kwargs)
        self.name = getattr(meta, "name", None)


class Named(Schema):
    OPTIONS_CLASS = NamedOptions

    @pre_load(pass_collection=True)
    def unwrap(self, data: Any, **_: Any) -> Any:
        name = self.opts.name  # type: ignore[attr-defined]
        return data[name] if isinstance(data, dict) and name in data else data


class User(Named):
    key, name = fields.Integer(required=True), fields.String()

    class Meta:
        name = "user"


class Ruled(Schema):
    key = fields.Integer(required=True)
    a, b, c = fields.String(data_key="A"), fields.String(data_key="B b"), fields.Integer()

    @validates("a", "b")
    def good(self, value: str, data_key: str) -> None:
        if value == "bad":
            raise ValidationError(f"{data_key} is bad")

    @validates("c")
    def small(self, value: int, **_: Any) -> None:
        if value > 5:
            raise ValidationError(["too much", "really"])


class Period(Schema):
    key, colour = fields.Integer(required=True), fields.String()
    start, end = fields.DateTime(), fields.DateTime()

    class Meta:
        unknown = EXCLUDE

    @validates_schema(skip_on_field_errors=False)
    def order(self, data: Any, **_: Any) -> None:
        if data.get("start") and data.get("end") and data["start"] > data["end"]:
            raise ValidationError("end before start", "end")

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def known(self, data: Any, original: Any, **_: Any) -> None:
        if isinstance(original, dict) and (more := sorted(set(original) - set(self.fields))):
            raise ValidationError({name: ["not known here"] for name in more})


class Shift(Schema):
    """Rich values in lists, and a hook that sees them dumped."""

    key = fields.Integer(required=True)
    days, at = fields.List(fields.Date()), fields.List(fields.DateTime())
    took = fields.TimeDelta()
    prices = fields.Dict(keys=fields.String(), values=fields.Decimal(places=2, as_string=True))
    ids = fields.Tuple((fields.UUID(), fields.Integer()))
    inner = fields.Nested(Schema.from_dict({"day": fields.Date(), "share": fields.Float()}))

    @post_dump
    def drop_nothing(self, shown: Any, **_: Any) -> Any:
        return {name: value for name, value in shown.items() if value is not None}


class Aged(Schema):
    key, name = fields.Integer(required=True), fields.String()
    when, age = fields.DateTime(), fields.Integer(dump_only=True)

    @pre_dump
    def count(self, item: Any, **_: Any) -> Any:
        return {**item, "age": item["when"].year - 2000} if item.get("when") else item


class Renaming(Schema):
    """Changes in place what it is given."""

    key, email, scheme = fields.Integer(required=True), fields.Email(), fields.String()
    phone = fields.String(load_default=None)

    @pre_load
    def rename(self, data: Any, **_: Any) -> Any:
        for old, new in (("Email Address", "email"), ("Phone Number", "phone")):
            if old in data:
                data[new] = data.pop(old)
        data["scheme"] = "auto"
        return data


class Refusing(Schema):
    key, a = fields.Integer(required=True), fields.String(data_key="AA")

    @post_load
    def look(self, data: Any, **_: Any) -> Any:
        match data.get("a"):
            case "field":
                raise ValidationError("not that", "a")
            case "dict":
                raise ValidationError({"a": ["not that"], "_schema": ["nor all"]})
            case "schema":
                raise ValidationError("not that")
            case "broken":
                raise KeyError("broken")
        return data


class Adding(Schema):
    """Loads more than its fields."""

    key, a = fields.Integer(required=True), fields.String()

    @post_load
    def add(self, data: Any, **_: Any) -> Any:
        class Mine(dict[str, Any]):
            pass

        return Mine(data, day=dt.date(2024, 1, 1), kind=object)


DAY, NEXT = "2024-01-01T00:00:00+00:00", "2024-02-01T00:00:00+00:00"
SHAPES = [
    Shape(
        "normals",
        Normal,
        key="email",
        items=[{"email": "Ann@Example.com", "name": "A"}, {"email": "b@x.org"}],
        changes=[(0, {"email": "Ann@Example.com", "name": "Z"})],
        bad=[Bad({"email": "no"}, [(42204, "email")])],
    ),
    Shape(
        "shouteds",
        Shouted,
        key="email",
        items=[{"email": "Ann@Example.com", "name": "A"}],
        changes=[(0, {"email": "Ann@Example.com", "name": "z"})],
        bad=[Bad({"email": "no"}, [(42204, "email")])],
    ),
    Shape(
        "envelopes",
        Envelope,
        key="key",
        items=[{"data": {"key": 1, "name": "a"}}, {"key": 2, "name": "b"}],
        changes=[
            (1, {"key": 2, "name": "n"}),
            (0, {"data": {"key": 1, "name": "m", "note": "x"}}),
        ],
        bad=[
            Bad({"data": {"key": 1}}, [(42201, "name")]),
            Bad({"data": 5}, [(42210, None)]),
        ],
    ),
    Shape(
        "loadings",
        Loading,
        key="key",
        items=[{"data": {"key": 1, "name": "a", "note": "x"}}],
        changes=[(0, {"data": {"key": 1, "note": None}})],
    ),
    Shape(
        "users",
        User,
        key="key",
        items=[{"user": {"key": 1, "name": "a"}}, {"key": 2}],
        changes=[(0, {"user": {"key": 1, "name": "q"}})],
        bad=[Bad({"user": {"key": "x"}}, [(42203, "key")])],
    ),
    Shape(
        "ruleds",
        Ruled,
        key="key",
        items=[{"key": 1, "A": "x", "B b": "y", "c": 3}],
        changes=[(0, {"key": 1, "A": "z"})],
        bad=[
            Bad(
                {"key": 2, "A": "bad", "B b": "bad", "c": 9},
                [(42210, "A"), (42210, "B b"), (42210, "c"), (42210, "c")],
            ),
            Bad({"key": 1, "A": "bad"}, [(42210, "A")], of=0),
        ],
    ),
    Shape(
        "periods",
        Period,
        key="key",
        items=[{"key": 1, "start": "2024-01-01T00:00:00+02:00", "end": NEXT}],
        changes=[(0, {"key": 1, "colour": "red"})],
        bad=[
            Bad({"key": "x", "start": NEXT, "end": DAY}, [(42203, "key"), (42210, "end")]),
            Bad({"key": 2, "color": 1, "Foo": 2}, [(42210, "Foo"), (42210, "color")]),
            Bad({"key": 1, "start": NEXT, "end": DAY}, [(42210, "end")], of=0),
        ],
    ),
    Shape(
        "shifts",
        Shift,
        key="key",
        items=[
            {
                "key": 1,
                "days": ["2024-01-01"],
                "at": [DAY],
                "took": 3600,
                "prices": {"a": "1.005"},
                "ids": ["00000000-0000-7000-8000-000000000001", 3],
                "inner": {"day": "2024-05-05", "share": 1},
            },
            {"key": 2},
        ],
        changes=[
            (0, {"key": 1, "days": ["2024-01-02", "2024-01-03"]}),
            (1, {"key": 2, "took": 5}),
        ],
        bad=[
            Bad(
                {"key": 3, "days": ["x"], "took": "y", "prices": {"a": "z"}, "ids": [1]},
                [(42204, "days.0"), (42203, "took"), (42203, "prices.a"), (42206, "ids")],
            )
        ],
    ),
    Shape(
        "ageds",
        Aged,
        key="key",
        items=[{"key": 1, "name": "a", "when": DAY}, {"key": 2}],
        changes=[(1, {"key": 2, "when": "2023-01-01T00:00:00+00:00"})],
        bad=[Bad({"key": 3, "age": 5}, [(42208, "age")])],
    ),
    Shape(
        "renamings",
        Renaming,
        key="key",
        items=[{"key": 1, "Email Address": "a@b.co", "Phone Number": "1"}],
        changes=[(0, {"key": 1, "Email Address": "c@d.co", "Phone Number": "2"})],
        bad=[Bad({"key": 2, "Email Address": "bad"}, [(42204, "email")])],
    ),
    Shape(
        "refusings",
        Refusing,
        key="key",
        items=[{"key": 1, "AA": "x"}],
        changes=[(0, {"key": 1, "AA": "y"})],
        bad=[
            Bad({"key": 2, "AA": "field"}, [(42210, "a")]),
            Bad({"key": 3, "AA": "dict"}, [(42210, "a"), (42210, None)]),
            Bad({"key": 4, "AA": "schema"}, [(42210, None)]),
            Bad({"key": 5, "AA": "broken"}, [(42210, None)]),
            Bad({"key": 1, "AA": "field"}, [(42210, "a")], of=0),
        ],
    ),
    Shape(
        "addings",
        Adding,
        key="key",
        items=[{"key": 1, "a": "x"}],
        changes=[(0, {"key": 1, "a": "y"})],
    ),
]
