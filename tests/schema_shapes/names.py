"""Names that differ: of fields, in requests, in loaded items, and what `Meta` says of them."""

from collections import OrderedDict
from typing import Any, ClassVar

from marshmallow import INCLUDE, Schema, fields

from tests.schema_shapes.shape import Bad, Shape


class Wide(Schema):
    """Every option of `Meta`."""

    key, a, b = fields.String(required=True), fields.String(), fields.DateTime()
    c, secret = fields.Date(), fields.String()
    made, gone = fields.Integer(), fields.String()

    class Meta:
        load_only, dump_only, exclude = ("secret",), ("made",), ("gone",)
        datetimeformat, dateformat = "rfc", "%d/%m/%Y"
        unknown, ordered = INCLUDE, True


class Dotted(Schema):
    """Loaded into dicts inside of dicts."""

    ref = fields.String(required=True, data_key="Ref No", attribute="ids.ref")
    city = fields.String(attribute="address.city")
    zip = fields.String(attribute="address.zip", data_key="ZIP")
    x = fields.Integer(attribute="y")


class Camel(Schema):
    user_key = fields.Integer(required=True)
    first_name = fields.String(required=True)

    def on_bind_field(self, field_name: str, field_obj: Any) -> None:
        first, *others = (field_obj.data_key or field_name).split("_")
        field_obj.data_key = first + "".join(map(str.title, others))


ODD = Schema.from_dict(
    {
        "key": fields.Integer(required=True),
        "x-y": fields.String(),
        "class": fields.Integer(),
        "Ünï cödé": fields.String(),
        "$id": fields.String(),
        "ctid": fields.Integer(),
        "": fields.String(),
    }
)


class Mixin:
    shared, key = fields.String(required=True), fields.Integer(required=True)


class Parent(Mixin, Schema):
    dict_class, set_class = OrderedDict, set
    zeta, alpha = fields.String(), fields.String()


class Child(Parent):
    zeta: ClassVar[None] = None  # type: ignore[assignment]
    beta = fields.Integer()


SHAPES = [
    Shape(
        "wides",
        Wide,
        key="key",
        items=[
            {
                "key": "k",
                "a": "x",
                "b": "Thu, 29 Feb 2024 10:00:00 +0000",
                "c": "29/02/2024",
                "secret": "s",
                "other": [1],
                "gone": "g",
            }
        ],
        changes=[
            (0, {"key": "k", "secret": "t", "c": "01/03/2024"}),
            (0, {"key": "k", "other": 2}),
        ],
        bad=[
            Bad(
                {"key": "l", "b": "2024-01-01", "c": "2024-01-01", "made": 5},
                [(42204, "b"), (42204, "c")],
            )
        ],
    ),
    Shape(
        "dotteds",
        Dotted,
        key="ref",
        options={"unique": ["zip"]},
        items=[{"Ref No": "r1", "city": "Rome", "ZIP": "1", "x": 5}, {"Ref No": "r2"}],
        changes=[(0, {"Ref No": "r1", "city": "Oslo"}), (1, {"Ref No": "r2", "ZIP": "2"})],
        bad=[
            Bad({"city": 5}, [(42201, "Ref No"), (42203, "city")]),
            Bad({"Ref No": None, "zip": 1}, [(42202, "Ref No"), (42208, "zip")]),
            Bad({"Ref No": "r1", "ZIP": None}, [(42202, "ZIP")], of=0),
        ],
    ),
    Shape(
        "camels",
        Camel,
        key="user_key",
        items=[{"userKey": 1, "firstName": "A"}],
        changes=[(0, {"userKey": 1, "firstName": "B"})],
        bad=[
            Bad({"user_key": 1}, [(42201, "userKey"), (42201, "firstName"), (42208, "user_key")]),
            Bad({"userKey": "x", "firstName": None}, [(42203, "userKey"), (42202, "firstName")]),
        ],
    ),
    Shape(
        "odds",
        ODD,
        key="key",
        items=[
            {
                "key": 1,
                "x-y": "a",
                "class": 3,
                "Ünï cödé": "é",
                "$id": "i",
                "ctid": 3,
                "": "e",
            }
        ],
        changes=[(0, {"key": 1, "class": 9, "": "f"})],
        bad=[Bad({"key": 1, "class": "x"}, [(42203, "class")])],
    ),
    Shape(
        "children",
        Child,
        key="key",
        items=[{"key": 1, "shared": "s", "alpha": "a", "beta": 2}],
        changes=[(0, {"key": 1, "alpha": "b"})],
        bad=[
            Bad({"key": 1, "zeta": "x"}, [(42201, "shared")]),
            Bad({"key": 1, "alpha": None}, [(42202, "alpha")], of=0),
        ],
    ),
]
