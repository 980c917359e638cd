"""How msgspec decodes a field's value: as it is sent, and only where it is stored just so.

What a type accepts, and what passes the rest of its `TypedValue`, marshmallow accepts too, and the
column reads what was sent as the value that marshmallow loads. That is a part of what the field
accepts; everything else is for the compiled function of one item to decide.
"""

import datetime as dt
import decimal
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Annotated, Any, Literal, cast

import orjson
from marshmallow import Schema, ValidationError, fields, validate
from msgspec import UNSET, Meta, Raw, UnsetType, defstruct

from ingest.resources.as_sent import CERTAIN_TEXTS, DUMPED_TEXTS
from ingest.resources.columns import INT64_MAX, INT64_MIN, ColumnType
from ingest.resources.conversion import FieldConverter
from ingest.resources.exact import jsonb_keeps
from ingest.validation.engine.long_texts import LONG
from ingest.validation.engine.record_columns import (
    MOST_BYTES_OF_A_CHARACTER,
    PLAIN_UUID_TEXT,
)
from ingest.validation.engine.record_json import TEXTS, write_storable
from ingest.validation.engine.scalars import write_scalar
from ingest.validation.engine.source import Source, Uncompiled
from ingest.validation.engine.validators import PLAIN_EMAIL_TEXT, PLAIN_URL_TEXT, Classes, inline
from ingest.validation.engine.values import compiled_class

Check = Callable[[Any], bool]

_MOST_PLACES = 6
"""Beyond them, Python writes what is next to zero with an exponent."""
MOST_VALUES = 100_000
"""The most values that a typed item may hold."""
UUID_TEXT = Annotated[str, Meta(min_length=36, max_length=36)]


@dataclass(frozen=True, slots=True)
class TypedValue:
    """What is asked of a field's value, unless it is absent or null."""

    type: Any
    """What msgspec decodes it as; `Raw` for what is staged as the bytes that came."""
    form: str | None = None
    """The pattern of every text, of a `Raw` with its quotes."""
    plain: str | None = None
    """The pattern of texts of which `check` need not be asked."""
    is_number: bool = False
    """Whether the `Raw` is a number that a double holds; `check` is given the number."""
    check: Check | None = None

    @property
    def has_rule(self) -> bool:
        """Whether there is more to ask than the type."""
        return self.is_number or self.form is not None or self.check is not None


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
        write_storable(Source("check", ""), field, "value", shown=converter.field.shown)
        return _part(field, most)
    if kind in _MOMENTS:
        return _moment(converter, kind)
    if kind in (fields.Float, fields.Decimal) and not converter.takes_sent:
        raise Uncompiled("a number that finds items")
    if kind in TEXTS:
        return _text(field, converter.limit and converter.limit // MOST_BYTES_OF_A_CHARACTER)
    if kind not in _SCALARS:
        raise Uncompiled(f"{kind.__name__} is stored in another form than it is sent in")
    return _SCALARS[kind](field)


# -- columns ------------------------------------------------------------------------------------


def _text(field: fields.Field[Any], most: int | None = None) -> TypedValue:
    """Args: `most` is the most characters that its column takes."""
    validators = _flat(field.validators)
    if any(type(each) is validate.OneOf for each in validators):
        return TypedValue(Literal[_allowed(validators, str)])
    least = 0
    others = []
    for each in validators:
        if type(each) is validate.Length:
            least = max(least, each.min or 0, each.equal or 0)
            bounds = [most, each.max, each.equal]
            most = min((bound for bound in bounds if bound is not None), default=None)
        else:
            others.append(each)
    plain = _PLAIN.get(type(others[0])) if len(others) == 1 else None
    if plain:
        most = LONG if most is None else min(most, LONG)
    kind = Annotated[str, Meta(min_length=least, max_length=most)] if least or most else str
    return TypedValue(kind, plain=plain, check=_check_of(field, others, frozenset({str})))


def _integer(field: fields.Integer) -> TypedValue:
    validators = _flat(field.validators)
    if any(type(each) is validate.OneOf for each in validators):
        return TypedValue(Literal[_allowed(validators, int)])
    low, high, others = _whole_range(validators, INT64_MIN, INT64_MAX)
    kind = Annotated[int, Meta(ge=low, le=high)]
    return TypedValue(kind, check=_check_of(field, others, frozenset({int})))


def _float(field: fields.Float) -> TypedValue:
    check = _check_of(field, _flat(field.validators), frozenset({float}))
    return TypedValue(Raw, is_number=True, check=check)


def _whole_range(validators: Sequence[Any], low: int, high: int) -> tuple[int, int, list[Any]]:
    """The least and the greatest integer that ranges allow, and the other validators."""
    others = []
    for each in validators:
        bounds = (each.min, each.max) if type(each) is validate.Range else (0.5,)
        if all(bound is None or type(bound) is int for bound in bounds):
            low = low if each.min is None else max(low, each.min + (not each.min_inclusive))
            high = high if each.max is None else min(high, each.max - (not each.max_inclusive))
        else:
            others.append(each)
    return low, high, others


def _decimal(field: fields.Decimal) -> TypedValue:
    """A text with the digits that are kept, or a number of which a double keeps them."""
    text, number = _decimal_forms(field.places)
    null = "|null" if field.allow_none else ""
    follows = _loaded_check(field, fields.Decimal)
    if follows is None:
        return TypedValue(Raw, form=f'"{text}"|{number}{null}')
    passes = follows

    def check(sent: str) -> bool:
        return sent == "null" or passes(sent.strip('"'))

    return TypedValue(Raw, form=f'"{text}"|{number}{null}', check=check)


def _decimal_forms(places: decimal.Decimal | None) -> tuple[str, str]:
    """Decimals as Python writes them: as texts, and as numbers of at most 15 digits, which a double
    keeps, without a zero at the end, which it does not."""
    whole = "-?(?:0|[1-9][0-9]{0,8})"
    if places is None:
        return rf"{whole}(?:\.[0-9]{{1,6}})?", rf"{whole}(?:\.(?:0|[0-9]{{0,5}}[1-9]))?"
    count = -cast(int, places.as_tuple().exponent)
    if not 0 <= count <= _MOST_PLACES:
        raise Uncompiled("a decimal that is rounded")
    if not count:
        return whole, whole
    return rf"{whole}\.[0-9]{{{count}}}", rf"{whole}\.[0-9]{{{count - 1}}}[1-9]"


def _boolean(field: fields.Boolean) -> TypedValue:
    return TypedValue(bool, check=_check_of(field, _flat(field.validators), frozenset({bool})))


def _uuid(field: fields.UUID) -> TypedValue:
    return TypedValue(UUID_TEXT, form=PLAIN_UUID_TEXT, check=_loaded_check(field, fields.UUID))


def _moment(converter: FieldConverter, kind: type) -> TypedValue:
    field = cast(fields.DateTime, converter.field.field)
    if field.DESERIALIZATION_FUNCS.get(field.format or field.DEFAULT_FORMAT) not in _ISO:
        raise Uncompiled("a time that is not sent as its column reads it")
    if converter.field.type is not ColumnType.DATE and not converter.takes_sent:
        raise Uncompiled("a time that finds items")
    form = CERTAIN_TEXTS[converter.field.type]
    return TypedValue(str, form=form, check=_loaded_check(field, kind))


def _enum(field: fields.Enum[Any]) -> TypedValue:
    members = field.enum.__members__.items()
    names = tuple(name for name, member in members if name == member.name)
    if field.by_value or field.validators or not names:
        raise Uncompiled("a choice that is not stored as it is sent")
    return TypedValue(Literal[names])


_SCALARS: dict[type, Callable[[Any], TypedValue]] = {
    fields.Boolean: _boolean,
    fields.Decimal: _decimal,
    fields.Enum: _enum,
    fields.Float: _float,
    fields.Integer: _integer,
    fields.UUID: _uuid,
}
_MOMENTS = frozenset(
    {fields.AwareDateTime, fields.Date, fields.DateTime, fields.NaiveDateTime, fields.Time}
)
_ISO: tuple[Any, ...] = (dt.datetime.fromisoformat, dt.date.fromisoformat, dt.time.fromisoformat)
_PLAIN: dict[Any, str] = {validate.Email: PLAIN_EMAIL_TEXT, validate.URL: PLAIN_URL_TEXT}


# -- parts of a jsonb column ----------------------------------------------------------------------


def _part(field: fields.Field[Any], most: int) -> TypedValue:
    """A value in a jsonb column; what is asked of its texts is in its check."""
    kind = compiled_class(field)
    if kind in TEXTS:
        found = _text(field)
        return TypedValue(found.type, check=found.check)
    if kind is fields.Float:
        found = _float(cast(fields.Float, field))
        return TypedValue(Raw, check=_number_check(found.check, null=bool(field.allow_none)))
    if kind in (fields.Integer, fields.Boolean):
        return _SCALARS[kind](field)
    if kind is fields.UUID:
        found = _uuid(cast(fields.UUID, field))
        return TypedValue(found.type, check=_both(_matches(PLAIN_UUID_TEXT), found.check))
    if kind in DUMPED_TEXTS:
        return TypedValue(
            str, check=_both(_matches(DUMPED_TEXTS[kind]), _loaded_check(field, kind))
        )
    if kind not in _PARTS or most < 1:
        raise Uncompiled(f"{kind.__name__} is stored in another form than it is sent in")
    return _PARTS[kind](field, most)


def _list(field: fields.List[Any], most: int) -> TypedValue:
    each, inner = _members_of(field.inner, most)
    kind = _sized(list[_nullable(field.inner, inner.type)], each)  # type: ignore[misc]
    return TypedValue(kind, check=_both(_each(inner.check), _container_check(field, list)))


def _dict(field: fields.Dict, most: int) -> TypedValue:
    if not field.key_field or not field.value_field:
        raise Uncompiled("a dict of anything")
    each, value = _members_of(field.value_field, most)
    key = _part(field.key_field, 1)
    pair: Any = (key.type, _nullable(field.value_field, value.type))
    kind = _sized(dict[pair], each)  # type: ignore[misc]
    inside = _both(_each(key.check), _each(value.check, dict.values))
    return TypedValue(kind, check=_both(inside, _container_check(field, dict)))


def _nested(field: fields.Nested, most: int) -> TypedValue:
    if field.schema.partial or bool(field.many) != bool(field.schema.many):
        raise Uncompiled("a nested schema with options of its own")
    if not field.many:
        if field.validators:
            raise Uncompiled("a rule of a nested object")
        return _object(field.schema, most)
    inner = _object(field.schema, isqrt(most))
    kind = _sized(list[inner.type], isqrt(most))  # type: ignore[name-defined]
    return TypedValue(kind, check=_both(_each(inner.check), _container_check(field, list)))


def _object(schema: Schema, most: int) -> TypedValue:
    members, checks = [], []
    for number, (name, field) in enumerate(schema.load_fields.items()):
        value = _part(field, most // (len(schema.load_fields) + 1))
        members.append((f"m{number}", name, _nullable(field, value.type), field.required))
        if value.check:
            checks.append((f"m{number}", value.check))
    kind = define_object(type(schema).__name__, members)
    return TypedValue(kind, check=_members_check(checks) if checks else None)


def _members_of(field: fields.Field[Any], most: int) -> tuple[int, TypedValue]:
    """How many members a container may have, and what each of them is."""
    is_container = compiled_class(field) in _PARTS
    count = isqrt(most) if is_container else most
    return count, _part(field, count)


def _sized(kind: Any, most: int) -> Any:
    return Annotated[kind, Meta(max_length=most)]


def _nullable(field: fields.Field[Any], kind: Any) -> Any:
    return kind | None if field.allow_none and kind is not Raw else kind


_PARTS: dict[type, Callable[[Any, int], TypedValue]] = {
    fields.Dict: _dict,
    fields.List: _list,
    fields.Nested: _nested,
}


def define_object(name: str, members: Iterable[tuple[str, str, Any, bool]]) -> Any:
    """The type of an object that has these members and no others.

    Args:
        members: the attribute, name in JSON, type and whether it must be there, of each.
    """
    needed: list[Any] = []
    other: list[Any] = []
    names = {}
    for attribute, shown, kind, required in members:
        names[attribute] = shown
        if required:
            needed.append((attribute, kind))
        else:
            other.append((attribute, kind | UnsetType, UNSET))
    try:
        return defstruct(name, needed + other, rename=names, forbid_unknown_fields=True, gc=False)
    except (TypeError, ValueError) as error:
        raise Uncompiled(f"msgspec has no such object: {error}") from error


# -- rules ----------------------------------------------------------------------------------------


def _flat(validators: Iterable[Any]) -> list[Any]:
    """Validators, with the parts of each `And` in its place."""
    found: list[Any] = []
    for each in validators:
        found += _flat(each.validators) if type(each) is validate.And else [each]
    return found


def _allowed(validators: Sequence[Any], kind: type) -> tuple[Any, ...]:
    """The choices of that class which pass all validators."""
    first = next(each for each in validators if type(each) is validate.OneOf)
    choices = [each for each in first.choices if type(each) is kind]
    passing = tuple(each for each in choices if _passes(validators, each))
    if not passing or any(
        type(each) is int and not INT64_MIN <= each <= INT64_MAX for each in passing
    ):
        raise Uncompiled("choices that no type has")
    return passing


def _passes(validators: Sequence[Any], value: Any) -> bool:
    try:
        for each in validators:
            each(value)
    except ValidationError:
        return False
    return True


def _container_check(field: fields.Field[Any], loaded: type) -> Check | None:
    return _check_of(field, _flat(field.validators), frozenset({loaded}))


def _check_of(
    field: fields.Field[Any], validators: Sequence[Any], classes: Classes
) -> Check | None:
    """Whether a value, of one of these classes, passes validators of marshmallow's."""
    if not validators:
        return None
    source = Source("check", field.name or "value")
    with source.function("value", "False"), source.guarded():
        for each in validators:
            inline(source, each, "value", classes)
        source.line("return True")
    return source.compiled()


def _loaded_check(field: fields.Field[Any], kind: type) -> Check | None:
    """Whether what is loaded of a value passes the field's validators."""
    if not field.validators:
        return None
    source = Source("check", field.name or "value")
    with source.function("value", "False"), source.guarded():
        classes = write_scalar(source, field, kind, "value")
        for each in field.validators:
            inline(source, each, "value", classes)
        source.line("return True")
    return source.compiled()


def _number_check(check: Check | None, *, null: bool) -> Check:
    """The check of a number that jsonb gives back as the float that is loaded of it: that of 5 is
    5.0, and jsonb tells them apart."""

    def passes(value: Any) -> bool:
        sent = bytes(value)
        if sent == b"null":
            return null
        numbers = exact_numbers([sent])
        number = None if numbers is None else numbers[0]
        if type(number) is not float or not jsonb_keeps(number):
            return False
        return check is None or check(number)

    return passes


def exact_numbers(sent: Sequence[bytes]) -> list[Any] | None:
    """The values of JSON texts; None where one of them is written in another way than a double of
    this value is, so that it may have more digits."""
    texts = b"[%b]" % b",".join(sent)
    try:
        values: list[Any] = orjson.loads(texts)
        return values if orjson.dumps(values) == texts else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def _matches(pattern: str) -> Check:
    matches = re.compile(pattern).fullmatch
    return lambda text: matches(text) is not None


def _both(one: Check | None, other: Check | None) -> Check | None:
    if one is None or other is None:
        return one or other
    return lambda value: one(value) and other(value)


def _each(check: Check | None, members: Callable[[Any], Iterable[Any]] = iter) -> Check | None:
    """The check of each member of a value that is not null."""
    if check is None:
        return None
    return lambda value: all(each is None or check(each) for each in members(value))


def _members_check(checks: Sequence[tuple[str, Check]]) -> Check:
    def check(value: Any) -> bool:
        for attribute, passes in checks:
            member = getattr(value, attribute)
            if member is not UNSET and member is not None and not passes(member):
                return False
        return True

    return check
