"""The fields of a collection in words."""

import datetime as dt
from enum import Enum
from typing import Any

import pytest
from marshmallow import EXCLUDE, INCLUDE, Schema, ValidationError, fields, validate, validates

from ingest import Resource
from ingest.describe.words.fields import FieldRow, field_rows


class Size(Enum):
    small = 1
    large = 2


class Own(fields.String):
    """A field of the user's own."""


class Inner(Schema):
    city = fields.String(required=True)
    made = fields.String(dump_only=True)


class Tree(Schema):
    name = fields.String(required=True)
    children = fields.List(fields.Nested(lambda: Tree()))


def even(value: int) -> None:
    """Only even numbers."""
    if value % 2:
        raise ValidationError("odd")


def said(row: FieldRow) -> str:
    """What the page says of a field."""
    ends = [f" {', '.join(rule.values)}." if rule.values else "" for rule in row.rules]
    return " ".join(rule.text + end for rule, end in zip(row.rules, ends, strict=True))


def rows_of(field: Any, **members: Any) -> dict[str, FieldRow]:
    schema = Schema.from_dict({"key": fields.String(), "value": field, **members})
    rows = field_rows(Resource("things", schema, key="key"))
    return {row.path: row for row in rows if row.path != "key"}


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (fields.String(), "Text."),
        (fields.Email(), "An e-mail address, such as ann@example.com."),
        (
            fields.Url(schemes=["https"]),
            "A URL, as text. A URL with one of the schemes https.",
        ),
        (
            fields.Integer(),
            "A whole number of at most 64 bits, also written as text; a fraction is cut off.",
        ),
        (
            fields.Integer(strict=True, validate=validate.Range(0, 9, max_inclusive=False)),
            "A whole number of at most 64 bits; a fraction is refused. At least 0 and less than 9.",
        ),
        (
            fields.Decimal(places=2),
            "A decimal number; as text, no digit of it is lost; it is rounded to 2 decimal places.",
        ),
        (
            fields.Boolean(load_default=False),
            "Either true or false, also written as text. Left out, it is false.",
        ),
        (
            fields.Boolean(truthy={"ja", 1}, falsy={"nein"}),
            "True or false, as one of: true, 1, ja, nein.",
        ),
        (
            fields.Boolean(truthy=set(), falsy={"nein"}),
            "Either true or false, also written as text.",
        ),
        (
            fields.String(validate=validate.OneOf(["", " a", "b\n", "\x7f", "\ud800", "c d", "é"])),
            r'Text. One of: "", " a", "b\n", "\u007f", "\ud800", c d, é.',
        ),
        (
            fields.Raw(validate=validate.OneOf([False, None, 1])),
            "Anything that the format of the body can hold. One of: false, null, 1.",
        ),
        (
            fields.String(validate=validate.Equal("")),
            'Text. Equal to "".',
        ),
        (
            fields.Enum(Size, load_default=Size.small),
            'One of: small, large. Left out, it is "small".',
        ),
        (fields.Enum(Size, by_value=True), "One of: 1, 2."),
        (
            fields.NaiveDateTime(),
            "A date and time without an offset, such as 2026-11-29T10:30:00.",
        ),
        (
            fields.AwareDateTime(default_timezone=dt.UTC),
            "A date and time, of UTC where it has no offset, such as 2026-11-29T10:30:00+00:00.",
        ),
        (
            fields.AwareDateTime("timestamp_ms"),
            "A date and time with an offset, as milliseconds since 1970.",
        ),
        (fields.Date("%d.%m.%Y"), "A date in the form %d.%m.%Y, such as 29.11.2026."),
        (fields.TimeDelta("minutes"), "A period of time: a number of minutes."),
        (fields.Constant("x"), 'Whatever is sent, it is x. Left out, it is "x".'),
        (
            fields.Raw(allow_none=True),
            "Anything that the format of the body can hold. May be null.",
        ),
        (
            fields.String(validate=validate.Length(equal=1)),
            "Text. Exactly 1 character.",
        ),
        (
            fields.String(validate=validate.And(validate.Length(min=2), validate.NoneOf(["x"]))),
            "Text. At least 2 characters. None of: x.",
        ),
        (
            fields.Integer(validate=even),
            "A whole number of at most 64 bits, also written as text; a fraction is cut off. "
            "A rule of the schema's own, even: Only even numbers.",
        ),
        (fields.String(load_only=True), "Text. Never shown."),
        (
            fields.String(load_default=lambda: "x"),
            "Text. Left out, the collection's own code gives it a value.",
        ),
        (
            fields.Function(lambda item: 1),
            "A value that the collection's own code makes. Shown, and never sent.",
        ),
        (
            fields.Function(deserialize=int),
            "A value that the collection's own code reads. Never shown.",
        ),
        (Own(), "Text. The collection's own code may refuse more."),
        (fields.Nested(Inner, unknown=EXCLUDE), "An object. Other fields are left out."),
        (fields.Nested(Inner, unknown=INCLUDE), "An object. Other fields are kept."),
        (fields.Pluck(Inner, "city"), "Text. It is not null where it is plucked."),
    ],
)
def test_a_field_in_words(field: Any, words: str) -> None:
    assert said(rows_of(field)["value"]) == words


def test_what_is_nested_has_rows_of_its_own() -> None:
    rows = rows_of(fields.List(fields.Nested(Inner), required=True))
    assert {path: said(row) for path, row in rows.items()} == {
        "value": "A list.",
        "value.*": "An object. Other fields are refused.",
        "value.*.city": "Text.",
        "value.*.made": "Text. Shown, and never sent.",
    }
    assert rows["value"].marks == ("required",)
    assert rows["value.*.city"].marks == ("required",)


def test_a_schema_in_itself_ends() -> None:
    rows = rows_of(fields.Nested(Tree))
    assert [*rows] == ["value", "value.name", "value.children", "value.children.*"]
    assert "It has the same fields as the object that it is in." in said(rows["value.children.*"])


def test_keys_and_values_of_an_object() -> None:
    rows = rows_of(fields.Dict(keys=fields.String(), values=fields.Integer(strict=True)))
    assert [*rows] == ["value", "value (keys)", "value.*"]
    rows = rows_of(fields.Tuple((fields.String(), fields.Date())))
    assert [*rows] == ["value", "value.0", "value.1"]
    assert said(rows["value"]) == "A list of exactly 2 elements."


def test_a_rule_names_the_error_that_breaks_it() -> None:
    row = rows_of(fields.String(required=True, validate=[validate.Length(1), even]))["value"]
    assert row.errors == {"required", "null_not_allowed", "wrong_type", "bad_length", "invalid"}
    assert rows_of(fields.String(allow_none=True))["value"].errors == {"wrong_type"}


def test_a_method_of_the_schema_is_a_rule_of_its_field() -> None:
    class Checked(Schema):
        key = fields.String()
        value = fields.String(metadata={"title": "Value", "description": " Of it. "})

        @validates("value")
        def open(self, value: str, data_key: str) -> None:
            """It is open."""

    _, row = field_rows(Resource("things", Checked, key="key"))
    assert said(row) == "Text. A rule of the schema's own, open: It is open."
    assert (row.title, row.description) == ("Value", "Of it.")


@pytest.mark.parametrize(
    ("key", "marks", "words"),
    [
        (None, ("key",), "The service makes one where a new item brings none."),
        (fields.UUID(dump_only=True), ("key",), "The service makes it; a new item brings none."),
        (fields.UUID(required=True), ("key", "required"), ""),
    ],
)
def test_the_key_says_who_makes_it(key: Any, marks: tuple[str, ...], words: str) -> None:
    schema = Schema.from_dict({"name": fields.String()} | ({"id": key} if key else {}))
    rows = field_rows(Resource("things", schema))
    [row] = [each for each in rows if each.path == "id"]
    assert row.marks == marks
    assert said(row).endswith(words or "000000000001.")


def test_very_many_choices_are_not_all_shown() -> None:
    many = rows_of(fields.String(validate=validate.OneOf(range(1000))))["value"]
    assert many.rules[-1].values[-1] == "… 950 more"
    long = rows_of(fields.String(validate=validate.OneOf(["x" * 999])))["value"]
    assert len(long.rules[-1].values[0]) == 201
