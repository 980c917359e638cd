"""What `ingest schema explain` tells."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from marshmallow import Schema, fields, post_load, validate

from ingest import Resource
from ingest.cli.main import cli
from ingest.examples.crm import ContactSchema
from ingest.validation import explain_resource, explain_schema

RESOURCES = """
from marshmallow import Schema, fields
from ingest import Resource

class Own(fields.String):
    def _deserialize(self, value, attr, data, **kwargs):
        return value

class ThingSchema(Schema):
    name = fields.String()
    own = Own()

things = Resource("things", ThingSchema)
"""


class Shout(fields.String):
    def _deserialize(self, *args: Any, **kwargs: Any) -> str:
        return super()._deserialize(*args, **kwargs).upper()


class Quiet(fields.Email):
    """Changes nothing that a load looks at."""

    default_error_messages = {"invalid": "Please give an address."}  # noqa: RUF012

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=True, **kwargs)


def lucky(value: int) -> None:
    """A rule of the user's own."""


class MixedSchema(Schema):
    plain = fields.String()
    quiet = Quiet()
    shout = Shout()
    lucky = fields.Integer(validate=[validate.Range(min=0), lucky])
    made = fields.Raw(load_default=lambda: 5)
    inside = fields.Nested({"deep": fields.List(Shout())})
    shown = fields.String(dump_only=True)

    @post_load
    def make(self, data: Any, **kwargs: Any) -> Any:
        return data


def test_every_field_is_accounted_for() -> None:
    assert [tuple(row) for row in explain_schema(MixedSchema())] == [
        ("plain", "compiled", ""),
        ("quiet", "compiled", ""),
        ("shout", "calls marshmallow's field", "Shout defines _deserialize"),
        ("lucky", "compiled", "then calls lucky"),
        ("made", "compiled", "calls its load_default"),
        (
            "inside",
            "calls marshmallow's field around compiled loads",
            "deep: Shout defines _deserialize",
        ),
        ("", "calls the schema's methods", "post_load make"),
    ]


def test_a_plain_schema_is_compiled_in_full() -> None:
    assert {row.how for row in explain_schema(ContactSchema())} == {"compiled"}


def test_items_of_plain_fields_are_typed() -> None:
    rows = explain_resource(Resource("contacts", ContactSchema, unique=["email"]))
    assert {row.how for row in rows} == {"typed"}


class RoundedSchema(Schema):
    name = fields.String()
    price = fields.Decimal(places=-2)
    other = fields.Dict()


def test_what_keeps_items_from_being_typed_is_said() -> None:
    assert [tuple(row) for row in explain_resource(Resource("rounded", RoundedSchema))] == [
        ("name", "compiled", ""),
        ("price", "compiled", "not typed: a decimal that is rounded"),
        ("other", "compiled", "not typed: Dict dumps something else than it loads"),
    ]


class SharedSchema(Schema):
    one = fields.String()
    two = fields.String(attribute="one", dump_only=True)


def test_what_keeps_a_whole_item_from_being_typed_is_said() -> None:
    last = [*explain_resource(Resource("shared", SharedSchema))][-1]
    why = "not typed: a field that is loaded into the place of another one"
    assert tuple(last) == ("", "compiled", why)


def test_a_schema_with_a_load_of_its_own_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MixedSchema, "_do_load", lambda *_, **__: 5)
    for row in explain_schema(MixedSchema()):
        assert row[1:] == (
            "whole item left to marshmallow",
            "the schema overrides _do_load, which does not call super()._do_load",
        )


def test_another_marshmallow_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.validation.engine.known.INSTALLED", "4.5.0")
    for row in explain_schema(ContactSchema()):
        assert row[1:] == (
            "whole item left to marshmallow",
            "marshmallow 4.5.0 is not known to load as 4.4.x does",
        )


def test_the_command_explains_a_collection(tmp_path: Path) -> None:
    resources = tmp_path / "things.py"
    resources.write_text(RESOURCES)
    environment = {"INGEST_RESOURCES": str(resources)}
    done = CliRunner().invoke(cli, ["schema", "explain", "things"], env=environment)
    assert (done.exit_code, done.output.splitlines()) == (
        0,
        ["name\tcompiled", "own\tcalls marshmallow's field\tOwn defines _deserialize"],
    )
    done = CliRunner().invoke(cli, ["schema", "explain", "nothing"], env=environment)
    assert done.exit_code == 1
    assert "there is no collection 'nothing'; there are things" in done.output
