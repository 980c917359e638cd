"""Fields of numbers in JSON Schema."""

from typing import Any

from marshmallow import fields

from ingest.describe import texts
from ingest.describe.notes import noted

Schema = dict[str, Any]

FRACTION = "It is written without a point or an exponent: 1, and not 1.0."
_DIGITS = 28
"""Of Python's decimal context, to which marshmallow rounds."""


def integer(field: fields.Integer, *, shown: bool) -> Schema:
    if field.as_string and shown:
        return {"type": "string", "pattern": texts.INTEGER}
    if field.as_string and not field.strict:
        return {"type": ["string", "integer"], "format": "int64", "pattern": texts.INTEGER}
    said: Schema = {"type": "integer", "format": "int64"}
    if field.strict and not shown:
        return noted(said, FRACTION)
    return said


def floating(field: fields.Float, *, shown: bool) -> Schema:
    if not field.as_string:
        return {"type": "number", "format": "double"}
    if shown:
        return {"type": "string"}
    return noted({"type": ["string", "number"], "format": "double"}, "A text is that of a number.")


def decimal(field: fields.Decimal, *, shown: bool) -> Schema:
    if not field.as_string:
        said: Schema = {"type": "number"}
    elif shown:
        said = {"type": "string"} if field.allow_nan else _text({"type": "string"})
    else:
        said = _text({"type": ["string", "number"]})
    if field.places is None or shown:
        return said
    return noted(said, rounds(field), f"It then has at most {_DIGITS} digits.")


def _text(said: Schema) -> Schema:
    return {**said, "pattern": texts.DECIMAL}


def rounds(field: fields.Decimal) -> str:
    """What happens to a number before it is checked; empty where nothing does."""
    if field.places is None:
        return ""
    places = -int(field.places.as_tuple().exponent)
    return f"It is rounded to {places} decimal places before it is checked."
