"""Separators of thousands: `1,234,567.89`, `1'234`, `1 234`, `1.234.567`.

One point alone may stand before decimals, so it separates thousands of whole numbers only.
"""

import re
from typing import Any

from marshmallow import fields

from ingest.digest.cause import of_values
from ingest.digest.marks import UNLIKE
from ingest.digest.places import Place

_NUMBER = re.compile(
    r"[+-]?[0-9]{1,3}(?P<by>[, '\u2019\u00a0\u202f])[0-9]{3}(?:(?P=by)[0-9]{3})*(?:\.[0-9]+)?"
)
_BY_POINT = re.compile(r"[+-]?[0-9]{1,3}\.[0-9]{3}")
_BY_POINTS = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3}){2,}")
_SEPARATORS = str.maketrans(dict.fromkeys(", '\u2019\u00a0\u202f", ""))


def mend(value: Any, place: Place) -> Any:
    """The number without its separators."""
    if not isinstance(value, str):
        return UNLIKE
    is_whole = isinstance(place.field, fields.Integer)
    if _NUMBER.fullmatch(value):
        return value.translate(_SEPARATORS)
    if _BY_POINTS.fullmatch(value) or (is_whole and _BY_POINT.fullmatch(value)):
        return value.replace(".", "")
    return UNLIKE


propose = of_values(
    "thousands_separators",
    "The numbers have separators between their thousands.",
    lambda field: isinstance(field, fields.Number),
    mend,
)
