"""What the schema makes of a text: CSV cells have no types, and elements of XML need none.

A text becomes a number or a boolean where the schema has one in its place and the text is its
plain form (`42`, `-1.5`, `true`). Every other text stays one, for the schema's own rules to read:
they take `"042"`, `"1e3"` and `"yes"` as they are. Only a strict integer takes no text at all, so
here it gets what `int` makes of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from marshmallow import Schema, fields

from ingest.resources.resource import META, Resource

Convert = Callable[[str], Any]
_BOOLEANS = {"true": True, "false": False}
_MAX_DIGITS = 300
"""Longer numbers stay text: a double ends before, and so does what JSON can say."""


class Kind(Enum):
    """What stands in a place of an item."""

    SCALAR = "scalar"
    OBJECT = "object"
    """An object whose members the schema names."""
    MAP = "map"
    """An object of any members, all of one shape."""
    ARRAY = "array"
    ANY = "any"
    """The schema does not say: structure as it comes, and texts stay texts."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One place of an item."""

    kind: Kind
    convert: Convert | None = None
    """From text to value, of a scalar; None where the text is the value."""
    below: "Callable[[str], Shape]" = lambda _: ANY
    """The shape of a member or element, by its name or index; `ANY` where there is none."""
    names: "Callable[[str], bool]" = lambda _: False
    """Whether the schema names such a member."""

    def value(self, text: str) -> Any:
        return text if self.convert is None else self.convert(text)


ANY: Shape = Shape(Kind.ANY)
_TEXT = Shape(Kind.SCALAR)


def any_integer(text: str) -> Any:
    """What `int` makes of `text`, else `text`."""
    if len(text) > _MAX_DIGITS:
        return text
    try:
        return int(text)
    except ValueError:
        return text


def plain_integer(text: str) -> Any:
    """The integer whose plain form `text` is, else `text`."""
    value = any_integer(text)
    return value if str(value) == text else text


def plain_number(text: str) -> Any:
    """The integer or float whose plain form `text` is, else `text`."""
    if len(text) > _MAX_DIGITS:
        return text
    try:
        value = float(text)
    except ValueError:
        return text
    if repr(value) == text and text[-1] not in "fn":  # neither inf nor nan
        return value
    return plain_integer(text)


def item_shape(resource: Resource) -> Shape:
    """The shape of a resource's items, by the names that clients use."""
    members = {
        field.data_key: shape_of(field.field)
        for field in resource.fields
        if not field.field.dump_only
    }
    members[META] = _object({"version": Shape(Kind.SCALAR, any_integer)})
    return _object(members)


def shape_of(field: "fields.Field[Any]") -> Shape:
    """The shape of what a field loads."""
    if isinstance(field, fields.Pluck):
        return _many(field, lambda: shape_of(field.schema.fields[field.field_name]))
    if isinstance(field, fields.Nested):
        return _many(field, lambda: _schema_shape(field.schema))
    if isinstance(field, fields.List):
        inner = shape_of(field.inner)
        return Shape(Kind.ARRAY, below=lambda _: inner)
    if isinstance(field, fields.Tuple):
        places = {str(index): shape_of(each) for index, each in enumerate(field.tuple_fields)}
        return Shape(Kind.ARRAY, below=_members(places))
    if isinstance(field, fields.Mapping):
        value = ANY if field.value_field is None else shape_of(field.value_field)
        return Shape(Kind.MAP, below=lambda _: value)
    return _scalar(field)


def _many(field: fields.Nested, one: Callable[[], Shape]) -> Shape:
    """The shape of a nested value or of a list of them. Made late: a schema may contain itself."""
    made = cache(one)
    if field.many or field.schema.many:
        return Shape(Kind.ARRAY, below=lambda _: made())
    if isinstance(field, fields.Pluck):
        return made()
    return Shape(
        Kind.OBJECT, below=lambda name: made().below(name), names=lambda name: made().names(name)
    )


def _schema_shape(schema: Schema) -> Shape:
    members = {
        name if field.data_key is None else field.data_key: shape_of(field)
        for name, field in schema.load_fields.items()
    }
    return _object(members)


def _object(members: Mapping[str, Shape]) -> Shape:
    return Shape(Kind.OBJECT, below=_members(members), names=members.__contains__)


def _members(shapes: Mapping[str, Shape]) -> Callable[[str], Shape]:
    return lambda name: shapes.get(name, ANY)


def _scalar(field: "fields.Field[Any]") -> Shape:
    if isinstance(field, fields.Integer):
        return Shape(Kind.SCALAR, any_integer if field.strict else plain_integer)
    if isinstance(field, fields.Float):
        return Shape(Kind.SCALAR, plain_number)
    if isinstance(field, fields.Boolean):
        return Shape(Kind.SCALAR, lambda text: _BOOLEANS.get(text, text))
    if isinstance(field, fields.Enum):
        return _enum(field)
    return _TEXT if isinstance(field, _TEXTS) else ANY


_TEXTS = (
    fields.String,
    fields.Decimal,
    fields.UUID,
    fields.Date,
    fields.DateTime,
    fields.Time,
    fields.TimeDelta,
    fields.IP,
    fields.IPInterface,
)


def _enum(field: "fields.Enum[Any]") -> Shape:
    if field.by_value is not True:
        return shape_of(field.field)
    # The values themselves are what clients send, numbers or texts; a text wins over its number.
    values = [member.value for member in field.enum]
    texts: dict[str, Any] = {
        str(value): value for value in values if isinstance(value, int | float)
    }
    texts |= {value: value for value in values if isinstance(value, str)}
    return Shape(Kind.SCALAR, lambda text: texts.get(text, text))
