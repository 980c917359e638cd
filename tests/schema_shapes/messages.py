"""Messages and validators as people write them."""

from contextvars import ContextVar
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates
from marshmallow.experimental.context import Context

from tests.schema_shapes.shape import Bad, Shape

LANGUAGE = ContextVar("LANGUAGE", default="en")


class Late:
    """A text that is translated when it is needed."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return {"en": self.text, "de": f"de:{self.text}"}[LANGUAGE.get()]

    def format(self, **values: Any) -> str:
        return str(self).format(**values)


class Translated(Schema):
    key = fields.Integer(
        required=True,
        error_messages={"required": Late("needed"), "invalid": Late("no number")},  # type: ignore[dict-item]
    )
    name = fields.String(validate=validate.Length(max=2, error=Late("max {max}")))  # type: ignore[arg-type]

    @post_load
    def say(self, data: Any, **_: Any) -> Any:
        data["name"] = data.get("name", "") + LANGUAGE.get()
        return data


class Contextual(Schema):
    key = fields.Integer(required=True)
    who = fields.Function(lambda item: Context.get(default={}).get("who", "nobody"))


class Validated(Schema):
    key = fields.Integer(required=True, validate=lambda value: value > 0)
    text = fields.String(validate=[lambda text: text != "x", validate.Length(2)])
    never = fields.String(validate=lambda text: False)

    @validates("text")
    def other(self, value: str, **_: Any) -> None:
        if value == "dict":
            raise ValidationError({"code": ["E1"], "more": {"deep": "x"}})


SHAPES = [
    Shape(
        "translateds",
        Translated,
        key="key",
        items=[{"key": 1, "name": "a"}],
        changes=[(0, {"key": 1, "name": "b"})],
        bad=[
            Bad({}, [(42201, "key")]),
            Bad({"key": "x"}, [(42203, "key")]),
            Bad({"key": 1, "name": "abc"}, [(42206, "name")]),
        ],
    ),
    Shape(
        "contextuals",
        Contextual,
        key="key",
        items=[{"key": 1}],
        bad=[Bad({"key": None}, [(42202, "key")])],
    ),
    Shape(
        "validateds",
        Validated,
        key="key",
        items=[{"key": 1, "text": "abc"}],
        changes=[(0, {"key": 1, "text": "zzz"})],
        bad=[
            Bad({"key": -1, "text": "x", "never": "q"}, [(42206, "text")]),
            Bad({"key": 1, "text": "dict"}, [(42210, "text.code"), (42210, "text.more.deep")]),
        ],
    ),
]
