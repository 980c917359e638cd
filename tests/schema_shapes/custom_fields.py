"""Fields that load and show in ways of their own, and schemas that override how they show."""

import datetime as dt
from decimal import Decimal
from enum import Enum
from typing import Any

from marshmallow import Schema, ValidationError, fields

from tests.schema_shapes.shape import Bad, Shape


class Keyed(Schema):
    key = fields.Integer(required=True)


class Csv(fields.Field[list[str]]):
    """Loads a list out of a text, and may not be dumped twice."""

    def _serialize(self, value: Any, attr: Any, obj: Any, **_: Any) -> Any:
        return None if value is None else ",".join(value)

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> list[str]:
        if not isinstance(value, str):
            raise self.make_error("validator_failed")
        return value.split(",")


class Labelled(Keyed):
    labels = Csv()


class Counted(Labelled):
    count = fields.Function(lambda item: len(item.get("labels") or []))


class CsvText(fields.String):
    """The same, made of a field for texts."""

    def _serialize(self, value: Any, attr: Any, obj: Any, **_: Any) -> Any:
        return None if value is None else ",".join(value)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, attr, data, **kwargs).split(",")


class Tagged(Keyed):
    tags = CsvText()


class Split(Keyed):
    tags = fields.String(pre_load=str.strip, post_load=lambda value: value.split(","))


class Epoch(fields.DateTime):
    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return int(super()._deserialize(value, attr, data, **kwargs).timestamp())

    def _serialize(self, value: Any, attr: Any, obj: Any, **_: Any) -> Any:
        return None if value is None else dt.datetime.fromtimestamp(value, dt.UTC).isoformat()


class Timed(Keyed):
    at = Epoch()


class Cents(fields.Integer):
    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return Decimal(super()._deserialize(value, attr, data, **kwargs)) / 100

    def _serialize(self, value: Any, attr: Any, obj: Any, **_: Any) -> Any:
        return None if value is None else int(value * 100)


class Priced(Keyed):
    price = Cents()


class Money(fields.Decimal):
    """Looks at its neighbour."""

    def _serialize(self, value: Any, attr: Any, obj: Any, **_: Any) -> Any:
        return None if value is None else f"{value} {obj['currency']}"


class Paid(Keyed):
    currency, amount = fields.String(required=True), Money()


class Lower(fields.String):
    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, attr, data, **kwargs).strip().lower()


class Subscriber(Schema):
    """A key that is normalised."""

    email, number = Lower(required=True), fields.Integer()


class Shout(fields.String):
    def serialize(self, attr: str, obj: Any, accessor: Any = None, **kwargs: Any) -> Any:
        value = super().serialize(attr, obj, accessor, **kwargs)
        return f"{value}!" if isinstance(value, str) else value


class Shouting(Keyed):
    name = Shout()
    filled = fields.String(dump_default="nothing")
    seven = fields.Integer(dump_default=lambda: 7, dump_only=True)


class Upper(Keyed):
    name = fields.String()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        value = super().get_attribute(obj, attr, default)
        return value.upper() if isinstance(value, str) else value


class Wrapped(Keyed):
    name = fields.String()

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return {"wrapped": super().dump(obj, many=many)}


class Person(Schema):
    """Fields that are computed, one of which is also loaded."""

    key, born = fields.Integer(required=True), fields.Date()
    first, last = fields.String(required=True), fields.String(required=True)
    full = fields.Function(lambda item: f"{item['first']} {item['last']}")
    initials = fields.Method("get_initials")
    extra = fields.Method("dump_extra", deserialize="load_extra", allow_none=True)

    def get_initials(self, item: Any) -> str:
        return str(item["first"][0] + item["last"][0])

    def dump_extra(self, item: Any) -> str | None:
        return "|".join(item["extra"]) if item.get("extra") else None

    def load_extra(self, value: Any) -> list[str]:
        if not isinstance(value, str):
            raise ValidationError("no text")
        return value.split("|")


class Costs(Keyed):
    cost = fields.Function(lambda item: item.get("cost", 0), deserialize=float)
    hidden = fields.Function(deserialize=float)


class Nicknamed(Keyed):
    """Tells nothing from null."""

    nick = fields.String(allow_none=True)
    loud = fields.Function(lambda item: (item.get("nick", "nobody") or "null").upper())


class Secretive(Keyed):
    """Never shows what its own field could not."""

    year = fields.Date(load_only=True, post_load=lambda day: [day.year])
    days = fields.List(fields.Date(), load_only=True)
    first = fields.Function(lambda item: item["days"][0].isoformat() if "days" in item else None)


class Size(Enum):
    small, large = "s", "l"


class Sized(Schema):
    size, name = fields.Enum(Size), Shout()


class Bought(Keyed):
    """Holds a member of an Enum beside a field that shows another value than it loads."""

    thing = fields.Nested(Sized)
    count = fields.Function(lambda item: len(item))


class Inverse(Keyed):
    """Cannot be shown where there is 0."""

    a, inverse = fields.Integer(), fields.Function(lambda item: 1 / item["a"])


LABELS = [(0, {"key": 1, "labels": "x,y,zz"})]
SHAPES = [
    Shape(
        "labelleds",
        Labelled,
        key="key",
        items=[{"key": 1, "labels": "a,bb"}],
        changes=LABELS,
        bad=[Bad({"key": 3, "labels": 4}, [(42210, "labels")])],
    ),
    Shape(
        "counteds",
        Counted,
        key="key",
        items=[{"key": 1, "labels": "a,bb"}, {"key": 2}],
        changes=LABELS,
        bad=[Bad({"key": 3, "labels": 4}, [(42210, "labels")])],
    ),
    Shape(
        "taggeds",
        Tagged,
        key="key",
        items=[{"key": 1, "tags": "a,b"}, {"key": 2}],
        changes=[(0, {"key": 1, "tags": "x"})],
        bad=[Bad({"key": 3, "tags": 5}, [(42203, "tags")])],
    ),
    Shape(
        "splits",
        Split,
        key="key",
        items=[{"key": 1, "tags": " a,b "}, {"key": 3, "tags": "x"}],
        changes=[(1, {"key": 3, "tags": " y,z"})],
    ),
    Shape(
        "timeds",
        Timed,
        key="key",
        items=[{"key": 1, "at": "2024-01-01T00:00:00Z"}],
        changes=[(0, {"key": 1, "at": "2024-01-01T00:00:00+02:00"})],
        bad=[Bad({"key": 2, "at": "x"}, [(42204, "at")])],
    ),
    Shape(
        "priceds",
        Priced,
        key="key",
        items=[{"key": 1, "price": 1999}],
        changes=[(0, {"key": 1, "price": 5})],
        bad=[Bad({"key": 2, "price": "x"}, [(42203, "price")])],
    ),
    Shape(
        "paids",
        Paid,
        key="key",
        items=[{"key": 1, "currency": "EUR", "amount": "1.50"}],
        changes=[(0, {"key": 1, "currency": "USD"})],
        bad=[Bad({"key": 2, "amount": "x"}, [(42201, "currency"), (42203, "amount")])],
    ),
    Shape(
        "subscribers",
        Subscriber,
        key="email",
        items=[{"email": " Ann@X.org ", "number": 1}],
        changes=[(0, {"email": "ANN@X.org", "number": 2})],
        bad=[Bad({"email": 5}, [(42203, "email")])],
    ),
    Shape(
        "shoutings",
        Shouting,
        key="key",
        items=[{"key": 1, "name": "abc"}, {"key": 2, "filled": "x"}, {"key": 3}],
        changes=[(2, {"key": 3, "name": "b"}), (0, {"key": 1, "filled": "y"})],
    ),
    Shape(
        "uppers",
        Upper,
        key="key",
        items=[{"key": 1, "name": "abc"}],
        changes=[(0, {"key": 1, "name": "b"})],
    ),
    Shape(
        "wrappeds",
        Wrapped,
        key="key",
        items=[{"key": 1, "name": "a"}],
        changes=[(0, {"key": 1, "name": "b"})],
    ),
    Shape(
        "persons",
        Person,
        key="key",
        items=[
            {"key": 1, "first": "Ann", "last": "Lee", "born": "2000-01-02", "extra": "a|b"},
            {"key": 2, "first": "Bo", "last": "Ng"},
        ],
        changes=[(0, {"key": 1, "last": "Kim"}), (0, {"key": 1, "extra": "z"})],
        bad=[
            Bad({"key": 3, "first": "X", "last": "Y", "extra": 5}, [(42210, "extra")]),
            Bad({"key": 4, "full": "x y"}, [(42201, "first"), (42201, "last"), (42208, "full")]),
        ],
    ),
    Shape(
        "costs",
        Costs,
        key="key",
        items=[{"key": 1, "cost": "1.5", "hidden": "2"}, {"key": 2}],
        changes=[(1, {"key": 2, "cost": 7})],
        bad=[Bad({"key": 3, "cost": "x"}, [(42210, None)])],
    ),
    Shape(
        "inverses",
        Inverse,
        key="key",
        items=[{"key": 1, "a": 2}, {"key": 2, "a": 0}],
        changes=[(1, {"key": 2, "a": 4}), (0, {"key": 1, "a": 0})],
    ),
    Shape(
        "nicknameds",
        Nicknamed,
        key="key",
        items=[{"key": 1}, {"key": 2, "nick": None}, {"key": 3, "nick": "Bo"}],
        changes=[(2, {"key": 3, "nick": None}), (0, {"key": 1, "nick": "Al"})],
    ),
    Shape(
        "secretives",
        Secretive,
        key="key",
        items=[{"key": 1, "year": "2024-02-29", "days": ["2024-01-01"]}, {"key": 2}],
        changes=[(1, {"key": 2, "days": ["2023-01-01"]}), (0, {"key": 1, "year": "2023-01-01"})],
    ),
    Shape(
        "boughts",
        Bought,
        key="key",
        items=[{"key": 1, "thing": {"size": "small", "name": "red"}}],
        changes=[(0, {"key": 1, "thing": {"size": "large", "name": "b"}})],
    ),
]
