"""A resource as JSON Schema: what each part of a declaration becomes."""

import datetime as dt
import enum
from decimal import Decimal
from typing import Any

import pytest
from marshmallow import (
    EXCLUDE,
    INCLUDE,
    Schema,
    ValidationError,
    fields,
    post_dump,
    post_load,
    pre_load,
    validate,
    validates,
    validates_schema,
)

from ingest import Resource
from ingest.describe.json_schema import STORED, Kind, json_schema
from ingest.describe.notes import noted, rules_of
from tests.property.schema_oracle import Oracle

KEY = "0191d7a0-0000-7000-8000-00000000abcd"


class Colour(enum.Enum):
    red = "r"
    green = "g"
    crimson = "r"  # noqa: PIE796 - another name of red


class Mixed(enum.Enum):
    one = 1
    yes = True
    half = 1.5


def of(field: fields.Field[Any], kind: Kind = Kind.CREATE) -> dict[str, Any]:
    """What a field of a resource becomes."""
    resource = Resource("things", Schema.from_dict({"f": field}))
    found: dict[str, Any] = json_schema(resource, kind, "")["properties"]["f"]
    return found


def words(field: fields.Field[Any]) -> list[str]:
    return rules_of(of(field))


def even(value: int) -> None:
    """The number is even.

    More about it.
    """
    if value % 2:
        raise ValidationError("odd")


TEXT, INTEGER, NUMBER = (
    {"type": "string"},
    {"type": "integer", "format": "int64"},
    {"type": "number"},
)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (fields.String(), TEXT),
        (fields.String(allow_none=True), {"type": ["string", "null"]}),
        (fields.String(validate=validate.Length(1, 5)), {**TEXT, "minLength": 1, "maxLength": 5}),
        (
            fields.String(validate=validate.Length(equal=2)),
            {**TEXT, "minLength": 2, "maxLength": 2},
        ),
        (fields.String(validate=validate.Length(max=0)), {**TEXT, "maxLength": 0}),
        (fields.String(validate=validate.OneOf(["a", 5])), {**TEXT, "enum": ["a"]}),
        (
            fields.String(validate=validate.OneOf(["a"]), allow_none=True),
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        (fields.String(validate=validate.NoneOf(["a"])), {**TEXT, "not": {"enum": ["a"]}}),
        (fields.String(validate=validate.Equal("a")), {**TEXT, "enum": ["a"]}),
        (fields.String(validate=validate.Regexp(r"[a-z]+\Z")), {**TEXT, "pattern": "^[a-z]+$"}),
        (fields.String(validate=validate.ContainsOnly("ab-")), {**TEXT, "pattern": r"^[\-ab]*$"}),
        (
            fields.String(validate=validate.ContainsNoneOf("ab")),
            {**TEXT, "not": {"pattern": "[ab]"}},
        ),
        (
            fields.String(
                validate=validate.And(validate.Length(min=2), validate.Length(min=1, max=9))
            ),
            {**TEXT, "minLength": 2, "allOf": [{"minLength": 1, "maxLength": 9}]},
        ),
        (fields.Integer(), INTEGER),
        (
            fields.Integer(
                validate=validate.Range(0, Decimal("1.5"), min_inclusive=False)
            ),
            {**INTEGER, "exclusiveMinimum": 0, "maximum": 1.5},
        ),
        (fields.Integer(validate=validate.OneOf([1, 2.5, 3.0, "4"])), {**INTEGER, "enum": [1, 3]}),
        (
            fields.Float(validate=validate.Range(max=10, max_inclusive=False)),
            {**NUMBER, "format": "double", "exclusiveMaximum": 10},
        ),
        (fields.Decimal(validate=validate.Range(min=Decimal("0.1"))), {**NUMBER, "minimum": 0.1}),
        (fields.Boolean(), {"type": "boolean"}),
        (fields.Boolean(truthy={"ja"}, falsy={"nein", 0}), {"enum": [False, 0, "ja", "nein"]}),
        (fields.Enum(Colour), {**TEXT, "enum": ["red", "green", "crimson"]}),
        (fields.Enum(Colour, by_value=True), {**TEXT, "enum": ["r", "g"]}),
        (
            fields.Enum(Colour, validate=validate.NoneOf([Colour.red])),
            {**TEXT, "enum": ["green"]},
        ),
        (fields.Enum(Mixed, by_value=True), {"enum": [1, 1.5]}),
        (fields.Constant([1]), {"const": [1], "default": [1]}),
        (fields.List(fields.String(allow_none=True)), {
            "type": "array", "items": {"type": ["string", "null"]},
        }),
        (
            fields.List(fields.Integer(), validate=[validate.Length(max=3)]),
            {"type": "array", "items": INTEGER, "maxItems": 3},
        ),
        (
            fields.List(fields.String(), validate=validate.ContainsOnly(["a"])),
            {"type": "array", "items": TEXT, "allOf": [{"items": {"enum": ["a"]}}]},
        ),
        (
            fields.Tuple((fields.String(), fields.Integer())),
            {"type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [TEXT, INTEGER]},
        ),
        (
            fields.Dict(fields.String(validate=validate.Length(max=3)), fields.Integer()),
            {
                "type": "object",
                "propertyNames": {**TEXT, "maxLength": 3},
                "additionalProperties": INTEGER,
            },
        ),
        (fields.Raw(), {"type": ["string", "number", "boolean", "array", "object"]}),
        (fields.Raw(allow_none=True), {}),
    ],
)  # fmt: skip
def test_fields_as_they_are_sent(field: fields.Field[Any], said: dict[str, Any]) -> None:
    assert of(field) == said


@pytest.mark.parametrize(
    ("field", "format_", "good", "bad"),
    [
        (fields.UUID(), "uuid", KEY, KEY[:-1]),
        (fields.Date(), "date", "2024-02-29", "2023-02-29"),
        (fields.Time(), None, "10:00:00.5", "25:00:00"),
        (fields.NaiveDateTime(), None, "2024-01-31T10:00:00", "2024-01-31T10:00:00Z"),
        (fields.AwareDateTime(), "date-time", "2024-01-31T10:00:00Z", "2024-01-31T10:00:00"),
        (fields.DateTime(), "date-time", "2024-01-31T10:00:00+02:00", "2024-01-31T10:00:00"),
        (fields.Email(), "email", "a@b.co", "a@b"),
        (fields.URL(), "uri", "https://b.co/x?y", "b.co"),
        (fields.IPv6(), "ipv6", "2001:db8::1", "2001:db8::x"),
        (fields.IPv6Interface(), None, "2001:db8::1/64", "2001:db8::1/129"),
        (fields.IPv4(), "ipv4", "127.0.0.1", "127.0.0.256"),
        (fields.TimeDelta(), None, 1.5, 10**20),
        (fields.NaiveDateTime("timestamp"), None, 0, -1),
    ],
)
def test_texts_that_stand_for_something(
    field: fields.Field[Any], format_: str | None, good: Any, bad: Any
) -> None:
    assert of(field).get("format") == format_
    oracle = Oracle(Resource("things", Schema.from_dict({"f": field})))
    for kind in (Kind.CREATE, Kind.PATCH):
        assert oracle.takes(kind, {"id": KEY, "f": good})
        assert not oracle.errors(kind, {"id": KEY, "f": good})
        assert not oracle.takes(kind, {"id": KEY, "f": bad})
        assert oracle.errors(kind, {"id": KEY, "f": bad})


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        (fields.Integer(strict=True), "1, and not 1.0"),
        (fields.Integer(validate=even), "own, even: The number is even."),
        (fields.String(validate=validate.Predicate("isalpha")), "isalpha"),
        (fields.String(validate=validate.Regexp(r"\bword")), r"regular expression \bword"),
        (fields.String(validate=validate.Regexp(r"\w+")), "beyond ASCII"),
        (fields.Date(validate=validate.Range(min=dt.date(2000, 1, 1))), "at least 2000-01-01"),
        (fields.Decimal(2), "rounded to 2 decimal places"),
        (fields.Date("%d.%m.%Y"), "%d.%m.%Y"),
        (fields.String(pre_load=str.strip), "prepares the value"),
        (fields.Function(deserialize=str), "reads the value"),
        (fields.String(post_load=str.strip), "last word"),
        (fields.Decimal(as_string=True, validate=validate.Range(min=0)), "at least 0"),
    ],
)
def test_what_json_schema_cannot_say_is_said_in_words(field: fields.Field[Any], rule: str) -> None:
    assert any(rule in each for each in words(field)), words(field)
    assert rule in of(field)["$comment"]


def test_what_is_always_refused_is_never_taken() -> None:
    inner = Schema.from_dict({"at": fields.AwareDateTime("timestamp")})
    nested = Resource("things", Schema.from_dict({"f": fields.Nested(inner)}))
    [found] = [
        each
        for name, each in json_schema(nested, Kind.CREATE, "")["$defs"].items()
        if name != "meta"
    ]
    assert found["properties"]["at"]["not"] == {}
    assert Oracle(nested).errors(Kind.CREATE, {"f": {"at": 5}})
    assert of(fields.Constant(5, validate=validate.Equal(6)))["not"] == {}


def test_a_duration_names_its_unit() -> None:
    field = fields.TimeDelta("minutes", validate=validate.Range(max=dt.timedelta(1)))
    assert of(field)["x-ingest"] == {"unit": "minutes", "rules": ["It is at most 1 day, 0:00:00."]}


def test_metadata_defaults_and_who_writes() -> None:
    metadata = {"title": "T", "description": "D", "example": 5, "deprecated": True, "own": "x"}
    field = fields.Integer(metadata=metadata, load_default=3, load_only=True)
    assert of(field) == {
        **INTEGER, "title": "T", "description": "D", "examples": [5], "deprecated": True,
        "default": 3, "writeOnly": True,
    }  # fmt: skip
    assert "default" not in of(field, Kind.PATCH)
    dates = fields.Date(metadata={"examples": [dt.date(2024, 1, 31), object()]})
    assert of(dates)["examples"] == ["2024-01-31"]


class Person(Schema):
    name = fields.String(required=True)
    friend = fields.Nested(lambda: Person(), allow_none=True)
    others = fields.Nested(lambda: Person(only=["name"]), many=True)
    seen = fields.Integer(dump_only=True)
    secret = fields.Pluck(lambda: Person(only=["name"]), "name")


PEOPLE = Resource("people", Person)


def test_nested_and_recursive_schemas_are_definitions() -> None:
    found = json_schema(PEOPLE, Kind.CREATE, "")
    reference = {"$ref": "#/$defs/Person"}
    assert found["properties"]["friend"] == {"anyOf": [reference, {"type": "null"}]}
    assert found["properties"]["others"] == {"type": "array", "items": {"$ref": "#/$defs/Person2"}}
    assert found["properties"]["secret"] == TEXT
    assert found["$defs"]["Person"]["properties"]["friend"]["anyOf"][0] == reference
    assert found["$defs"]["Person2"]["properties"].keys() == {"name"}
    assert found["$defs"]["Person"]["required"] == ["name"]
    assert "id" not in found["$defs"]["Person"]["properties"]


def test_what_is_only_shown_is_not_sent() -> None:
    assert "seen" not in json_schema(PEOPLE, Kind.CREATE, "")["properties"]
    shown = json_schema(PEOPLE, Kind.ITEM, "")
    assert shown["properties"]["seen"]["readOnly"]
    assert shown["required"] == ["id", "friend"]
    oracle = Oracle(PEOPLE)
    assert oracle.takes(Kind.ITEM, {"id": KEY, "friend": None, "meta": {"version": 1}})
    assert not oracle.takes(Kind.ITEM, {"friend": None})


def test_patch_requires_the_key_and_nothing_else_but_whole_nested_values() -> None:
    oracle = Oracle(PEOPLE)
    for item in (
        {"id": KEY},
        {"id": KEY, "friend": {"name": "x"}},
        {"id": KEY, "friend": {}},
        {"name": "x"},
        {"id": None, "name": "x"},
    ):
        assert oracle.takes(Kind.PATCH, item) == (not oracle.errors(Kind.PATCH, item)), item


@pytest.mark.parametrize("unknown", [EXCLUDE, INCLUDE])
def test_unknown_names_are_taken_where_the_schema_takes_them(unknown: str) -> None:
    schema = Schema.from_dict({"a": fields.Integer(), "id": fields.UUID(dump_only=True)})
    open_ = Oracle(Resource("things", schema(unknown=unknown)))
    assert open_.takes(Kind.CREATE, {"b": 1})
    assert not open_.takes(Kind.CREATE, {"id": KEY})  # the service makes it
    assert open_.errors(Kind.CREATE, {"id": KEY})
    assert not Oracle(Resource("things", schema)).takes(Kind.CREATE, {"b": 1})


def test_a_key_of_the_clients_is_required_and_never_null() -> None:
    code = fields.String(allow_none=True, validate=validate.Length(equal=3))
    resource = Resource("airports", Schema.from_dict({"iata": code}), key="iata")
    key = {"type": "string", "minLength": 3, "maxLength": 3}
    for kind in (Kind.CREATE, Kind.PATCH, Kind.ITEM):
        found = json_schema(resource, kind, "")
        assert found["required"] == ["iata"]
        assert found["properties"]["iata"] == (TEXT if kind is Kind.ITEM else key)
    assert json_schema(resource, Kind.KEY, "http://x") == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "http://x/v1/airports/schema?for=key",
        "title": "airports",
        **noted(key, STORED),
    }


def test_the_docstring_of_a_schema_describes_its_items() -> None:
    class Seat(Schema):
        """A seat  <b>
        of a hall.
        """

    resource = Resource("seats", Seat)
    for kind in (Kind.CREATE, Kind.PATCH, Kind.ITEM):
        assert json_schema(resource, kind, "")["description"] == "A seat <b> of a hall."
    assert "description" not in json_schema(resource, Kind.KEY, "")


class Prepared(Schema):
    number = fields.Integer()

    @pre_load
    def prepare(self, data: Any, **_: Any) -> Any:
        return data


class Checked(Schema):
    number = fields.Integer()

    @validates("number")
    def is_even(self, value: int, **_: Any) -> None:
        even(value)

    @validates_schema
    def fits(self, data: Any, **_: Any) -> None:
        """Whether it fits."""


class Made(Schema):
    number = fields.Integer()

    @post_load
    def make(self, data: Any, **_: Any) -> Any:
        return data

    @post_dump
    def show(self, data: Any, **_: Any) -> Any:
        return {"anything": data}


def test_code_of_the_schemas_own_is_left_open_and_named() -> None:
    prepared = json_schema(Resource("things", Prepared), Kind.CREATE, "")
    assert "properties" not in prepared
    assert prepared["x-ingest"]["prepared"]["properties"]["number"] == INTEGER
    checked = json_schema(Resource("things", Checked), Kind.CREATE, "")
    assert "fits" in checked["$comment"]
    assert "is_even" in checked["properties"]["number"]["$comment"]
    made = json_schema(Resource("things", Made), Kind.ITEM, "")
    assert made["properties"].keys() == {"id", "meta"}
    assert "additionalProperties" not in made
    nested = Schema.from_dict({"inner": fields.Nested(Prepared), "shown": fields.Nested(Made)})
    found = json_schema(Resource("things", nested), Kind.CREATE, "")["$defs"]
    assert found["Prepared"]["x-ingest"]["prepared"]["properties"].keys() == {"number"}


def test_a_document_says_what_it_is_of() -> None:
    resource = Resource("people", Person, unique=["name", ("name", "seen")])
    about = json_schema(resource, Kind.PATCH, "https://x.example")
    assert about["$id"] == "https://x.example/v1/people/schema?for=patch"
    told = about["x-ingest"]
    assert (told["collection"], told["for"], told["key"]) == ("people", "patch", "id")
    assert told["unique"] == [["name"], ["name", "seen"]]
    assert json_schema(resource, Kind.PATCH, "") is not json_schema(resource, Kind.PATCH, "")
