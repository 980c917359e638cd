"""Dates in another order than ISO 8601: `24/12/2026`, `12/24/2026`, `2026/12/24`.

Each order is tried by itself. Where two of them read the values, and differently, no day exceeds
12, and the cause is ambiguous.
"""

import datetime as dt
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from marshmallow import fields

from ingest.digest.cause import About, Transform, of_values
from ingest.digest.marks import UNLIKE
from ingest.digest.places import Field, Place, value_at

_SEPARATOR = r"(?P<by>[-/.]) ?"
_YEAR, _MONTH, _DAY = "(?P<year>[0-9]{4})", "(?P<month>[0-9]{1,2})", "(?P<day>[0-9]{1,2})"
_TIME = r"(?:(?:T|,? +)(?P<hour>[0-9]{1,2})(?P<rest>:[0-9].*))?"
_ISO = (None, "iso", "iso8601")
_UNCLEAR = (
    "No day exceeds 12, or those that do contradict each other: nothing tells days from months."
)
_PASSED = (
    " Those of which day and month are at most 12 pass as the field has them: in such a file they "
    "may mean another day."
)
ORDERS = {
    "DD/MM/YYYY": (_DAY, _MONTH, _YEAR),
    "MM/DD/YYYY": (_MONTH, _DAY, _YEAR),
    "YYYY/MM/DD": (_YEAR, _MONTH, _DAY),
}


def _mend(pattern: "re.Pattern[str]", value: Any, place: Place) -> Any:
    """The date as the field is written: in ISO 8601, or in its own format."""
    found = pattern.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return UNLIKE
    try:
        date = dt.date(*(int(found[part]) for part in ("year", "month", "day")))
    except ValueError:
        return UNLIKE
    form = getattr(place.field, "format", None)
    if form in _ISO:
        time = f"T{found['hour']:0>2}{found['rest']}" if found["hour"] else ""
        return f"{date.isoformat()}{time}"
    # A format of the schema's own may lose a time of day: then it is left alone.
    return UNLIKE if found["hour"] or "%" not in form else date.strftime(form)


def _fits(field: Field) -> bool:
    return isinstance(field, fields.Date | fields.DateTime)


def _of(order: str, parts: tuple[str, str, str]) -> Callable[..., Any]:
    first, second, third = parts
    pattern = re.compile(f"{first}{_SEPARATOR}{second}(?P=by) ?{third}{_TIME}", re.DOTALL)
    says = f"The dates are written as {order}."
    propose = of_values(
        "day_month_order", says, _fits, partial(_mend, pattern), unclear=_UNCLEAR, order=order
    )

    def with_caution(about: About) -> Iterator[Transform]:
        for each in propose(about):
            yield replace(each, says=says + _PASSED) if _others_pass(about) else each

    return with_caution


def _others_pass(about: About) -> bool:
    """Whether the field takes such a date where both day and month are at most 12."""
    value = value_at(about.item, about.place.steps)
    form = getattr(about.place.field, "format", None)
    if not isinstance(value, str) or form in _ISO:
        return False
    try:
        time.strptime(re.sub("[0-9]{1,2}", "03", value, count=2), form)
    except ValueError:
        return False
    return True


PROPOSALS = [_of(order, parts) for order, parts in ORDERS.items()]
