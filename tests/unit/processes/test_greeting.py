"""What `ingest dev` prints: the item that it makes up, and the line to paste."""

import json
import shlex
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from ingest import Resource
from ingest.examples import airports, contacts, deals
from ingest.processes.greeting import example_item, greeting
from ingest.resources.registry import Registry


@pytest.mark.parametrize("resource", [airports, contacts, deals], ids=lambda each: each.name)
def test_bundled_resources_have_a_valid_example(resource: Resource) -> None:
    example = example_item(resource)
    assert example is not None
    assert resource.schema.validate(example) == {}


class Colour(Enum):
    RED = 1


class ManySchema(Schema):
    """Fields of many kinds."""

    a = fields.String(required=True, validate=validate.OneOf(["x", "y"]))
    b = fields.Enum(Colour, required=True)
    c = fields.Enum(Colour, by_value=True, required=True)
    d = fields.UUID(required=True, data_key="dId")
    e = fields.AwareDateTime(required=True)
    f = fields.NaiveDateTime(required=True)
    g = fields.Date(required=True)
    h = fields.Time(required=True)
    i = fields.Decimal(required=True, validate=validate.Range(min=5))
    j = fields.IPv6(required=True)
    k = fields.List(fields.Integer(), required=True)
    m = fields.Boolean(required=True)
    n = fields.String(required=True, validate=validate.Length(equal=2))
    optional = fields.Integer()


class PickySchema(Schema):
    a = fields.String(required=True, validate=validate.Equal("no one would guess"))


class StubbornSchema(Schema):
    a = fields.Integer(required=True)

    @validates_schema
    def refuse(self, data: dict[str, Any], **_: Any) -> None:
        raise ValidationError("never")


class CrashingSchema(Schema):
    a = fields.Integer(required=True)

    @validates_schema
    def crash(self, data: dict[str, Any], **_: Any) -> None:
        raise ZeroDivisionError


def test_an_example_has_the_required_fields_under_their_data_keys() -> None:
    example = example_item(Resource("many", ManySchema))
    assert example is not None
    assert sorted(example) == [*"abc", "dId", *"efghijkmn"]
    assert (example["a"], example["b"], example["c"]) == ("x", "RED", 1)


@pytest.mark.parametrize("schema", [PickySchema, StubbornSchema, CrashingSchema])
def test_a_schema_that_takes_nothing_has_no_example(schema: type[Schema]) -> None:
    assert example_item(Resource("many", schema)) is None


def test_the_greeting_has_a_line_to_paste(tmp_path: Path) -> None:
    shown = greeting("http://h:1", "secret", Registry([airports, deals]), tmp_path)
    assert str(tmp_path) in shown
    assert "http://h:1/v1/deals" in shown
    (line,) = [line for line in shown.splitlines() if "curl" in line]
    words = shlex.split(line)
    assert words[2] == "http://h:1/v1/airports"
    assert "Authorization: Bearer secret" in words
    assert json.loads(words[-1])[0]["iata"] == "BER"


def test_the_greeting_lists_where_no_item_can_be_made_up(tmp_path: Path) -> None:
    shown = greeting("http://h:1", "t", Registry([Resource("picky", PickySchema)]), tmp_path)
    assert " -d " not in shown
