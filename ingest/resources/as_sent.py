"""Which values PostgreSQL reads, as they were sent, as what their field loads of them.

They travel to their columns just as they came: nothing is formatted, and no second copy of the item
has to be kept for its `rawData`. Whatever is not listed here is stored as its field's value is
written, and the item is kept beside it where the two differ.
"""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from marshmallow import fields

from ingest.resources.columns import INT64_MAX, INT64_MIN, ColumnType

# Years that no offset takes out of those that there are; no 24:00, no 60th second, and no more
# digits than a microsecond has: Python cuts off what PostgreSQL would round.
_DATE = r"[12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_OFFSET = r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
# Each of them is a day; the 29th of February is one in some years.
_CERTAIN_DATE = (
    r"[12][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
EXACT_INTEGER = 2**53
"""Up to here each integer is a double."""

IS_TEXT_OF: dict[ColumnType, Callable[[str], Any]] = {
    ColumnType.TIMESTAMPTZ: re.compile(f"{_DATE}[T ]{_TIME}{_OFFSET}").fullmatch,
    ColumnType.TIMESTAMP: re.compile(f"{_DATE}[T ]{_TIME}").fullmatch,
    ColumnType.TIME: re.compile(_TIME).fullmatch,
}
"""By type of column: whether a text, which the field has loaded, is read as the same."""
CERTAIN_TEXTS: dict[ColumnType, str] = {
    ColumnType.DATE: _CERTAIN_DATE,
    ColumnType.TIMESTAMPTZ: f"{_CERTAIN_DATE}[T ]{_TIME}{_OFFSET}",
    ColumnType.TIMESTAMP: f"{_CERTAIN_DATE}[T ]{_TIME}",
    ColumnType.TIME: _TIME,
}
"""By type of column: the pattern (ASCII) of texts that need not be loaded to know that."""
_DUMPED_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.(?!000000)[0-9]{6})?"
_DUMPED_OFFSET = r"(?:[+]|-(?!00:00))(?:0[0-9]|1[0-4]):[0-5][0-9]"
DUMPED_TEXTS: dict[type, str] = {
    fields.Date: _CERTAIN_DATE,
    fields.Time: _DUMPED_TIME,
    fields.NaiveDateTime: f"{_CERTAIN_DATE}T{_DUMPED_TIME}",
    fields.AwareDateTime: f"{_CERTAIN_DATE}T{_DUMPED_TIME}{_DUMPED_OFFSET}",
    fields.DateTime: f"{_CERTAIN_DATE}T{_DUMPED_TIME}(?:{_DUMPED_OFFSET})?",
}
"""By class of field, where it has no format of its own: the pattern (ASCII) of texts that it dumps
again just as they are."""
SENT_TEXTS: dict[type, str] = {
    fields.Time: _TIME,
    fields.NaiveDateTime: CERTAIN_TEXTS[ColumnType.TIMESTAMP],
    fields.AwareDateTime: CERTAIN_TEXTS[ColumnType.TIMESTAMPTZ],
    fields.DateTime: f"{CERTAIN_TEXTS[ColumnType.TIMESTAMP]}{_OFFSET}?",
}
"""By class of field: the pattern (ASCII) of texts that it loads for certain."""
AS_SENT = frozenset({*IS_TEXT_OF, ColumnType.DOUBLE, ColumnType.NUMERIC})
"""The types of columns that may be given what was sent."""
_READ: dict[ColumnType, Callable[[str], Any]] = {
    ColumnType.TIMESTAMPTZ: dt.datetime.fromisoformat,
    ColumnType.TIMESTAMP: dt.datetime.fromisoformat,
    ColumnType.TIME: dt.time.fromisoformat,
}


def is_read_as(kind: ColumnType, value: Any, sent: Any) -> bool:
    """Whether a column reads what was sent as the value that is to be stored."""
    if type(sent) is str:
        matches = IS_TEXT_OF.get(kind)
        return matches is not None and bool(matches(sent)) and _is(_READ[kind](sent), value)
    if kind is ColumnType.DOUBLE:
        return type(sent) is int and abs(sent) <= EXACT_INTEGER and sent == value
    is_number = type(sent) is float or (type(sent) is int and INT64_MIN <= sent <= INT64_MAX)
    if kind is ColumnType.NUMERIC and is_number:  # a record has no larger integers
        # 12.50 is another numeric than 12.5: it shows another digit.
        return isinstance(value, Decimal) and _digits(Decimal(str(sent))) == _digits(value)
    return False


def _is(read: Any, value: Any) -> bool:
    aware = getattr(read, "tzinfo", None) is not None
    return bool(aware == (getattr(value, "tzinfo", None) is not None) and read == value)


def _digits(number: Decimal) -> Any:
    return number.as_tuple()
