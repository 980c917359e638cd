"""Bounds of numbers as patterns of the texts that stand for them, written without an exponent."""

from collections.abc import Iterator
from decimal import Decimal

_FRACTION = r"(?:\.[0-9]+)?"
_ANY = f"[0-9]+{_FRACTION}"
_LONG = 40  # digits of a bound: the exact ones of a double make a pattern that nobody wants


def bounded(bound: int | float | Decimal, *, most: bool, inclusive: bool) -> str | None:
    """The pattern of the texts of numbers that keep to a bound; None where it would be long.

    Args:
        bound: a finite number.
        most: whether it is the upper one.
        inclusive: whether the bound itself is taken.
    """
    exact = Decimal(bound)
    whole, _, part = format(exact.copy_abs(), "f").partition(".")
    if len(whole) + len(part) > _LONG:
        return None
    toward, away = ("", "-") if most else ("-", "")
    beyond_zero = exact > 0 if most else exact < 0
    if beyond_zero or (not exact and inclusive):
        between = "|".join(_beside(whole, part, more=False, inclusive=inclusive))
        return f"^(?:{away}{_ANY}|{toward}(?:{between}))$"
    return f"^{away}(?:{'|'.join(_beside(whole, part, more=True, inclusive=inclusive))})$"


def _beside(whole: str, part: str, *, more: bool, inclusive: bool) -> Iterator[str]:
    """The texts of what is more than a number without a sign, or less."""
    whole, part = whole.lstrip("0"), part.rstrip("0")
    same, length = f"0*{whole}" if whole else "0+", len(whole)
    for start, left in _first_difference(whole, more=more):
        yield f"0*{start}[0-9]{{{left}}}{_FRACTION}"
    for start, _ in _first_difference(part, more=more):
        yield rf"{same}\.{start}[0-9]*"
    if more:
        yield f"0*[1-9][0-9]{{{length},}}{_FRACTION}"
        yield rf"{same}\.{part}[0-9]*[1-9][0-9]*"
    else:
        if length > 1:
            yield f"0*[0-9]{{1,{length - 1}}}{_FRACTION}"
        for end in range(len(part)):
            yield rf"{same}\.{part[:end]}" if end else same
    if inclusive:
        yield rf"{same}\.{part}0*" if part else rf"{same}(?:\.0+)?"


def _first_difference(digits: str, *, more: bool) -> Iterator[tuple[str, int]]:
    """What as many digits begin with that are more, or less; and how many follow."""
    for at, digit in enumerate(map(int, digits)):
        if digit < 9 if more else digit > 0:
            others = f"[{digit + 1}-9]" if more else f"[0-{digit - 1}]"
            yield f"{digits[:at]}{others}", len(digits) - at - 1
