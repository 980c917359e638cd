"""How the texts of a CSV file are written, where they are not written as the schema reads them.

`?decimal=comma` reads `1234,5`, `?dates=DD/MM/YYYY` reads `24/12/2026`, and `?nulls=NULL,N/A` reads
those two texts as null. What each column's text needs is found once, when the header is read.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

from ingest.errors import BAD_FORMAT, WRONG_TYPE, ErrorCode
from ingest.formats.shapes import Convert, Shape, Written
from ingest.model import ItemError

_PARTS = {
    "YYYY": "(?P<year>[0-9]{4})",
    "MM": "(?P<month>[0-9]{2})",
    "M": "(?P<month>[0-9]{1,2})",
    "DD": "(?P<day>[0-9]{2})",
    "D": "(?P<day>[0-9]{1,2})",
}
_PART = "(YYYY|MM?|DD?)"
_SEPARATOR = "([-/. ]{1,2})"
_ORDER = re.compile(f"{_PART}{_SEPARATOR}{_PART}{_SEPARATOR}{_PART}")
_TOGETHER = re.compile("YYYYMMDD|DDMMYYYY|MMDDYYYY")
DATES = f"^(?:(?=.*Y)(?=.*M)(?=.*D){_ORDER.pattern}|{_TOGETHER.pattern})$"
"""What `DateOrder` takes, as a pattern."""
_TIME = re.compile("(?:T|,? +)([0-9]{1,2})(:.+)", re.DOTALL)

DATE_ORDERS = (
    "YYYY, MM or M, and DD or D, in any order, with one or two of / . - and blanks between them, "
    "such as DD/MM/YYYY; or YYYYMMDD, DDMMYYYY, MMDDYYYY"
)
"""What `DateOrder` takes, as messages say it."""


class Misread(str):
    """Stands in an item for a text that is not written as it should be.

    As a text it is none that a field of numbers or dates would take.
    """

    __slots__ = ("code", "description", "message")

    code: ErrorCode
    message: str
    description: str

    @classmethod
    def of(cls, text: str, code: ErrorCode, message: str, description: str) -> "Misread":
        made = cls(f"?{text}")
        made.code, made.message, made.description = code, message, description
        return made


class DateOrder(NamedTuple):
    """The order in which dates are written."""

    name: str
    """As the request gives it: `DD/MM/YYYY`."""
    pattern: "re.Pattern[str]"

    @classmethod
    def of(cls, name: str) -> "DateOrder":
        """Raises ValueError: it is none of `DATE_ORDERS`."""
        if _TOGETHER.fullmatch(name):
            parts = re.findall("YYYY|MM|DD", name)
        else:
            found = _ORDER.fullmatch(name)
            parts = [] if found is None else [*found.groups()]
        if sorted(part[0] for part in parts[:: 1 if len(parts) == 3 else 2]) != ["D", "M", "Y"]:
            raise ValueError(name)
        return cls(name, re.compile("".join(_PARTS.get(part) or re.escape(part) for part in parts)))

    def date(self, text: str) -> str:
        """A date in the form of ISO 8601."""
        found = self.pattern.fullmatch(text)
        iso = None if found is None else _iso(found)
        return self._misread(text, "date", self.name) if iso is None else iso

    def moment(self, text: str) -> str:
        """A date, and a time of day behind it if there is one, in the form of ISO 8601."""
        found = self.pattern.match(text)
        iso = None if found is None else _iso(found)
        if found is not None and iso is not None:
            if found.end() == len(text):
                return iso
            time = _TIME.fullmatch(text, found.end())
            if time is not None:
                return f"{iso}T{time[1]:0>2}{time[2]}"
        return self._misread(text, "date and time", f"{self.name} hh:mm:ss")

    def _misread(self, text: str, what: str, form: str) -> Misread:
        message = f"Not a {what} of the form {form}."
        return Misread.of(text, BAD_FORMAT, message, f"The request says `dates={self.name}`.")


def _iso(found: "re.Match[str]") -> str | None:
    """None where the calendar has no such day."""
    try:
        return dt.date(int(found["year"]), int(found["month"]), int(found["day"])).isoformat()
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Notation:
    """How the texts of one file are written."""

    decimal_comma: bool = False
    dates: DateOrder | None = None
    nulls: Set[str] = frozenset()
    """Texts that are null."""

    def convert(self, shape: Shape, convert: Convert | None) -> Convert | None:
        """What the text of a column becomes.

        Args:
            shape: that of the column's values.
            convert: what becomes of a text as the schema reads it.
        """
        if shape.written is Written.NUMBER and self.decimal_comma:
            convert = _after(_with_point, convert)
        elif shape.written is Written.DATE and self.dates:
            convert = _after(self.dates.date, convert)
        elif shape.written is Written.MOMENT and self.dates:
            convert = _after(self.dates.moment, convert)
        return _but_null(self.nulls, convert) if self.nulls else convert


def _after(rewrite: Convert, convert: Convert | None) -> Convert:
    if convert is None:
        return rewrite
    then = convert

    def both(text: str) -> Any:
        found = rewrite(text)
        return found if type(found) is Misread else then(found)

    return both


def _but_null(nulls: Set[str], convert: Convert | None) -> Convert:
    then: Callable[[str], Any] = convert or str
    return lambda text: None if text in nulls else then(text)


def _with_point(text: str) -> Any:
    """A number with a decimal comma, with a point in its place."""
    if "." in text:
        return Misread.of(
            text,
            WRONG_TYPE,
            "Not a number with a decimal comma.",
            "The request says `decimal=comma`: write 1234,5 without a point, and without "
            "separators of thousands.",
        )
    return text.replace(",", ".")


def misread(item: Any) -> Iterator[ItemError]:
    """What is not written as it should be in an item, each with its path."""
    levels: list[tuple[tuple[str, ...], Any]] = [((), item)]
    while levels:
        path, value = levels.pop()
        if type(value) is Misread:
            yield ItemError(value.code, value.message, ".".join(path), value.description)
        elif type(value) is dict:
            levels += [((*path, name), each) for name, each in value.items()][::-1]
        elif type(value) is list:
            levels += [((*path, str(place)), each) for place, each in enumerate(value)][::-1]
