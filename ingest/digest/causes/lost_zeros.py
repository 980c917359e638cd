"""Codes that a spreadsheet took for numbers: `1234` for `01234`."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from marshmallow import ValidationError, fields

from ingest.digest.cause import About, Transform, of_values
from ingest.digest.marks import UNLIKE
from ingest.digest.places import Field, Place, value_at

_LONGEST = 20


def propose(about: About) -> Iterator[Transform]:
    """One transform, to the one width that the field takes."""
    field = about.place.field
    if not isinstance(field, fields.String | fields.Enum):
        return
    digits = _digits(value_at(about.item, about.place.steps))
    if digits is None:
        return
    # Where it takes more widths, or the digits as they are, zeros are not what they lack.
    widths = [
        width for width in range(len(digits), _LONGEST + 1) if _takes(field, digits.zfill(width))
    ]
    if len(widths) == 1 and widths[0] > len(digits):
        yield from _to(widths[0])(about)


def _to(width: int) -> Callable[[About], Iterator[Transform]]:
    says = f"The values have lost zeros at their beginning: they are to have {width} digits."
    return of_values("lost_zeros", says, lambda _: True, partial(mend, width=width), width=width)


def mend(value: Any, _: Place, *, width: int) -> Any:
    """The digits with zeros before them."""
    digits = _digits(value)
    return UNLIKE if digits is None or len(digits) >= width else digits.zfill(width)


def _digits(value: Any) -> str | None:
    if type(value) is int and value >= 0:
        return str(value)
    return value if isinstance(value, str) and value.isascii() and value.isdecimal() else None


def _takes(field: Field, text: str) -> bool:
    try:
        field.deserialize(text)
    except ValidationError:
        return False
    except Exception:  # noqa: BLE001 - user code may raise anything; then it takes no such text
        return False
    return True
