"""Cells of a sheet as the texts of CSV, so that the schema says what they are."""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_PART = re.compile("YYYY|MM?|DD?")
# Beyond these a double skips whole numbers.
_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Notation:
    """How texts of the sheet are written, and so its dates and numbers, too."""

    dates: str = ""
    """Their order, such as `DD/MM/YYYY`; empty for ISO 8601."""
    decimal: str = ""
    """`comma` or `,`, else a point."""

    def date(self, value: dt.date) -> str:
        if not self.dates:
            return value.isoformat()[:10]
        parts = {
            "YYYY": f"{value.year:04}",
            "MM": f"{value.month:02}",
            "DD": f"{value.day:02}",
            "M": str(value.month),
            "D": str(value.day),
        }
        return _PART.sub(lambda part: parts[part[0]], self.dates)

    def moment(self, value: dt.datetime) -> str:
        between = " " if self.dates else "T"
        return f"{self.date(value)}{between}{value.time().isoformat()}"

    def number(self, text: str) -> str:
        return text.replace(".", ",") if self.decimal in ("comma", ",") else text


ISO = Notation()


def is_rounded(value: Any) -> bool:
    """Whether it may be another number than was written."""
    return isinstance(value, float) and value.is_integer() and abs(value) > _EXACT


def text_of(value: Any, notation: Notation = ISO) -> str:
    """A cell as CSV has it, so that the schema says what it is.

    A whole number has no decimal point, and others have 15 digits, as spreadsheets show them. Dates
    and times are those of ISO 8601, unless the notation is another. A duration has hours, minutes
    and seconds.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if is_rounded(value):
            return f"{value:.15G}"
        if value.is_integer():
            return str(int(value))
        return notation.number(format(Decimal(f"{value:.15g}"), "f"))
    if isinstance(value, dt.datetime):
        return notation.moment(value)
    if isinstance(value, dt.date):
        return notation.date(value)
    if isinstance(value, dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return _duration(value)
    return str(value)


def _duration(value: dt.timedelta) -> str:
    sign, value = ("-", -value) if value < dt.timedelta(0) else ("", value)
    minutes, seconds = divmod(value // dt.timedelta(seconds=1), 60)
    fraction = f".{value.microseconds:06}" if value.microseconds else ""
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{fraction}"
