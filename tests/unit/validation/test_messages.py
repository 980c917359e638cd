"""marshmallow's messages become codes and paths: every field, every validator, every nesting."""

from enum import Enum
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, validate, validates, validates_schema

from ingest.validation.messages import explain


class Colour(Enum):
    red = 1


def errors(schema: Schema, item: Any) -> list[tuple[int, str | None]]:
    with pytest.raises(ValidationError) as caught:
        schema.load(item)
    found = explain(schema, item, caught.value.messages)
    assert all(error.message for error in found)
    return [(error.code.code, error.field) for error in found]


def of_field(field: fields.Field[Any], value: Any) -> list[tuple[int, str | None]]:
    return errors(Schema.from_dict({"f": field})(), {"f": value})


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        (fields.String(), None, 42202),
        (fields.String(), 5, 42203),
        (fields.Email(), 5, 42203),
        (fields.Email(), "x", 42204),
        (fields.Url(), "x", 42204),
        (fields.Integer(), "x", 42203),
        (fields.Integer(strict=True), 1.5, 42203),
        (fields.Float(), "x", 42203),
        (fields.Float(), "nan", 42205),
        (fields.Decimal(), True, 42203),
        (fields.Boolean(), "maybe", 42203),
        (fields.UUID(), "x", 42204),
        (fields.UUID(), 5, 42203),
        (fields.DateTime(), "x", 42204),
        (fields.AwareDateTime(), "2026-11-22T10:00:00", 42204),
        (fields.Date(), 5, 42203),
        (fields.Time(), "25:00", 42204),
        (fields.IP(), "300.0.0.1", 42204),
        (fields.Enum(Colour), "green", 42207),
        (fields.Enum(Colour), 5, 42203),
        (fields.List(fields.String()), "x", 42203),
        (fields.Dict(), [], 42203),
        (fields.Nested(Schema.from_dict({})), 5, 42203),
        (fields.String(validate=validate.Length(max=1)), "xx", 42206),
        (fields.Integer(validate=validate.Range(max=1)), 2, 42205),
        (fields.String(validate=validate.OneOf(["a"])), "b", 42207),
        (fields.List(fields.String(), validate=validate.ContainsOnly(["a"])), ["b"], 42207),
        (fields.String(validate=validate.Regexp("a")), "b", 42204),
        (fields.String(validate=validate.Equal("a")), "b", 42210),
        (fields.String(validate=validate.NoneOf(["b"])), "b", 42210),
        (fields.String(validate=validate.And(validate.Length(min=2))), "b", 42206),
        (fields.String(validate=validate.Length(max=1, error="{input} is long")), "xx", 42206),
        (fields.Integer(error_messages={"invalid": "a number, please"}), "x", 42203),
    ],
)
def test_the_code_of_a_field(field: fields.Field[Any], value: Any, code: int) -> None:
    assert of_field(field, value) == [(code, "f")]


def test_a_number_with_a_comma_is_told_how_it_is_read() -> None:
    for value, told in (("1234,5", True), ("-0,5", True), ("1,234,5", False), ("x", False)):
        for field in (fields.Float(), fields.Decimal(), fields.Integer()):
            schema = Schema.from_dict({"f": field})()
            with pytest.raises(ValidationError) as caught:
                schema.load({"f": value})
            (error,) = explain(schema, {"f": value}, caught.value.messages)
            assert ("`?decimal=comma`" in (error.description or "")) == told


def test_required_and_unknown_fields() -> None:
    schema = Schema.from_dict({"a": fields.String(required=True, data_key="A")})()
    assert errors(schema, {"b": 1}) == [(42201, "A"), (42208, "b")]
    assert errors(schema, 5) == [(42203, None)]


def test_every_error_of_a_field_is_reported() -> None:
    field = fields.String(validate=[validate.Length(max=1), validate.OneOf(["a"])])
    assert of_field(field, "xx") == [(42206, "f"), (42207, "f")]


def test_paths_lead_into_nested_values() -> None:
    inner = Schema.from_dict({"n": fields.Integer(required=True), "s": fields.String()})
    assert of_field(fields.Nested(inner), {"s": 5}) == [(42201, "f.n"), (42203, "f.s")]
    assert of_field(fields.Nested(inner, many=True), [{"n": 1}, {"n": "x"}]) == [(42203, "f.1.n")]
    assert of_field(fields.List(fields.Nested(inner)), [{"n": 1, "x": 1}]) == [(42208, "f.0.x")]
    assert of_field(fields.Nested(inner, many=True), {}) == [(42203, "f")]
    assert of_field(fields.Pluck(inner, "n"), "x") == [(42203, "f")]
    assert of_field(fields.Pluck(inner, "n", many=True), [1, "x"]) == [(42203, "f.1")]


def test_paths_lead_into_lists_tuples_and_mappings() -> None:
    assert of_field(fields.List(fields.Integer()), [1, "x", None]) == [
        (42203, "f.1"),
        (42202, "f.2"),
    ]
    pair = fields.Tuple((fields.String(), fields.Integer()))
    assert of_field(pair, ["a", "x"]) == [(42203, "f.1")]
    assert of_field(pair, ["a"]) == [(42206, "f")]
    scores = fields.Dict(
        keys=fields.String(validate=validate.Length(max=1)), values=fields.Integer()
    )
    assert of_field(scores, {"a": 1, "bb": "x"}) == [(42206, "f.bb"), (42203, "f.bb")]


class RulesSchema(Schema):
    a = fields.Integer()
    b = fields.Integer()

    @validates("a")
    def check_a(self, value: int, data_key: str) -> None:
        if value == 13:
            raise ValidationError("Not thirteen.")

    @validates_schema
    def check_both(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("a") == data.get("b"):
            raise ValidationError("a and b must differ.")
        if data.get("b") == 7:
            raise ValidationError({"b": ["Not seven."], "elsewhere": {"deep": "no"}})


def test_rules_of_the_schema_are_invalid_where_they_say() -> None:
    assert errors(RulesSchema(), {"a": 13}) == [(42210, "a")]
    assert errors(RulesSchema(), {"a": 1, "b": 1}) == [(42210, None)]
    assert errors(RulesSchema(), {"b": 7}) == [(42210, "b"), (42210, "elsewhere.deep")]


def _picky(value: str) -> None:
    raise ValidationError(f"{value} will not do")


def test_an_unknown_validator_is_invalid() -> None:
    assert of_field(fields.String(validate=_picky), "x") == [(42210, "f")]


class Late:
    """A translation that is looked up when it is shown."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        (Late("needed"), ["needed"]),
        (["needed", "really"], ["needed", "really"]),
        ({"code": "E1", "more": ["a", "b"]}, ["code: E1, more: a b"]),
    ],
    ids=["late", "list", "dict"],
)
def test_codes_hold_whatever_form_a_message_of_a_field_has(template: Any, shown: list[str]) -> None:
    names = ("required", "null", "invalid")
    schema = Schema.from_dict(
        {"a": fields.Integer(required=True, error_messages=dict.fromkeys(names, template))}
    )()
    codes = [42201, 42202, 42203]
    for item, code in zip(({}, {"a": None}, {"a": "x"}), codes, strict=True):
        with pytest.raises(ValidationError) as refused:
            schema.load(item)
        errors = explain(schema, item, refused.value.messages)
        assert [(each.code.code, each.field) for each in errors] == [(code, "a")] * len(shown)
        assert [each.message for each in errors] == shown


@pytest.mark.parametrize("template", [Late("not here"), ["not", "here"]])
def test_the_message_of_an_unknown_field_is_a_text(template: Any) -> None:
    class Own(Schema):
        error_messages = {"unknown": template}  # noqa: RUF012 - as marshmallow has it

    with pytest.raises(ValidationError) as refused:
        Own().load({"x": 1})
    [error] = explain(Own(), {"x": 1}, refused.value.messages)
    assert (error.code.code, error.message, error.field) == (42208, "not here", "x")
