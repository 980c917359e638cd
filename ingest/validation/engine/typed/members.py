"""The members of a typed item, each of which one column stores."""

from dataclasses import dataclass
from typing import Annotated, Any

from marshmallow import fields, missing
from msgspec import Meta, Raw

from ingest.resources.columns import ColumnType
from ingest.resources.conversion import FieldConverter
from ingest.resources.layout import StoredField
from ingest.resources.records import RecordWriter
from ingest.resources.resource import Resource
from ingest.validation.engine.load import Load, LoadField, Partial
from ingest.validation.engine.record_columns import MOST_BYTES_OF_A_CHARACTER, PLAIN_UUID_TEXT
from ingest.validation.engine.record_json import TEXTS, write_storable
from ingest.validation.engine.source import Source, Uncompiled
from ingest.validation.engine.typed.parts import typed_part
from ingest.validation.engine.typed.scalars import (
    MOMENTS,
    SCALARS,
    UUID_TEXT,
    TypedValue,
    moment,
    text,
)
from ingest.validation.engine.values import compiled_class

MOST_VALUES = 100_000
"""The most values that a typed item may hold."""
NOTHING = Annotated[str, Meta(min_length=1, max_length=0)]
"""No JSON is a value of this: members of the service's own, which no item can bring."""
_JSON_DEFAULTS = (str, int, float, bool, type(None), list, dict)


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a typed item."""

    attribute: str
    converter: FieldConverter
    value: TypedValue
    required: bool = False
    nullable: bool = False
    default: Any = missing
    """What is stored where an item lacks it."""


def members_of(resource: Resource, writer: RecordWriter, partial: Partial) -> list[Member]:
    """The members of an item, each of which one column stores."""
    loads = {each.name: each for each in Load.of(resource.schema, partial).fields()}
    _check_places(resource, loads)
    most = (MOST_VALUES - 1) // len(writer.converters)
    found = []
    for number, converter in enumerate(writer.converters):
        field, attribute = converter.field, f"m{number}"
        if field is resource.key and resource.key_apart:
            if not resource.database_key:
                found.append(_key_apart(attribute, converter, writer))
        elif field.name in loads:
            found.append(
                _loaded(attribute, converter, writer, loads[field.name], resource.key, most)
            )
    if resource.key in writer.required and resource.key.field.dump_only:
        raise Uncompiled("a key that only the service makes")
    if not {*writer.required} <= {each.converter.field for each in found}:
        raise Uncompiled("what identifies an item is not loaded with it")
    return found


def _check_places(resource: Resource, loads: dict[str, LoadField]) -> None:
    """Make sure that a column stores what is loaded of one member, and of no other."""
    sources = [field.source for field in resource.fields]
    if len(set(sources)) != len(sources) or any("." in source for source in sources):
        raise Uncompiled("a field that is loaded into the place of another one")
    if any(each.partial for each in loads.values()):
        raise Uncompiled("a nested object may lack what it needs")


def _key_apart(attribute: str, converter: FieldConverter, writer: RecordWriter) -> Member:
    """A key that its schema does not load."""
    field = converter.field
    nothing = TypedValue(NOTHING)
    value = nothing if field.field.dump_only else TypedValue(UUID_TEXT, form=PLAIN_UUID_TEXT)
    return Member(attribute, converter, value, required=field in writer.required)


def _loaded(
    attribute: str,
    converter: FieldConverter,
    writer: RecordWriter,
    load: LoadField,
    key: StoredField,
    most: int,
) -> Member:
    field = converter.field
    needed = field in writer.required
    never_null = needed or field is key or converter.null_matters
    return Member(
        attribute,
        converter,
        typed_value(converter, most),
        required=needed or load.required,
        nullable=load.field.allow_none and not never_null,
        default=missing if load.default is missing else _stored_default(converter, load.default),
    )


def _stored_default(converter: FieldConverter, default: Any) -> Any:
    """What is stored of a `load_default`."""
    try:
        stored = converter.convert_plain(default() if callable(default) else default)
    except Exception as error:  # whatever the schema does with it: each item would meet the same
        raise Uncompiled("a default that its column does not hold") from error
    if type(stored) not in _JSON_DEFAULTS:
        raise Uncompiled("a default that is made anew for each item")
    return stored


def declared(member: Member) -> tuple[str, str, Any, bool]:
    kind = member.value.type
    if member.nullable and kind is not Raw:
        kind = kind | None
    return member.attribute, member.converter.field.data_key, kind, member.required


def typed_value(converter: FieldConverter, most: int) -> TypedValue:
    """How the value of a column's field is decoded.

    Args:
        most: the most values that it may hold.

    Raises:
        Uncompiled: it is stored in another form than it is sent in, or only marshmallow knows.
    """
    field = converter.field.field
    kind = compiled_class(field)
    if converter.field.type is ColumnType.JSONB:
        if converter.differs:
            raise Uncompiled("the column holds another form than is sent")
        write_storable(Source("check", ""), field, "value", shown=converter.dumps_alone)
        return typed_part(field, most)
    if kind in MOMENTS:
        return moment(converter, kind)
    if kind in (fields.Float, fields.Decimal) and not converter.takes_sent:
        raise Uncompiled("a number that finds items")
    if kind in TEXTS:
        return text(field, converter.limit and converter.limit // MOST_BYTES_OF_A_CHARACTER)
    if kind not in SCALARS:
        raise Uncompiled(f"{kind.__name__} is stored in another form than it is sent in")
    return SCALARS[kind](field)
