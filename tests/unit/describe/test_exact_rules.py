"""Rules and values of a declaration that JSON writes otherwise than Python compares them."""

import enum
from decimal import Decimal
from typing import Any

import pytest
from marshmallow import EXCLUDE, INCLUDE, RAISE, Schema, fields, post_load, validate

from ingest import Resource
from ingest.describe.json_schema import STORED, Kind, json_schema
from ingest.describe.notes import rules_of
from ingest.exactjson import dump_exact
from tests.property.schema_oracle import Oracle
from tests.unit.describe.test_json_schema import INTEGER, NUMBER, TEXT, even, of, words

DOUBLE = {**NUMBER, "format": "double"}
LONE = "\ud800"
TENTH = Decimal("0.1")


class Size(str, enum.Enum):  # noqa: UP042 - its `str` is `Size.small`
    small = "S"
    large = "L"


class Shade(enum.Enum):
    red = "r"
    crimson = "r"  # noqa: PIE796 - another name of red


class Level(enum.IntEnum):
    low = 1
    high = 2


@pytest.mark.parametrize(
    ("field", "said"),
    [
        # 0.1 as a double is more than 0.1, and equal to no decimal of one digit.
        (fields.Float(validate=validate.OneOf([TENTH, 0.5])), {**DOUBLE, "enum": [0.5]}),
        (fields.Float(validate=validate.NoneOf([TENTH])), DOUBLE),
        (fields.Float(validate=validate.OneOf([0.1, 2**53 + 1])), {**DOUBLE, "enum": [0.1]}),
        (fields.Float(validate=validate.Range(max=TENTH)), {**DOUBLE, "exclusiveMaximum": 0.1}),
        (
            fields.Float(validate=validate.Range(min=TENTH, min_inclusive=False)),
            {**DOUBLE, "minimum": 0.1},
        ),
        (fields.Decimal(validate=validate.Equal(0.1)), {**NUMBER, "not": {}}),
        (fields.Decimal(validate=validate.OneOf([TENTH, 0.5])), {**NUMBER, "enum": [0.1, 0.5]}),
        (
            fields.Decimal(validate=validate.Range(0.1, 0.1)),
            {**NUMBER, "exclusiveMinimum": 0.1, "maximum": 0.1},
        ),
        (fields.Integer(validate=validate.OneOf([1, 10**400])), {**INTEGER, "enum": [1]}),
        (fields.String(validate=validate.OneOf([Size.small])), {**TEXT, "enum": ["S"]}),
        (fields.String(validate=validate.NoneOf([LONE, "a"])), {**TEXT, "not": {"enum": ["a"]}}),
        (fields.String(validate=validate.OneOf([])), {**TEXT, "not": {}}),
        (
            fields.String(validate=validate.ContainsOnly(["\ud83d", "\ude00"])),
            {**TEXT, "maxLength": 0},
        ),
        (fields.String(validate=validate.Length(max=-1)), {**TEXT, "not": {}}),
        (
            fields.List(fields.Integer(), validate=validate.Length(max=-1)),
            {"type": "array", "items": INTEGER, "not": {}},
        ),
        (fields.Boolean(truthy=set(), validate=validate.Equal(True)), {"enum": [True]}),
        (fields.Boolean(truthy={LONE, "ja"}, falsy={"nein"}), {"enum": ["ja", "nein"]}),
    ],
)  # fmt: skip
def test_what_json_writes_is_what_the_field_compares(
    field: fields.Field[Any], said: dict[str, Any]
) -> None:
    assert of(field) == said


def test_integers_beyond_64_bits_are_choices() -> None:
    class Large(enum.Enum):
        one = 2**70
        two = 10**400

    for field in (fields.Enum(Large, by_value=True), fields.Enum(Large, by_value=fields.Decimal)):
        assert of(field) == {"enum": [2**70, 10**400]} == of(field, Kind.ITEM)


def test_whole_numbers_of_an_enum_may_have_to_be_written_without_a_point() -> None:
    assert "1, and not 1.0" in words(fields.Enum(Level, by_value=fields.Integer(strict=True)))[0]
    assert words(fields.Enum(Level, by_value=True)) == []


@pytest.mark.parametrize(
    "inner", [fields.String(post_load=str.upper), fields.String(pre_load=str.upper)]
)
def test_elements_that_code_changes_are_compared_in_words(inner: fields.String) -> None:
    field = fields.List(inner, validate=validate.ContainsNoneOf(["A"]))
    assert words(field) == ["None of its parts is one of: A."]
    assert "allOf" not in of(field)


def test_names_that_are_read_as_one_key_are_counted_in_words() -> None:
    field = fields.Dict(fields.Enum(Shade), validate=validate.Length(min=2))
    assert words(field) == ["Its length is at least 2."]
    oracle = Oracle(Resource("things", Schema.from_dict({"f": field})))
    assert oracle.errors(Kind.CREATE, {"f": {"red": 1, "crimson": 1}})
    assert "minProperties" not in of(field)
    assert of(fields.Dict(fields.String(), validate=validate.Length(min=2)))["minProperties"] == 2


def test_rules_in_words_can_be_encoded() -> None:
    field = fields.Raw(validate=validate.OneOf([LONE]))
    assert words(field) == ["It is one of: ?."]
    assert dump_exact(of(field))


class Person(Schema):
    number = fields.Integer(dump_only=True)


@pytest.mark.parametrize(
    ("unknown", "taken"), [(None, False), (RAISE, False), (EXCLUDE, False), (INCLUDE, True)]
)
def test_a_plucked_field_that_is_only_shown_is_unknown(unknown: str | None, taken: bool) -> None:
    one = fields.Pluck(Person, "number", unknown=unknown)
    several = fields.Pluck(Person, "number", many=True, unknown=unknown)
    oracle = Oracle(Resource("things", Schema.from_dict({"one": one, "several": several})))
    for item in ({"one": 5}, {"several": [5]}):
        assert oracle.takes(Kind.CREATE, item) == taken == (not oracle.errors(Kind.CREATE, item))
    assert oracle.takes(Kind.CREATE, {"several": []})


def test_a_default_of_null_makes_no_key() -> None:
    code = fields.Integer(load_default=None)
    oracle = Oracle(Resource("things", Schema.from_dict({"code": code}), key="code"))
    assert oracle.documents[Kind.CREATE]["required"] == ["code"]
    assert "default" not in oracle.documents[Kind.CREATE]["properties"]["code"]
    assert oracle.errors(Kind.CREATE, {})


def test_a_key_names_what_cannot_be_stored() -> None:
    fields_ = {"at": fields.NaiveDateTime("timestamp")}
    resource = Resource("things", Schema.from_dict(fields_), key="at")
    assert rules_of(json_schema(resource, Kind.KEY, "")) == [STORED]
    oracle = Oracle(resource)
    assert oracle.errors(Kind.CREATE, {"at": 0.1234567}) == [(42203, "at")]
    assert not oracle.errors(Kind.CREATE, {"at": 0.123456})
    assert oracle.takes(Kind.KEY, 0.123456)


def test_a_plucked_field_is_kept_where_it_is_looked_for_or_code_makes_it() -> None:
    class Renamed(Schema):
        number = fields.Integer(dump_only=True, data_key="Number")

    class Made(Schema):
        number = fields.Integer(dump_only=True)

        @post_load
        def make(self, data: Any, **_: Any) -> Any:
            return {"number": 5}

    for inner, unknown, taken in ((Renamed, INCLUDE, False), (Made, EXCLUDE, True)):
        field = fields.Pluck(inner, "number", unknown=unknown)
        oracle = Oracle(Resource("things", Schema.from_dict({"f": field})))
        assert oracle.takes(Kind.CREATE, {"f": 5}) == taken
        assert taken == (not oracle.errors(Kind.CREATE, {"f": 5}))


@pytest.mark.parametrize(
    ("field", "is_shown", "is_sent"),
    [
        (fields.Boolean(load_default=list), [[]], []),
        (fields.Boolean(load_default=0), [0], [0]),
        (fields.Boolean(dump_default="yes"), ["yes"], ["yes"]),
        (fields.UUID(load_default="none"), ["none"], []),
        (fields.Tuple((fields.Integer(), fields.Integer()), load_default=[1]), [], []),
        (fields.List(fields.Boolean(), load_default="y"), [["y"]], [["y"]]),
        (fields.Boolean(load_default=False), [], []),
        (fields.Integer(load_default=0, validate=validate.Range(1)), [], []),
        (fields.Integer(load_default="none"), [], []),
        (fields.List(fields.Nested(Person), load_default=list), [], []),
    ],
)
def test_a_default_is_shown_as_it_is(
    field: fields.Field[Any], is_shown: list[Any], is_sent: list[Any]
) -> None:
    for kind, odd in ((Kind.ITEM, is_shown), (Kind.CREATE, is_sent)):
        inner = Schema.from_dict({"f": field})
        resource = Resource("things", Schema.from_dict({"inner": fields.Nested(inner)}))
        found = json_schema(resource, kind, "")["$defs"][inner.__name__]
        either = found["properties"]["f"].get("anyOf", [])
        assert [part["enum"] for part in either if "enum" in part] == ([odd] if odd else [])


def test_a_default_of_another_form_is_taken_as_it_is_shown() -> None:
    inner = Schema.from_dict({"f": fields.Boolean(load_default=0)})
    oracle = Oracle(Resource("things", Schema.from_dict({"inner": fields.Nested(inner)})))
    shown = oracle.shown({"inner": {}})
    assert shown["inner"] == {"f": 0}
    assert oracle.takes(Kind.ITEM, shown)
    assert oracle.takes(Kind.CREATE, shown)
    assert not oracle.errors(Kind.CREATE, shown)


def test_rules_stand_beside_what_a_default_adds() -> None:
    found = of(fields.Boolean(load_default="no", validate=even))
    assert found["$comment"].startswith("A rule of the schema's own, even")
    assert found["anyOf"] == [{"type": "boolean"}, {"enum": ["no"]}]


@pytest.mark.parametrize(
    ("field", "taken", "refused"),
    [
        (
            fields.Decimal(as_string=True, validate=validate.Range(0, 10**12)),
            ["0", "-0.0", "007.5", "1000000000000.0", 12],
            ["-1", "-0.1", "1000000000000.1", "2000000000000", -1],
        ),
        (fields.Integer(as_string=True, validate=validate.Range(max=-5)), ["-5"], ["-4", "5"]),
        (
            fields.Decimal(1, as_string=True, validate=validate.Range(max=1)),
            ["1.04"],  # it is rounded first
            [],
        ),
    ],
)
def test_texts_of_numbers_keep_to_bounds(
    field: fields.Field[Any], taken: list[Any], refused: list[Any]
) -> None:
    oracle = Oracle(Resource("things", Schema.from_dict({"f": field})))
    for value, takes in [*((each, True) for each in taken), *((each, False) for each in refused)]:
        assert oracle.takes(Kind.CREATE, {"f": value}) is takes, value
        assert (not oracle.errors(Kind.CREATE, {"f": value})) is takes, value
