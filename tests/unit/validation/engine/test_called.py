"""Fields whose values code of the user's loads, with everything around it compiled."""

from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, missing, validate

from ingest.validation import compile_validator, explain_schema

CALLS: list[Any] = []


def strip(value: Any) -> Any:
    CALLS.append(("strip", value))
    return value.strip() if isinstance(value, str) else value


def to_null(value: Any) -> Any:
    CALLS.append(("to_null", value))
    return None if value == "" else value


def refuse(value: Any) -> Any:
    CALLS.append(("refuse", value))
    if value == "bad":
        raise ValidationError("Refused.", valid_data="rest")
    return value


def check(value: Any) -> None:
    CALLS.append(("check", value))
    if value in ("worse", 5):
        raise ValidationError({"deep": ["Worse."]})


def break_down(value: Any) -> Any:
    CALLS.append(("break_down", value))
    if value == "broken":
        raise KeyError("broken")
    return value


def made() -> Any:
    CALLS.append("made")
    return "made"


class Clean(fields.String):
    """The commonest of all: a String that calls super."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        CALLS.append(("clean", id(self), value, attr, repr(data), kwargs))
        return super()._deserialize(value, attr, data, **kwargs).strip()


class Listed(fields.String):
    """Loads another type, and may load nothing."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        return missing if text == "nothing" else None if text == "null" else text.split(",")


class Validated(fields.Integer):
    def _validated(self, value: Any) -> Any:
        CALLS.append(("validated", value))
        return super()._validated(value) * 2


class OwnMissing(fields.String):
    """Another part of `deserialize` of its own."""

    def _validate_missing(self, value: Any) -> None:
        CALLS.append(("missing", value))
        if value is missing:
            raise ValidationError("Say something.")


class OwnWhole(fields.Field[Any]):
    def deserialize(self, value: Any, attr: Any = None, data: Any = None, **kwargs: Any) -> Any:
        CALLS.append(("whole", repr(value), attr, repr(data), kwargs))
        return super().deserialize(value, attr, data, **kwargs)


class OwnValidate(fields.String):
    def _validate(self, value: Any) -> None:
        CALLS.append(("validate", value))
        super()._validate(value)


LENGTH = validate.Length(max=6)
SHAPES: dict[str, Any] = {
    "clean": Clean(),
    "clean, required": Clean(required=True, validate=[LENGTH, check]),
    "clean, nullable": Clean(allow_none=True, validate=validate.OneOf(["a", "b"])),
    "clean, with a default": Clean(load_default="  x", post_load=[strip, refuse]),
    "clean, with a default that is called": Clean(load_default=made, validate=check),
    "clean, required with a default": Clean(required=1, load_default="x"),  # type: ignore[arg-type]
    "clean, null by default": Clean(load_default=None, pre_load=to_null),
    "listed": Listed(validate=validate.Length(max=2)),
    "validated": Validated(allow_none=True),
    "function": fields.Function(deserialize=refuse),
    "function, nullable": fields.Function(deserialize=strip, allow_none=True, validate=check),
    "function of nothing": fields.Function(),
    "function for shows": fields.Function(len, deserialize=break_down, required=True),
    "method": fields.Method(deserialize="load_it", load_default=made),
    "method of nothing": fields.Method(),
    "before": fields.String(pre_load=strip, validate=LENGTH),
    "before, required": fields.Integer(pre_load=[strip, refuse], required=True, strict=True),
    "before, nullable": fields.Email(pre_load=[strip, to_null], allow_none=True),
    "before, not nullable": fields.Integer(pre_load=to_null, load_default=5),
    "after": fields.String(post_load=[strip, refuse], validate=LENGTH),
    "after a check": fields.String(post_load=break_down, validate=[LENGTH, check, refuse]),
    "after null": fields.Date(post_load=str, allow_none=True),
    "after a default": fields.Integer(post_load=check, load_default=made),
    "after a list": fields.List(fields.String(), post_load=break_down, validate=LENGTH),
    "after a constant": fields.Constant("bad", post_load=refuse, allow_none=True),
    "after anything": fields.Raw(post_load=refuse, required=True),
    "inside a list": fields.List(fields.String(post_load=refuse)),
    "inside a dict": fields.Dict(values=Clean(), post_load=break_down, allow_none=True),
    "own missing": OwnMissing(required=True),
    "own whole": OwnWhole(load_default=made, validate=check, pre_load=strip),
    "own validate": OwnValidate(validate=check, allow_none=True),
}
VALUES = (
    "a", " b ", "bad", "worse", "broken", "much too long", "", "nothing", "null", "5", 5, 5.5,
    None, True, b"a", b"\xff", "a@b.co", "2024-02-29", ["a"], ["bad", "a"], [1], {"k": " v "},
    {"k": 1}, [], missing,
)  # fmt: skip


def outcome(load: Any, item: Any) -> Any:
    CALLS.clear()
    try:
        result = ("loaded", repr(load(item)))
    except ValidationError as error:
        result = ("invalid", repr(error.messages), repr(error.valid_data))
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be the same
        result = ("raised", type(error), str(error))
    return (*result, list(CALLS))


class Loading(Schema):
    """Has the method that a field names."""

    first = fields.Integer(validate=check)

    def load_it(self, value: Any) -> Any:
        CALLS.append(("load_it", id(self), value))
        return refuse(value)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("partial", [None, True, ("x",)], ids=str)
def test_every_call_is_marshmallows(shape: str, partial: Any) -> None:
    declared = {"x": SHAPES[shape], "y.y": fields.Function(deserialize=strip, data_key="y")}
    schema = type("Called", (Loading,), declared)()
    validator = compile_validator(schema)
    options = {} if partial is None else {"partial": partial}
    items = [{"first": 1, "x": value, "y": " y "} for value in VALUES]
    items += [{}, {"first": 5}, {"first": "no", "x": "bad"}, {"x": "a", "y": None, "z": 1}]
    for item in items:
        expected = outcome(lambda each: schema.load(each, **options), item)
        assert outcome(lambda each: validator.load(each, partial), item) == expected, item
    assert validator.source


def test_what_is_called_of_a_field_is_told() -> None:
    declared = {
        "clean": Clean(post_load=strip),
        "after": fields.String(validate=[LENGTH, check], post_load=strip),
        "before": fields.String(pre_load=strip),
        "function": fields.Function(deserialize=strip),
        "inside": fields.List(fields.String(post_load=refuse)),
    }
    assert [tuple(row) for row in explain_schema(Schema.from_dict(declared)())] == [
        ("clean", "calls marshmallow's field", "Clean defines _deserialize"),
        ("after", "compiled", "then calls check, strip"),
        ("before", "calls marshmallow's field", "calls strip first"),
        ("function", "calls marshmallow's field", "Function is not a field that can be compiled"),
        ("inside", "calls marshmallow's field", "the function refuse has to be called"),
    ]
