"""What the schema makes of a text: CSV cells have no types, and elements of XML need none.

A text becomes a number or a boolean where the schema has one in its place and the text is its
plain form (`42`, `-1.5`, `true`). Every other text stays one, for the schema's own rules to read:
they take `"042"`, `"1e3"` and `"yes"` as they are. Only a strict integer takes no text at all, so
here it gets what `int` makes of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache, partial
from typing import Any

from marshmallow import Schema, fields

from ingest.resources.resource import META, Resource

Convert = Callable[[str], Any]
ABSENT: Any = object()
"""The value of what is empty, where the item is without it then."""
_BOOLEANS = {"true": True, "false": False}
_MAX_DIGITS = 400
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


class Written(Enum):
    """What a text says that files write in more than one way."""

    NUMBER = "number"
    DATE = "date"
    MOMENT = "moment"
    """A date with a time of day."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One place of an item."""

    kind: Kind
    convert: Convert | None = None
    """From text to value, of a scalar; None where the text is the value."""
    members: "Callable[[], Mapping[str, Shape]]" = dict
    """What the schema names, by name or index. Made late: a schema may contain itself."""
    element: "Callable[[], Shape]" = lambda: ANY
    """Every other member or element."""
    keeps_empty: bool = False
    """Whether a cell without text is an empty text, and never left out."""
    is_text: bool = True
    """Of a scalar: whether an empty text may be its value."""
    written: Written | None = None
    """Of a scalar; None for what has one form only, or one of the schema's own."""

    def below(self, name: str) -> "Shape":
        """The shape of a member or element, by its name or index."""
        return self.members().get(name) or self.element()

    def names(self, name: str) -> bool:
        """Whether the schema names such a member."""
        return name in self.members()

    def value(self, text: str) -> Any:
        return text if self.convert is None else self.convert(text)


ANY: Shape = Shape(Kind.ANY)
_TEXT = Shape(Kind.SCALAR)
_NO_TEXT = Shape(Kind.SCALAR, is_text=False)


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
    version = {"version": Shape(Kind.SCALAR, any_integer, keeps_empty=True)}
    members[META] = Shape(Kind.OBJECT, members=lambda: version)
    return Shape(Kind.OBJECT, members=lambda: members)


def shape_of(field: "fields.Field[Any]") -> Shape:
    """The shape of what a field loads."""
    if isinstance(field, fields.Nested):
        one = cache(partial(_nested, field))
        return Shape(Kind.ARRAY, element=one) if field.many or field.schema.many else one()
    if isinstance(field, fields.List):
        inner = shape_of(field.inner)
        return Shape(Kind.ARRAY, element=lambda: inner)
    if isinstance(field, fields.Tuple):
        places = {str(index): shape_of(each) for index, each in enumerate(field.tuple_fields)}
        return Shape(Kind.ARRAY, members=lambda: places)
    if isinstance(field, fields.Mapping):
        value = ANY if field.value_field is None else shape_of(field.value_field)
        return Shape(Kind.MAP, element=lambda: value)
    return _scalar(field)


def _nested(field: fields.Nested) -> Shape:
    if isinstance(field, fields.Pluck):
        return shape_of(field.schema.fields[field.field_name])
    return Shape(Kind.OBJECT, members=cache(partial(_members, field.schema)))


def _members(schema: Schema) -> dict[str, Shape]:
    return {
        name if field.data_key is None else field.data_key: shape_of(field)
        for name, field in schema.load_fields.items()
    }


def _scalar(field: "fields.Field[Any]") -> Shape:
    if isinstance(field, fields.Integer | fields.Float | fields.Decimal):
        return Shape(Kind.SCALAR, _number(field), is_text=False, written=Written.NUMBER)
    if isinstance(field, fields.Date | fields.DateTime):
        is_date = isinstance(field, fields.Date)
        written = Written.DATE if is_date else Written.MOMENT
        return replace(_NO_TEXT, written=written if field.format in _ISO else None)
    if isinstance(field, fields.Boolean):
        return Shape(Kind.SCALAR, lambda text: _BOOLEANS.get(text, text), is_text=False)
    if isinstance(field, fields.Enum):
        return _enum(field)
    if isinstance(field, fields.String):
        return _TEXT
    return _NO_TEXT if isinstance(field, _IN_TEXTS) else ANY


def _number(field: "fields.Field[Any]") -> Convert | None:
    if isinstance(field, fields.Integer):
        return any_integer if field.strict else plain_integer
    return plain_number if isinstance(field, fields.Float) else None


_ISO = (None, "iso", "iso8601")
_IN_TEXTS = (
    fields.UUID,
    fields.Time,
    fields.TimeDelta,
    fields.IP,
    fields.IPInterface,
)


def _enum(field: "fields.Enum[Any]") -> Shape:
    if field.by_value is False:
        return _NO_TEXT
    if field.by_value is not True:
        return shape_of(field.field)
    # The values themselves are what clients send, numbers or texts; a text wins over its number.
    values = [member.value for member in field.enum]
    texts: dict[str, Any] = {
        str(value): value for value in values if isinstance(value, int | float)
    }
    texts |= {value: value for value in values if isinstance(value, str)}
    return Shape(Kind.SCALAR, lambda text: texts.get(text, text), is_text="" in texts)
