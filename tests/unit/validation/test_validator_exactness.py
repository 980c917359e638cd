# ruff: noqa: RUF001 - letters and digits that look alike are a part of the cases
"""Cases in which a faster answer is easily a wrong one: each beside marshmallow's."""

import datetime as dt
import decimal
import enum
import uuid
from collections import OrderedDict, UserDict
from collections.abc import Callable
from typing import Any

import pytest
from marshmallow import (
    EXCLUDE,
    INCLUDE,
    Schema,
    ValidationError,
    fields,
    missing,
    post_load,
    pre_load,
    validate,
    validates,
    validates_schema,
)

from ingest.validation import compile_validator


class Text(str):
    def __str__(self) -> str:
        return "something else"


class Twice(enum.IntEnum):
    one = 1


class Shade(enum.Enum):
    dark = "d"

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return cls.dark if value == "noir" else None


def outcome(load: Callable[[Any], Any], item: Any) -> Any:
    try:
        loaded = load(item)
    except ValidationError as error:
        return "invalid", error.messages, error.valid_data
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same
        return "raised", type(error), str(error)
    return "loaded", repr(loaded), type(loaded), _types(loaded)


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return [(type(key), _types(each)) for key, each in value.items()]
    if isinstance(value, list | tuple):
        return [type(value), *map(_types, value)]
    return type(value)


def agree(schema: Schema, *items: Any, partial: Any = None) -> None:
    validator = compile_validator(schema)
    for item in items:
        expected = outcome(lambda each: schema.load(each, partial=partial), item)
        assert outcome(lambda each: validator.load(each, partial), item) == expected, item


def one(field: Any) -> Schema:
    return Schema.from_dict({"x": field})()


def deep_list(levels: int) -> fields.Field[Any]:
    field: fields.Field[Any] = fields.Integer()
    for _ in range(levels):
        field = fields.List(field)
    return field


VALUES = {
    "strings": (fields.String(), ["a", b"a", b"\xff", Text("a"), 1, None, missing, ["a"]]),
    "strict integers": (
        fields.Integer(strict=True),
        [1, True, 1.0, "1", Twice.one, 10**400, decimal.Decimal(1), float("nan")],
    ),
    "integers": (
        fields.Integer(),
        [1.9, "1.9", " 1 ", "1_0", "٣", b"12", True, float("inf"), float("nan"), "9" * 5000, None],
    ),
    "floats": (
        fields.Float(),
        [1, "nan", "1e400", 10**400, False, "١", "1_0", b"1", float("-inf")],
    ),
    "floats with nan": (fields.Float(allow_nan=True), ["nan", "-inf", 1e400, 10**400]),
    "decimals": (
        fields.Decimal(places=2, rounding=decimal.ROUND_UP),
        [1, 0.1, "1.005", "NaN", "sNaN", "-Infinity", "1e999999", 10**40, "x", True, "٣", b"1"],
    ),
    "decimals with nan": (fields.Decimal(allow_nan=True), ["NaN", "-NaN", "sNaN", "inf", "1"]),
    "booleans": (fields.Boolean(), [1, 0, 1.0, "on", "OFF", [], {}, "maybe", 2, None, "1"]),
    "any boolean": (fields.Boolean(truthy=set()), [[], [0], "", "x", {}, 0]),
    "few booleans": (fields.Boolean(truthy={"ja"}, falsy={"nein"}), [True, False, "ja", 1]),
    "identifiers": (
        fields.UUID(),
        [b"0123456789abcdef", b"x", uuid.UUID(int=1), "{" + "1" * 32 + "}", "1" * 31, 5, "١" * 32],
    ),
    "enumerations by name": (fields.Enum(Shade), ["dark", "d", "noir", Shade.dark, None, ["dark"]]),
    "enumerations by value": (
        fields.Enum(Shade, by_value=True),
        ["dark", "d", "noir", Shade.dark, None, ["d"]],
    ),
    "numbers as enumerations": (fields.Enum(Twice, by_value=True), [1, True, 1.0, "1", Twice.one]),
    "timestamps": (fields.DateTime("timestamp"), [1, "1", True, -1, 1e30, "nan", None]),
    "dates": (fields.Date(), ["20240101", "2024-W01-1", dt.datetime(2024, 1, 1), "2024-02-30"]),  # noqa: DTZ001
    "naive times": (
        fields.NaiveDateTime(timezone=dt.UTC),
        ["2024-01-01T00:00:00+02:00", "0001-01-01T00:00:00+02:00", "2024-01-01"],
    ),
    "aware times": (fields.AwareDateTime(), ["2024-01-01T00:00:00", "2024-01-01T00:00:00-01:00"]),
    "lists": (
        fields.List(fields.String()),
        [["a"], ("a",), {"a"}, "a", {"a": 1}, [None], [missing]],
    ),
    "lists of anything": (fields.List(fields.Raw()), [[None], [missing], [[]], []]),
    "tuples": (fields.Tuple((fields.Integer(), fields.Raw())), [[1, None], (1, 2), [1], "ab", []]),
    "empty tuples": (fields.Tuple(()), [[], (), [1]]),
    "dicts": (
        fields.Dict(keys=fields.Integer(), values=fields.Integer()),
        [{"1": "2", 1: 3}, OrderedDict(a=1), UserDict({"1": 1}), {None: 1}, {"x": "y"}, []],
    ),
    "dicts with unhashable keys": (
        fields.Dict(keys=fields.List(fields.Raw())),
        [{(1, 2): 1}, {"a": 1}],
    ),
    "constants": (fields.Constant(5), [1, None, missing]),
    "constant nothing": (fields.Constant(None), [1, None]),
    "called constants": (fields.Constant(dict), [1, None]),
    "deep lists": (deep_list(30), [1, [1]]),
    "one of, unhashable": (fields.Raw(validate=validate.OneOf(["a", ["b"]])), ["a", ["b"], {}, 1]),
    "none of, unhashable": (fields.Raw(validate=validate.NoneOf({"a"})), ["a", ["b"], {}]),
    "one of a text": (fields.String(validate=validate.OneOf("abc")), ["ab", "ac", ""]),
    "contains only, unhashable": (
        fields.List(fields.Raw(), validate=validate.ContainsOnly({"a"})),
        [["a"], [["a"]], ["b"]],
    ),
    "a range of nan": (fields.Float(allow_nan=True, validate=validate.Range(0, 1)), ["nan", 2]),
    "a range across types": (fields.String(validate=validate.Range(min=1)), ["a"]),
    "length of a number": (fields.Integer(validate=validate.Length(1)), [1]),
    "a message that fails": (fields.Email(error_messages={"invalid": "{0}"}), ["a@b.co", "x"]),
    "a message with the input": (fields.Url(error_messages={"invalid": "{input}?"}), ["", "x"]),
    "file addresses": (
        fields.Url(schemes={"file", "HTTP"}),
        ["file:///etc", "file:etc", "http://a.b", "FILE:///x"],
    ),
}


@pytest.mark.parametrize("case", VALUES)
def test_values(case: str) -> None:
    field, values = VALUES[case]
    agree(one(field), {}, *({"x": value} for value in values))


@pytest.mark.parametrize("item", [None, 5, "x", [], [{}], UserDict(x="1"), OrderedDict(x="1"), {}])
def test_items_that_are_no_dicts(item: Any) -> None:
    agree(one(fields.Integer()), item)


def test_unknown_keys_come_in_marshmallows_order() -> None:
    item = {f"key{number}": number for number in range(300)} | {"x": 1, 5: 5, None: 0}
    agree(Schema.from_dict({"x": fields.Integer()})(unknown=INCLUDE), item)


def test_an_unknown_key_may_take_a_fields_place() -> None:
    field = fields.Integer(data_key="y", attribute="z")
    agree(Schema.from_dict({"x": field})(unknown=INCLUDE), {"y": 1, "z": 2, "x": 3, "z.a": 4})


def test_two_fields_may_read_one_key() -> None:
    declared = {
        "a": fields.Integer(data_key="k", load_only=True),
        "b": fields.String(data_key="k", load_only=True),
    }
    for unknown in (INCLUDE, EXCLUDE, "raise"):
        agree(
            Schema.from_dict(declared)(unknown=unknown),
            {"k": 1},
            {"k": "1"},
            {},
            {"k": "1", "l": 1},
        )


def test_attributes_with_dots_build_what_set_value_builds() -> None:
    declared = {
        "a": fields.Integer(attribute="in.a"),
        "b": fields.Raw(attribute="in"),
        "c.d": fields.Integer(),
    }
    agree(Schema.from_dict(declared)(), {"a": 1}, {"a": 1, "b": 2}, {"b": 2}, {"c.d": 1, "b": {}})
    swapped = {"b": fields.Raw(attribute="in"), "a": fields.Integer(attribute="in.a")}
    agree(Schema.from_dict(swapped)(), {"a": 1, "b": 2}, {"a": 1, "b": {"z": 1}})


def test_defaults_are_neither_validated_nor_copied() -> None:
    shared: list[int] = []
    field = fields.List(fields.Integer(), load_default=shared, validate=validate.Length(min=1))
    assert compile_validator(one(field)).load({})["x"] is shared
    agree(one(fields.String(load_default=5, validate=validate.Length(1))), {}, {"x": ""})
    assert compile_validator(one(fields.List(fields.Raw(), load_default=list))).load({}) == {
        "x": []
    }


def test_a_default_of_the_users_own_is_called_once_for_each_item() -> None:
    calls: list[int] = []

    def number() -> int:
        calls.append(1)
        return len(calls)

    schema = Schema.from_dict(
        {"x": fields.Integer(load_default=number), "y": fields.Integer(required=True)}
    )()
    validator = compile_validator(schema)
    assert [validator.load({"y": 1})["x"] for _ in range(3)] == [1, 2, 3]
    with pytest.raises(ValidationError):
        validator.load({"y": "no"})
    assert len(calls) == 4


class Upper(fields.String):
    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if data.get("broken"):
            raise ValidationError("broken", valid_data="part")
        return f"{attr}:{super()._deserialize(value, attr, data, **kwargs).upper()}"


class HarmlessEmail(fields.Email):
    default_error_messages = {"invalid": "No address."}  # noqa: RUF012

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=True, **kwargs)


def test_fields_of_the_users_own() -> None:
    schema = Schema.from_dict(
        {
            "a": Upper(data_key="A", required=True),
            "b": fields.Integer(),
            "c": fields.List(Upper()),
            "broken": fields.Raw(),
        }
    )()
    agree(
        schema,
        {"A": "x", "b": 1},
        {"A": 5, "b": 1},
        {"A": "x", "b": "no", "broken": 1},
        {"A": "x", "b": 1, "broken": 1},
        {},
        {"A": "x", "c": ["y"]},
    )
    assert "load_Gen" in compile_validator(schema).source
    agree(one(HarmlessEmail()), {"x": "a@b.co"}, {"x": "a"}, {})


def test_functions_of_the_users_own_run_once_an_item() -> None:
    calls: list[Any] = []

    def rule(value: Any) -> None:
        calls.append(value)
        if value == "bad":
            raise ValidationError({"deep": ["bad"]})

    schema = Schema.from_dict(
        {
            "x": fields.String(validate=[validate.Length(max=5), rule, validate.Equal("good")]),
            "y": fields.Integer(validate=rule, allow_none=True, load_default=1),
        }
    )()
    validator = compile_validator(schema)
    for item in ({"x": "good", "y": 2}, {"x": "bad", "y": 3}, {"x": "good"}, {"y": None}):
        calls.clear()
        expected = outcome(schema.load, item), list(calls)
        calls.clear()
        assert (outcome(validator.load, item), list(calls)) == expected


class HookedSchema(Schema):
    first = fields.Integer(required=True)
    second = fields.Integer()

    @pre_load
    def unwrap(self, data: Any, **kwargs: Any) -> Any:
        return data.pop("data")  # which can be done only once

    @validates("second")
    def not_two(self, value: Any, **kwargs: Any) -> None:
        if value == 2:
            raise ValidationError("two")

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def rising(self, data: Any, original: Any, **kwargs: Any) -> None:
        if data.get("second", 9) < data.get("first", 0):
            raise ValidationError("not rising", "second")

    @post_load
    def make(self, data: Any, **kwargs: Any) -> Any:
        if data["first"] == 0:
            raise ValidationError("nothing", "first")
        return tuple(data.values()), sorted(kwargs)

    def handle_error(self, error: Any, data: Any, **kwargs: Any) -> None:
        if data == "secret":
            raise RuntimeError("handled")


@pytest.mark.parametrize(
    "inner",
    [{"first": 1, "second": 3}, {"first": "x"}, {"first": 3, "second": 2}, {"first": 0}, {}, 5],
    ids=str,
)
def test_hooks_run_once_and_in_order(inner: Any) -> None:
    expected = outcome(HookedSchema().load, {"data": inner})
    assert outcome(compile_validator(HookedSchema()).load, {"data": inner}) == expected


class OwnLoad(Schema):
    x = fields.Integer()

    def load(self, data: Any, **kwargs: Any) -> Any:
        return "own", sorted(kwargs)


class OwnErrors(Schema):
    x = fields.Integer()

    def handle_error(self, error: Any, data: Any, **kwargs: Any) -> None:
        raise RuntimeError(sorted(kwargs.items()), error.messages)


class OwnDict(Schema):
    dict_class = OrderedDict
    x = fields.Integer()
    y = fields.Nested(lambda: OwnDict(only=("x",)))


class Tree(Schema):
    name = fields.String(required=True)
    below = fields.List(fields.Nested(lambda: Tree()))


class Later(Schema):
    x = fields.Nested("NotDefinedAnywhere")
    y = fields.Integer()


def test_schemas_that_are_not_plain() -> None:
    assert compile_validator(OwnLoad()).load({}) == OwnLoad().load({})
    agree(OwnErrors(), {"x": 1}, {"x": "no"}, 5)
    agree(OwnDict(), {"x": 1, "y": {"x": 2}}, {})
    tree = {
        "name": "a",
        "below": [{"name": "b", "below": [{"name": "c", "below": [{}]}]}, {"name": "d"}],
    }
    agree(Tree(), tree, {"name": "a"}, {"name": "a", "below": [{"name": "b"}]})
    agree(Later(), {"y": 1}, {"y": 1, "x": {}})


def test_nested_schemas() -> None:
    child = Schema.from_dict(
        {"a": fields.Integer(required=True), "b": fields.Integer(load_default=5)}
    )
    schema = Schema.from_dict(
        {
            "own": fields.Nested(child(partial=True)),
            "many": fields.Nested(child, many=True, unknown=EXCLUDE),
            "part": fields.Nested(child, only=("b",), unknown=INCLUDE, allow_none=True),
            "word": fields.Pluck(child, "a", many=True),
        }
    )()
    items = (
        {"own": {}, "many": [{"a": 1, "z": 2}], "part": {"a": "1"}, "word": ["1", 2]},
        {"own": {"a": None}, "many": {"a": 1}, "part": None, "word": [None]},
        {"own": [], "many": ({"a": 1},), "part": 5, "word": 5},
        {"many": [5], "word": []},
        {"many": [{}], "own": {"z": 1}},
    )
    for partial in (None, False, True, ("own", "many.a"), ()):
        agree(schema, *items, partial=partial)


class Priced(Schema):
    price = fields.Float(required=True)

    @post_load(pass_original=True)
    def make(self, data: Any, original: Any, **kwargs: Any) -> Any:
        if data["price"] < 0:
            raise ValidationError("negative", "price")
        return ("priced", data["price"], original, kwargs)


def test_hooks_of_nested_schemas() -> None:
    schema = Schema.from_dict(
        {
            "one": fields.Nested(Priced, unknown=EXCLUDE, required=True),
            "list": fields.List(fields.Nested(Priced)),
            "dict": fields.Dict(values=fields.Nested(Priced)),
            "pair": fields.Tuple((fields.Nested(Priced), fields.Integer())),
            "many": fields.Nested(Priced, many=True),
        }
    )()
    good, bad = {"price": 1}, {"price": -1}
    items = (
        {"one": {**good, "more": 1}, "list": [good, good], "dict": {"a": good}, "pair": [good, 1]},
        {"one": bad, "list": [good, bad, 5, {}], "dict": {"a": bad, "b": good}, "pair": [bad, "x"]},
        {"one": None, "many": [good, bad]},
        {"one": good, "many": [good, {}]},
    )
    for partial in (None, False, True, ("one.price", "list.price")):
        agree(schema, *items, partial=partial)
