"""What can be a resource, and what is refused by name."""

from enum import Enum
from typing import Any

import pytest
from marshmallow import EXCLUDE, INCLUDE, Schema, fields, post_load

from ingest import Resource
from ingest.errors import ConfigurationError
from ingest.resources.summaries import Tally, Totals

Fields = dict[str, fields.Field[Any]]


class Colour(Enum):
    red = 1


def things(declared: Fields, name: str = "things", **options: Any) -> Resource:
    return Resource(name, Schema.from_dict(declared), **options)


@pytest.mark.parametrize("name", ["a", "contacts", "a1", "a_b-c", "a" * 48])
def test_names_of_collections(name: str) -> None:
    assert things({"x": fields.Raw()}, name).name == name


@pytest.mark.parametrize(
    "name",
    ["", "A", "1a", "_a", "a b", "a/b", "a.json", "a:delete", "é", "a" * 49, "batches", "a\n"],
)
def test_a_name_that_cannot_be_in_a_url_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="name"):
        things({"x": fields.Raw()}, name)


REFUSED: list[tuple[Fields, dict[str, Any], str]] = [
    ({"a": fields.Raw()}, {"key": "b"}, "'b'"),
    ({"a": fields.List(fields.Raw())}, {"key": "a"}, "'a'"),
    ({"a": fields.Boolean()}, {"key": "a"}, "'a'"),
    ({"a": fields.Float()}, {"key": "a"}, "'a'"),
    ({"a": fields.String(load_only=True)}, {"key": "a"}, "'a'"),
    ({"a": fields.String(dump_only=True)}, {"key": "a"}, "'a'"),
    ({"id": fields.Dict()}, {}, "'id'"),
    ({"a": fields.Raw()}, {"unique": ["b"]}, "'b'"),
    ({"a": fields.Raw()}, {"unique": ["a"]}, "'a'"),
    ({"a": fields.String()}, {"unique": [("a", "a")]}, "'a'"),
    ({"a": fields.String()}, {"unique": [()]}, "unique"),
    ({"a": fields.Raw()}, {"optional": ["b"]}, "'b'"),
    ({"a": fields.String()}, {"key": "a", "optional": ["a"]}, "'a'"),
    ({"a": fields.String()}, {"optional": ["id"]}, "'id'"),
    ({"a": fields.String(load_only=True)}, {"optional": ["a"]}, "'a'"),
    ({"a": fields.String(data_key='b"c')}, {"optional": ["a"]}, "'a'"),
    ({"a": fields.String()}, {"summaries": {"a": "t"}}, r"'a' is 't'; .*Tally\(field\)"),
    ({"a": fields.String()}, {"summaries": "a"}, "mapping"),
    ({"a": fields.String()}, {"summaries": {"x": Tally(["a"])}}, "'x'"),
    ({"a": fields.String()}, {"unique": 1}, "1 is not a field"),
    ({"a": fields.String()}, {"optional": None}, "None is not a field"),
    ({"a": fields.String(data_key="")}, {"optional": ["a"]}, "'a'"),
    ({"a": fields.String()}, {"optional": ["a"], "summaries": {"a": Tally("a")}}, "'a'"),
    ({"meta": fields.String()}, {}, "'meta'"),
    ({"a": fields.String(data_key="meta")}, {}, "'a'"),
    ({"a": fields.String(data_key="id")}, {}, "'id'"),
    ({"a\0": fields.String()}, {}, "NUL"),
    ({"a": fields.Nested({"b": fields.String(load_only=True)})}, {}, r"'a\.b'"),
    (
        {
            "a": fields.List(
                fields.Nested({"b": fields.Nested({"c": fields.String(load_only=True)})})
            )
        },
        {},
        r"'a\.b\.c'",
    ),
    ({"a": fields.Dict(values=fields.Nested({"b": fields.String(load_only=True)}))}, {}, r"'a\.b'"),
    ({"a": fields.Tuple((fields.Nested({"b": fields.String(load_only=True)}),))}, {}, r"'a\.b'"),
]


@pytest.mark.parametrize(("declared", "options", "named"), REFUSED)
def test_what_cannot_be_stored_faithfully_is_refused_by_name(
    declared: Fields, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named) as raised:
        things(declared, **options)
    assert "'things'" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_schema_of_many_items_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="many"):
        Resource("things", Schema.from_dict({"a": fields.Raw()})(many=True))


def test_a_class_and_an_instance_are_the_same() -> None:
    schema = Schema.from_dict({"a": fields.String()})
    assert type(Resource("things", schema).schema) is type(Resource("things", schema()).schema)


def test_a_schema_without_an_id_gets_one() -> None:
    resource = things({"a": fields.String()})
    assert resource.server_key
    assert resource.key is resource.fields[0]
    assert (resource.key.name, resource.key.type.value) == ("id", "uuid")
    assert "id" not in resource.schema.fields


@pytest.mark.parametrize(
    "field",
    [
        fields.String(),
        fields.Integer(),
        fields.UUID(required=True),
        fields.Date(),
        fields.Enum(Colour),
    ],
)
def test_a_field_called_id_is_the_key(field: fields.Field[Any]) -> None:
    resource = things({"id": field})
    assert not resource.server_key
    assert [each.name for each in resource.fields] == ["id"]
    assert resource.key.field is resource.schema.fields["id"]


def test_another_key_needs_no_id() -> None:
    resource = things({"id": fields.String(), "code": fields.Integer(data_key="Code")}, key="code")
    assert (resource.key.name, resource.key.data_key) == ("code", "Code")
    assert not resource.server_key


def test_unique_attributes() -> None:
    declared = {"a": fields.String(), "b": fields.Integer()}
    resource = things(declared, unique=["a", ("a", "b")])
    assert [[each.name for each in group] for group in resource.unique] == [["a"], ["a", "b"]]


def test_one_name_is_as_good_as_a_list_of_one() -> None:
    declared: Fields = {
        "email": fields.String(),
        "value": fields.Integer(),
        "currency": fields.String(),
        "contact": fields.Dict(),
    }
    resource = things(
        declared,
        unique="email",
        optional="contact",
        limits_with="deals",
        rpc_resources=3,
        summaries={"sales": Totals("value", by="currency")},
    )
    assert [[field.name for field in entry] for entry in resource.unique] == [["email"]]
    assert resource.selection.hidden == {"contact"}
    assert (resource.limits_with, resource.rpc_resources) == (("deals",), (3,))
    counted = resource.counted(resource.summaries["sales"])
    assert [field.name for field in counted] == ["currency", "value"]


def test_names_that_postgresql_has_already_become_columns_too() -> None:
    names = ["xmin", "ctid", "tableoid", "$account", "$x", "", "select", "n" * 100, "ü" * 40, 'a"b']
    resource = things({name: fields.String() for name in names})
    columns = [field.column for field in resource.fields]
    assert len(set(columns)) == len(names) + 1
    assert all(1 <= len(column.encode()) <= 63 for column in columns)
    assert not {"xmin", "ctid", "tableoid", "$account"} & set(columns)
    assert {"select", 'a"b'} <= set(columns)


def test_long_names_that_begin_alike_stay_apart() -> None:
    resource = things({"n" * 70 + end: fields.String() for end in "abc"})
    assert len({field.column for field in resource.fields}) == 4


def test_what_a_schema_keeps_beyond_its_fields() -> None:
    class Plain(Schema):
        a = fields.String()

    class Hooked(Plain):
        @post_load
        def make(self, data: Any, **_: Any) -> Any:
            return data

    assert not Resource("things", Plain(unknown=EXCLUDE)).keeps_unknown
    assert Resource("things", Plain(unknown=INCLUDE)).keeps_unknown
    assert Resource("things", Hooked).keeps_unknown


def test_a_schema_that_nests_itself() -> None:
    class Tree(Schema):
        name = fields.String()
        children = fields.List(fields.Nested(lambda: Tree()))

    assert Resource("trees", Tree, key="name").key.name == "name"
