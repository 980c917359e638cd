"""How msgspec decodes the value of a column that is one value: as it is sent.

What a type accepts, and what passes the rest of its `TypedValue`, marshmallow accepts too, and the
column reads what was sent as the value that marshmallow loads. That is a part of what the field
accepts; everything else is for the compiled function of one item to decide.
"""

import datetime as dt
import decimal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, cast

from marshmallow import fields, validate
from msgspec import Meta, Raw

from ingest.resources.as_sent import CERTAIN_TEXTS
from ingest.resources.columns import INT64_MAX, INT64_MIN, ColumnType
from ingest.resources.conversion import FieldConverter
from ingest.validation.engine.long_texts import LONG
from ingest.validation.engine.record_columns import PLAIN_UUID_TEXT
from ingest.validation.engine.source import Uncompiled
from ingest.validation.engine.typed.checks import (
    Check,
    allowed,
    bounded,
    check_of,
    flat,
    loaded_check,
    whole_range,
)
from ingest.validation.engine.typed.rewriting import Rewrite
from ingest.validation.engine.validators import plain_text

_MOST_PLACES = 6
"""Beyond them, Python writes what is next to zero with an exponent."""
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
    rewrite: Rewrite | None = None
    """What stores another form of it, once it is vouched for."""

    @property
    def has_rule(self) -> bool:
        """Whether there is more to ask than the type."""
        return self.is_number or self.form is not None or self.check is not None


def text(field: fields.Field[Any], most: int | None = None) -> TypedValue:
    """Args: `most` is the most characters that its column takes."""
    validators = flat(field.validators)
    if most is not None:
        validators.append(validate.Length(max=most))
    if any(type(each) is validate.OneOf for each in validators):
        return TypedValue(Literal[allowed(validators, str)])
    least, most = 0, None
    others = []
    for each in validators:
        if type(each) is validate.Length:
            least = max(least, each.min or 0, each.equal or 0)
            bounds = [most, each.max, each.equal]
            most = min((bound for bound in bounds if bound is not None), default=None)
        else:
            others.append(each)
    check = check_of(field, others, frozenset({str}))
    plain = plain_text(others[0]) if len(others) == 1 else None
    if plain:
        most = LONG if most is None else min(most, LONG)
    is_bounded = least > 0 or most is not None
    kind = bounded(str, min_length=least, max_length=most) if is_bounded else str
    return TypedValue(kind, plain=plain, check=check)


def integer(field: fields.Integer) -> TypedValue:
    validators = flat(field.validators)
    if any(type(each) is validate.OneOf for each in validators):
        return TypedValue(Literal[allowed(validators, int)])
    low, high, others = whole_range(validators, INT64_MIN, INT64_MAX)
    kind = bounded(int, ge=low, le=high)
    return TypedValue(kind, check=check_of(field, others, frozenset({int})))


def double(field: fields.Float) -> TypedValue:
    check = check_of(field, flat(field.validators), frozenset({float}))
    return TypedValue(Raw, is_number=True, check=check)


def decimal_number(field: fields.Decimal) -> TypedValue:
    """A text with the digits that are kept, or a number of which a double keeps them."""
    text, number = _decimal_forms(field.places)
    follows = loaded_check(field, fields.Decimal)
    check = None if follows is None else partial(_unquoted, follows)
    return TypedValue(Raw, form=f'"{text}"|{number}', check=check)


def _unquoted(check: Check, sent: str) -> bool:
    return check(sent.strip('"'))


def _decimal_forms(places: decimal.Decimal | None) -> tuple[str, str]:
    """Decimals as Python writes them: as texts, and as numbers of at most 15 digits, which a double
    keeps, without a zero at the end, which it does not."""
    whole = "-?(?:0|[1-9][0-9]{0,8})"
    if places is None:
        return rf"{whole}(?:\.[0-9]{{1,6}})?", rf"{whole}(?:\.(?:[0-9]{{0,5}}[1-9]|0))?"
    count = -cast(int, places.as_tuple().exponent)
    if not 0 <= count <= _MOST_PLACES:
        raise Uncompiled("a decimal that is rounded")
    if not count:
        return whole, whole
    return rf"{whole}\.[0-9]{{{count}}}", rf"{whole}\.[0-9]{{{count - 1}}}[1-9]"


def boolean(field: fields.Boolean) -> TypedValue:
    return TypedValue(bool, check=check_of(field, flat(field.validators), frozenset({bool})))


def identifier(field: fields.UUID) -> TypedValue:
    return TypedValue(UUID_TEXT, form=PLAIN_UUID_TEXT, check=loaded_check(field, fields.UUID))


def moment(converter: FieldConverter, kind: type) -> TypedValue:
    field = cast(fields.DateTime, converter.field.field)
    if field.DESERIALIZATION_FUNCS.get(field.format or field.DEFAULT_FORMAT) not in _ISO:
        raise Uncompiled("a time that is not sent as its column reads it")
    if converter.field.type is not ColumnType.DATE and not converter.takes_sent:
        raise Uncompiled("a time that finds items")
    form = CERTAIN_TEXTS[converter.field.type]
    return TypedValue(str, form=form, check=loaded_check(field, kind))


def choice(field: fields.Enum[Any]) -> TypedValue:
    members = field.enum.__members__.items()
    names = tuple(name for name, member in members if name == member.name)
    if field.by_value or field.validators or not names:
        raise Uncompiled("a choice that is not stored as it is sent")
    return TypedValue(Literal[names])


SCALARS: dict[type, Callable[[Any], TypedValue]] = {
    fields.Boolean: boolean,
    fields.Decimal: decimal_number,
    fields.Enum: choice,
    fields.Float: double,
    fields.Integer: integer,
    fields.UUID: identifier,
}
MOMENTS = frozenset(
    {fields.AwareDateTime, fields.Date, fields.DateTime, fields.NaiveDateTime, fields.Time}
)
_ISO: tuple[Any, ...] = (dt.datetime.fromisoformat, dt.date.fromisoformat, dt.time.fromisoformat)
