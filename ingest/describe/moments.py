"""Fields of dates, times and durations in JSON Schema."""

import datetime as dt
from typing import Any

from marshmallow import fields

from ingest.describe import texts
from ingest.describe.notes import NOTES, noted

Schema = dict[str, Any]

_ISO, _RFC = ("iso", "iso8601"), ("rfc", "rfc822")
_END_OF_YEAR_9999 = 253402300800
_UNITS = {"timestamp": 1, "timestamp_ms": 1000}


def described(field: Any, *, shown: bool, top: bool) -> Schema:
    """Args: `top` for a field with a column of its own: it wants an offset, or none."""
    form = field.format or field.DEFAULT_FORMAT
    if form in _ISO:
        return _iso(field, top=top)
    if form in _UNITS and isinstance(field, fields.DateTime):
        # A timestamp is loaded without an offset.
        lost = isinstance(field, fields.AwareDateTime) and field.default_timezone is None
        return {"not": {}} if lost and not shown else _timestamp(_UNITS[form], shown=shown)
    said: Schema = {"type": "string"}
    if form in _RFC and isinstance(field, fields.DateTime):
        said["pattern"] = texts.RFC_822
        rule = "A time as e-mail writes it (RFC 5322); the day exists."
    else:
        rule = f"In the format {form} of Python's strptime."
    return said if shown else noted(said, rule)


def _iso(field: Any, *, top: bool) -> Schema:
    if isinstance(field, fields.Date):
        return {"type": "string", "format": "date", "pattern": texts.DATE}
    if isinstance(field, fields.Time):
        # The format `time` is of RFC 3339, and has an offset.
        return {"type": "string", "pattern": texts.TIME if top else texts.TIME_MAYBE_WITH_OFFSET}
    if isinstance(field, fields.NaiveDateTime):
        return {"type": "string", "pattern": texts.NAIVE}
    local = isinstance(field, fields.AwareDateTime) and field.default_timezone is not None
    if local or not (top or isinstance(field, fields.AwareDateTime)):
        return {"type": "string", "pattern": texts.EITHER}
    return {"type": "string", "format": "date-time", "pattern": texts.AWARE}


def _timestamp(per_second: int, *, shown: bool) -> Schema:
    said: Schema = {"type": "number"}
    if not shown:
        said |= {"minimum": 0, "exclusiveMaximum": _END_OF_YEAR_9999 * per_second}
    return said


def duration(field: fields.TimeDelta) -> Schema:
    """A number of the field's units, within what a timedelta holds."""
    unit = dt.timedelta(**{field.precision: 1})
    most, day = dt.timedelta(days=999_999_999) / unit, dt.timedelta(days=1) / unit
    return {
        "type": "number",
        "minimum": -most,
        "exclusiveMaximum": most + day,
        NOTES: {"unit": field.precision},
    }
