"""Schemas inside of schemas: lists, themselves, one field of them, parts of them."""

import re
from typing import Any

from marshmallow import (
    EXCLUDE,
    INCLUDE,
    Schema,
    ValidationError,
    fields,
    post_load,
    validate,
    validates_schema,
)

from tests.schema_shapes.shape import Bad, Shape


class Affiliation(Schema):
    ident, name = fields.String(), fields.String()

    @validates_schema
    def either(self, data: Any, **_: Any) -> None:
        if bool(data.get("ident")) == bool(data.get("name")):
            raise ValidationError("Exactly one of ident or name.", "affiliations")


class Clean(fields.String):
    """Without what is not seen."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return re.sub(r"[\u200b\ufeff]", "", text).strip()


class Party(Schema):
    kind = Clean(
        required=True,
        validate=validate.OneOf(["person", "org"], error="Choose one of {choices}."),
        error_messages={"required": ["Say what kind."]},  # type: ignore[dict-item]
    )
    name, given, family = Clean(), Clean(), Clean()

    @validates_schema
    def named(self, data: Any, **_: Any) -> None:
        if data["kind"] == "person" and not data.get("family"):
            raise ValidationError({"family": ["Family name must be filled."]})

    @post_load
    def fill(self, data: Any, **_: Any) -> Any:
        if data.get("kind") == "person":
            data["name"] = ", ".join(filter(None, (data.get("family"), data.get("given"))))
        else:
            data.pop("family", None)
            data.pop("given", None)
        return data


class Creator(Schema):
    party = fields.Nested(Party, required=True)
    role = fields.String(load_default="author")
    affiliations = fields.List(fields.Nested(Affiliation))


class Record(Schema):
    key = fields.String(required=True)
    title = Clean(required=True, validate=validate.Length(min=3))
    creators = fields.List(
        fields.Nested(Creator),
        required=True,
        validate=validate.Length(min=1, error="Missing data for required field."),
    )
    languages = fields.List(fields.Nested(lambda: Affiliation(only=("name",))))


class Category(Schema):
    slug = fields.String(required=True, validate=validate.Regexp(r"^[a-z0-9-]+$"))
    children = fields.List(fields.Nested(lambda: Category(exclude=("parent",))))
    parent = fields.Nested(lambda: Category(only=("slug",)), allow_none=True, load_default=None)


class Tag(Schema):
    name = fields.String(required=True, validate=validate.Length(max=5))
    colour = fields.String()


class Post(Schema):
    number = fields.Integer(required=True)
    tags, main = fields.Pluck(Tag, "name", many=True), fields.Pluck(Tag, "name")


class Inmost(Schema):
    a, b, c = fields.Integer(required=True), fields.String(), fields.String()


class Middle(Schema):
    open = fields.Nested(Inmost, unknown=INCLUDE)
    partial = fields.Nested(Inmost(partial=True))
    many = fields.List(fields.Nested(Inmost(unknown=EXCLUDE)))


class Deep(Schema):
    key = fields.Integer(required=True)
    middle, partial = fields.Nested(Middle), fields.Nested(Middle(partial=("open.a",)))


class Geometry(Schema):
    type = fields.String(required=True, validate=validate.OneOf(["Point", "Polygon"]))
    coordinates = fields.Raw(required=True)

    @validates_schema
    def measured(self, data: Any, **_: Any) -> None:
        if data["type"] == "Point" and len(data["coordinates"]) not in (2, 3):
            raise ValidationError({"coordinates": ["Need 2 or 3 numbers."]})


LONGITUDE = fields.Float(required=True, validate=validate.Range(-180, 180))
LATITUDE = fields.Float(required=True, validate=validate.Range(-90, 90))


class Feature(Schema):
    """GeoJSON."""

    type = fields.String(required=True, validate=validate.Equal("Feature"))
    id = fields.Integer(required=True)
    geometry = fields.Nested(Geometry, required=True, allow_none=True)
    properties = fields.Dict(required=True, allow_none=True)
    bbox = fields.List(fields.Float(), validate=validate.Length(equal=4))
    point = fields.Tuple((LONGITUDE, LATITUDE))


class Reference(fields.Nested):
    """Takes a number for an object that has it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return (
            {"id": value}
            if isinstance(value, int)
            else super()._deserialize(value, attr, data, **kwargs)
        )


class Person(Schema):
    id, name = fields.Integer(required=True), fields.String()


class Ticket(Schema):
    key, owner = fields.Integer(required=True), Reference(Person)


class Credential(Schema):
    user, made = fields.String(), fields.Integer(dump_only=True)


class Login(Schema):
    key, credential = fields.Integer(required=True), fields.Nested(Credential)


def person(**names: str) -> dict[str, Any]:
    return {"party": {"kind": "person", **names}}


SHAPES = [
    Shape(
        "records",
        Record,
        key="key",
        items=[
            {
                "key": "a",
                "title": " \u200bTitle one",
                "creators": [{**person(family="Doe", given="J"), "affiliations": [{"ident": "x"}]}],
            },
            {
                "key": "b",
                "title": "Two two",
                "creators": [
                    {"party": {"kind": "org", "name": "CERN", "family": "x"}, "role": "editor"}
                ],
                "languages": [{"name": "en"}],
            },
        ],
        changes=[
            (0, {"key": "a", "title": "New title "}),
            (1, {"key": "b", "creators": [person(family="F")]}),
        ],
        bad=[
            Bad(
                {"key": "c", "title": " x ", "creators": []},
                [(42206, "title"), (42206, "creators")],
            ),
            Bad(
                {
                    "title": 5,
                    "creators": [
                        {"party": {"kind": "pers"}},
                        {"party": {}},
                        {"affiliations": [{}, {"ident": "a", "name": "b"}]},
                    ],
                },
                [
                    (42201, "key"),
                    (42203, "title"),
                    (42207, "creators.0.party.kind"),
                    (42201, "creators.1.party.kind"),
                    (42201, "creators.2.party"),
                    (42210, "creators.2.affiliations.0.affiliations"),
                    (42210, "creators.2.affiliations.1.affiliations"),
                ],
            ),
            Bad({"key": "d", "title": "abc", "creators": {"0": 1}}, [(42203, "creators")]),
            Bad({"key": "a", "creators": [{"role": "x"}]}, [(42201, "creators.0.party")], of=0),
        ],
    ),
    Shape(
        "categories",
        Category,
        key="slug",
        items=[
            {
                "slug": "root",
                "children": [{"slug": "a", "children": [{"slug": "b"}]}, {"slug": "c"}],
            },
            {"slug": "leaf", "parent": {"slug": "root"}},
        ],
        changes=[
            (0, {"slug": "root", "children": []}),
            (1, {"slug": "leaf", "parent": None}),
        ],
        bad=[
            Bad({"slug": "Bad"}, [(42204, "slug")]),
            Bad(
                {"slug": "x", "children": [{"slug": "y", "children": [{"slug": "NO"}, {}]}]},
                [(42204, "children.0.children.0.slug"), (42201, "children.0.children.1.slug")],
            ),
            Bad(
                {"slug": "y", "parent": {"slug": "z", "children": []}}, [(42208, "parent.children")]
            ),
            Bad({"slug": "leaf", "parent": {}}, [(42201, "parent.slug")], of=1),
        ],
    ),
    Shape(
        "posts",
        Post,
        key="number",
        items=[{"number": 1, "tags": ["a", "b"], "main": "c"}, {"number": 2}],
        changes=[(0, {"number": 1, "tags": ["z"]})],
        bad=[
            Bad(
                {"number": 3, "tags": ["toolong", 5, None], "main": 1},
                [(42206, "tags.0"), (42203, "tags.1"), (42202, "tags.2"), (42203, "main")],
            ),
            Bad({"number": 4, "tags": "a"}, [(42203, "tags")]),
            Bad({"number": 5, "tags": {"a": 1}}, [(42203, "tags")]),
            Bad({"number": 1, "main": ["x"]}, [(42203, "main")], of=0),
        ],
    ),
    Shape(
        "deeps",
        Deep(exclude=("middle.open.b",)),
        key="key",
        items=[
            {
                "key": 1,
                "middle": {
                    "open": {"a": 1, "foo": 2},
                    "partial": {"b": "s"},
                    "many": [{"a": 1, "q": 1}],
                },
            },
            {"key": 2, "partial": {"open": {}}},
        ],
        changes=[(0, {"key": 1, "middle": {"open": {"a": 3, "c": "new"}}})],
        bad=[
            Bad(
                {"key": 3, "middle": {"open": {"b": 5}, "partial": {"q": 1}, "many": [{}]}},
                [(42201, "middle.open.a"), (42208, "middle.partial.q"), (42201, "middle.many.0.a")],
            ),
            # PATCH replaces a nested value, and so it has to be whole.
            Bad({"key": 1, "middle": {"open": {"c": "new"}}}, [(42201, "middle.open.a")], of=0),
        ],
    ),
    Shape(
        "features",
        Feature,
        items=[
            {
                "type": "Feature",
                "id": 1,
                "geometry": {"type": "Point", "coordinates": [1.5, 2]},
                "properties": {"zz": 1, "b": {"cc": 1, "a": 2}},
                "bbox": [1, 2, 3, 4],
                "point": [1, 2],
            },
            {"type": "Feature", "id": 2, "geometry": None, "properties": None},
        ],
        changes=[(0, {"id": 1, "geometry": None})],
        bad=[
            Bad(
                {
                    "type": "F",
                    "id": 3,
                    "geometry": {"type": "Point", "coordinates": [1]},
                    "properties": [],
                    "bbox": [1],
                    "point": [181, -91],
                },
                [
                    (42210, "type"),
                    (42210, "geometry.coordinates"),
                    (42203, "properties"),
                    (42206, "bbox"),
                    (42205, "point.0"),
                    (42205, "point.1"),
                ],
            ),
            Bad(
                {
                    "type": "Feature",
                    "id": 4,
                    "geometry": {"type": "Point", "coordinates": 5},
                    "properties": {},
                },
                [(42210, None)],
            ),
        ],
    ),
    Shape(
        "tickets",
        Ticket,
        key="key",
        items=[{"key": 1, "owner": 5}, {"key": 2, "owner": {"id": 3, "name": "x"}}],
        changes=[(0, {"key": 1, "owner": 9})],
        bad=[Bad({"key": 3, "owner": {"name": 5}}, [(42201, "owner.id"), (42203, "owner.name")])],
    ),
    Shape(
        "logins",
        Login,
        key="key",
        items=[{"key": 1, "credential": {"user": "a"}}],
        changes=[(0, {"key": 1, "credential": {"user": "b"}})],
        bad=[Bad({"key": 2, "credential": {"made": 1}}, [(42208, "credential.made")])],
    ),
]
