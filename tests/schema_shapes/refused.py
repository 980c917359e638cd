"""Shapes that cannot be served: what the message names, and the way out that it gives."""

from typing import Any

from marshmallow import Schema, fields

from tests.schema_shapes.polymorphic import Either
from tests.schema_shapes.shape import Refused


def keyed(**declared: fields.Field[Any]) -> type[Schema]:
    return Schema.from_dict({"key": fields.Integer(required=True), **declared})


class Credential(Schema):
    user, password = fields.String(), fields.String(load_only=True)


WITHOUT_OFFSET = ("'at'", "declare it as NaiveDateTime", "default_timezone")
REFUSED = [
    Refused("seconds", keyed(at=fields.DateTime(format="timestamp")), WITHOUT_OFFSET),
    Refused("millis", keyed(at=fields.DateTime(format="timestamp_ms")), WITHOUT_OFFSET),
    Refused("days", keyed(at=fields.DateTime(format="%d/%m/%Y %H:%M")), WITHOUT_OFFSET),
    Refused(
        "credentials",
        keyed(credential=fields.Nested(Credential)),
        ("'credential.password'", "move it to the top level", "drop load_only"),
    ),
    Refused("eithers", Either, ("'key'", "is not a field of the schema"), key="key"),
    Refused("lists", keyed(at=fields.List(fields.Integer())), ("'at'", "stored as"), key="at"),
    Refused(
        "secret", keyed(at=fields.String(load_only=True)), ("'at'", "drop load_only"), key="at"
    ),
    Refused("metas", keyed(meta=fields.String()), ("'meta'",)),
]
