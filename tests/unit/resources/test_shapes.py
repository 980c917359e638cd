"""A schema that is nested in itself, or twice, with other fields each time."""

from collections.abc import Callable
from typing import Any

import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.describe.json_schema import Kind
from ingest.describe.words.fields import field_rows
from ingest.errors import ConfigurationError
from ingest.resources.dumping import dumps_plainly, may_hold_floats
from ingest.resources.leaving_out import schemas_in
from ingest.resources.shapes import shape_of
from tests.property.schema_oracle import Oracle


class Address(Schema):
    street = fields.String()
    number = fields.Integer()


class Person(Schema):
    name = fields.String()
    home = fields.Nested(Address)
    homes = fields.List(fields.Nested(Address))
    by_name = fields.Dict(fields.String(), fields.Nested(Address))


class Node(Schema):
    name = fields.String()
    weight = fields.Float()
    twice = fields.Function(lambda node: 2 * node["weight"])
    secret = fields.String(load_only=True)
    below = fields.Nested(lambda: Node())


@pytest.mark.parametrize(
    "option",
    [
        {"only": ("home.street",)},
        {"exclude": ("home.street",)},
        {"exclude": ("homes.street",)},
        {"exclude": ("by_name.street",)},
        {"exclude": ("name",)},
        {"dump_only": ("name",)},
        {"load_only": ("home.street",)},
    ],
)
def test_schemas_of_other_fields_have_other_shapes(option: dict[str, Any]) -> None:
    whole, part = Person(), Person(**option)
    assert shape_of(whole) == shape_of(Person()) != shape_of(part) == shape_of(Person(**option))


def test_nested_schemas_of_other_fields_are_other_definitions() -> None:
    both = Schema.from_dict(
        {
            "whole": fields.Nested(Person),
            "part": fields.Nested(Person(exclude=("home.street",))),
        }
    )
    oracle = Oracle(Resource("people", both))
    home = {"home": {"street": "Long Acre"}}
    for item, taken in (({"whole": home}, True), ({"part": home}, False)):
        assert oracle.takes(Kind.CREATE, item) == taken == (not oracle.errors(Kind.CREATE, item))


@pytest.mark.parametrize(
    ("rule", "excluded"),
    [
        (lambda part: dumps_plainly(part), "twice"),
        (lambda part: not may_hold_floats(fields.Nested(part)), "weight"),
    ],
)
def test_what_only_the_inner_one_has_counts(rule: Callable[[Schema], bool], excluded: str) -> None:
    assert not rule(Node(exclude=(excluded,)))
    assert excluded in {
        name for each in schemas_in(Node(exclude=(excluded,))) for name in each.fields
    }


def test_load_only_is_found_further_inside() -> None:
    top = Schema.from_dict({"node": fields.Nested(Node(exclude=("secret",)))})
    with pytest.raises(ConfigurationError, match=r"'node\.below\.secret' is load_only"):
        Resource("things", top)


class Item(Schema):
    name = fields.String()
    price = fields.Integer()
    part = fields.Nested(lambda: Item())


def test_fields_that_only_the_inner_one_has_are_described() -> None:
    rows = field_rows(Resource("items", Item(exclude=("price",))))
    paths = [row.path for row in rows]
    assert {"part.price", "part.part"} < {*paths}
    assert "part.part.price" not in paths
