"""Whether a value that finds stored items is loaded as another one.

marshmallow loads 1.5 for an Integer as 1, and a time to the nanosecond as one to the microsecond.
That may be stored, but it must not find the item that has the other value. What code of the user's
makes of a value is the user's will.
"""

import datetime as dt
import re
from contextlib import suppress
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields

from ingest.resources.probing import loads_in_its_own_way

_FINER_THAN_MICROSECONDS = re.compile(r"[.,]\d{6}\d*[1-9]")
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - timestamps are loaded without an offset
_MICROSECOND = dt.timedelta(microseconds=1)
_TIMESTAMPS = {"timestamp": 10**6, "timestamp_ms": 10**3}
_Moment = fields.DateTime | fields.Date | fields.Time
_ALTERING = (fields.Number, fields.DateTime, fields.Date, fields.Time, fields.Enum)


def may_alter(field: fields.Field[Any]) -> bool:
    """Whether `alters` may hold for some value of the field."""
    own = loads_in_its_own_way(field) or field.pre_load
    return isinstance(field, _ALTERING) and not own


def alters(field: fields.Field[Any], sent: Any) -> bool:
    """Whether marshmallow's own code loads another value than the one sent."""
    # What it does not load, or cannot be compared, finds nothing.
    with suppress(ValidationError, ArithmeticError, TypeError, ValueError):
        if sent is not None and may_alter(field):
            loaded = field._deserialize(sent, field.name, {})
            if isinstance(field, fields.Enum):
                return _alters_choice(field, sent, loaded)
            if isinstance(field, _Moment):
                return _alters_moment(field, sent, loaded)
            return not _same_number(sent, loaded)
    return False


def finer_than_stored(text: str) -> bool:
    """Whether a date or time, in ISO 8601, has more digits than one to the microsecond keeps."""
    return _FINER_THAN_MICROSECONDS.search(text) is not None


def _same_number(sent: Any, loaded: Any) -> bool:
    """A float is the decimal that it is written as, and the one that it is."""
    number = Decimal(str(sent))
    return not number.is_finite() or number in (Decimal(str(loaded)), Decimal(loaded))


def _alters_choice(field: fields.Enum[Any], sent: Any, loaded: Any) -> bool:
    if not field.by_value:
        return False
    return isinstance(sent, bool) != isinstance(loaded.value, bool) or alters(field.field, sent)


def _alters_moment(field: _Moment, sent: Any, loaded: Any) -> bool:
    form = field.format or field.DEFAULT_FORMAT
    if form in _TIMESTAMPS:
        micros = (loaded.replace(tzinfo=None) - _EPOCH) // _MICROSECOND
        return bool(Decimal(str(sent)) * _TIMESTAMPS[form] != micros)
    if form in field.DESERIALIZATION_FUNCS:
        return isinstance(sent, str) and finer_than_stored(sent)
    return _cut(dt.datetime.strptime(sent, form), loaded)  # noqa: DTZ007 - compared without


def _cut(read: dt.datetime, loaded: dt.date | dt.time) -> bool:
    """Whether a format reads a time into a date, or a date into a time."""
    if isinstance(loaded, dt.time):
        return read.date() != dt.date(1900, 1, 1)
    return not isinstance(loaded, dt.datetime) and read.time() != dt.time()
