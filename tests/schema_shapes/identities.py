"""Keys that schemas declare to be shown, and not loaded."""

from marshmallow import Schema, fields

from tests.schema_shapes.shape import Bad, Shape


class Numbered(Schema):
    """The commonest shape of all."""

    id, name = fields.Integer(dump_only=True), fields.String(required=True)
    created_at = fields.DateTime(dump_only=True)


class Made(Schema):
    id, name = fields.UUID(dump_only=True), fields.String(required=True)


class Optional(Schema):
    id, name = fields.UUID(), fields.String(required=True)


class Unkeyed(Schema):
    name = fields.String(required=True)


ITEMS = [{"name": "a"}, {"name": "b"}]
CHANGES = [(1, {"name": "c"})]
SHAPES = [
    Shape("numbereds", Numbered, items=ITEMS, changes=CHANGES),
    Shape("mades", Made, items=ITEMS, changes=CHANGES),
    Shape(
        "optionals",
        Optional,
        items=ITEMS,
        changes=CHANGES,
        bad=[Bad({"id": 5}, [(42203, "id"), (42201, "name")])],
    ),
    Shape(
        "unkeyeds",
        Unkeyed,
        items=ITEMS,
        changes=CHANGES,
        bad=[Bad({"id": "x"}, [(42204, "id"), (42201, "name")])],
    ),
    Shape(
        "by_name",
        Numbered,
        key="name",
        items=[{"name": "a"}],
        changes=[(0, {"name": "a"})],
        bad=[Bad({"name": "b", "id": 5}, [(42208, "id")])],
    ),
]
