"""Schemas that choose another schema for each item."""

import datetime as dt
from typing import Any

from marshmallow import Schema, fields
from marshmallow_oneofschema import OneOfSchema

from tests.schema_shapes.shape import Bad, Shape


class Text(Schema):
    key, text = fields.Integer(required=True), fields.String(required=True)


class Number(Schema):
    key, number = fields.Integer(required=True), fields.Integer(required=True)


class Either(OneOfSchema):  # type: ignore[misc]
    type_schemas = {"text": Text, "number": Number}  # noqa: RUF012

    def get_obj_type(self, obj: Any) -> str:
        return "text" if "text" in obj else "number"


class Holder(Schema):
    key, shape = fields.Integer(required=True), fields.Nested(Either)
    shapes = fields.List(fields.Nested(Either))


class Typed(Schema):
    """The same, as people write it themselves."""

    def load(self, data: Any, **_: Any) -> Any:
        kind = {"day": fields.Date(), "text": fields.String()}[data["type"]]
        return {"value": kind.deserialize(data["value"])}

    def dump(self, obj: Any, **_: Any) -> Any:
        kind = "day" if isinstance(obj["value"], dt.date) else "text"
        return {"type": kind, "value": str(obj["value"])}


SHAPES = [
    Shape(
        "eithers",
        Either,
        items=[
            {"type": "text", "key": 1, "text": "x"},
            {"type": "number", "key": 2, "number": 3},
        ],
        changes=[(0, {"type": "text", "key": 1, "text": "y"})],
        bad=[
            Bad({"type": "zzz"}, [(42210, "type")]),
            Bad({"text": "x"}, [(42210, "type")]),
            Bad({"type": "text", "key": 2}, [(42210, "text")]),
        ],
    ),
    Shape(
        "holders",
        Holder,
        key="key",
        items=[
            {
                "key": 1,
                "shape": {"type": "text", "key": 1, "text": "x"},
                "shapes": [{"type": "number", "key": 1, "number": 2}],
            }
        ],
        changes=[(0, {"key": 1, "shape": {"type": "number", "key": 4, "number": 5}})],
        bad=[
            Bad(
                {"key": 2, "shape": {"type": "q"}, "shapes": [{}, {"type": "number", "key": "x"}]},
                [
                    (42210, "shape.type"),
                    (42210, "shapes.0.type"),
                    (42210, "shapes.1.key"),
                    (42210, "shapes.1.number"),
                ],
            )
        ],
    ),
    Shape(
        "typeds",
        Typed,
        items=[{"type": "day", "value": "2024-01-01"}, {"type": "text", "value": "a"}],
        changes=[(0, {"type": "text", "value": "b"})],
        bad=[Bad({"type": "other", "value": 1}, [(42210, None)])],
    ),
]
