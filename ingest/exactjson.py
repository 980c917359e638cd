"""JSON without rounding: orjson, and the standard library wherever orjson would lose a digit.

orjson reads an integer beyond 64 bits, or a decimal fraction of more digits than a double holds,
as the nearest float. Here the first stays an `int` and the second becomes a `Decimal`.
"""

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

# A double keeps 15 significant digits of any decimal number; 16 digits and points in a row may be
# more than that. Near zero it keeps fewer: that takes an exponent of three digits.
_SUSPECTS = (b"0" * 16, b"e-000")
_OF_A_NUMBER = b"0123456789.eE+-"
_NUMBER = re.compile(rb"[0-9.eE+-]+")
_BEFORE_A_NUMBER = b"[,: \t\r\n"
_DIGITS = bytes.maketrans(b"123456789.E", b"0000000000e")


def load_exact(body: bytes) -> Any:
    """Parse a JSON document of UTF-8 bytes.

    Raises:
        orjson.JSONDecodeError: it is not JSON, not UTF-8, holds a lone surrogate, NaN, or a number
            beyond a double.
    """
    return keep_digits(body, orjson.loads(body))


def keep_digits(body: bytes, document: Any) -> Any:
    """`document`, which orjson read from `body`, with every number that it rounded put right."""
    return json.loads(body, parse_float=exact_float) if may_round(body) else document


def may_round(body: bytes) -> bool:
    """Whether orjson might round a number of `body`, a JSON document.

    Doubles as programs write them have up to 17 digits, and UUIDs look like exponents: each place
    that might be rounded is looked at before the whole document is read again.
    """
    digits = body.translate(_DIGITS)
    for suspect in _SUSPECTS:
        at = digits.find(suspect)
        while at >= 0:
            start = at
            while start > 0 and body[start - 1] in _OF_A_NUMBER:
                start -= 1
            found = _NUMBER.match(body, at)
            end = found.end() if found else at + 1
            inside_text = start > 0 and body[start - 1] not in _BEFORE_A_NUMBER
            if not inside_text and _is_rounded(body[start:end]):
                return True
            at = digits.find(suspect, end)
    return False


def _is_rounded(number: bytes) -> bool:
    """Whether orjson rounds a number; what is none, in a text, may count as rounded."""
    try:
        if number.lstrip(b"-").isdigit():
            return not -(2**63) <= int(number) < 2**64
        return isinstance(exact_float(number.decode()), Decimal)
    except (ValueError, ArithmeticError):
        return True


def exact_float(text: str) -> float | Decimal:
    """A number as a float where that shows the same digits, else as a Decimal."""
    value = float(text)
    if repr(value) == text:
        return value
    try:
        exact = Decimal(text)
    except InvalidOperation:
        # An exponent of more digits than Decimal takes: a number that no column can hold either.
        mantissa = text.lower().partition("e")[0]
        return Decimal(f"{mantissa}e-999999") if mantissa.strip("-0.") else value
    return value if math.isfinite(value) and Decimal(repr(value)) == exact else exact


def dump_exact(document: Any) -> bytes:
    """Write a JSON document; Decimals and integers of any size keep their digits.

    Raises:
        TypeError: the document holds something that is no JSON value.
    """
    try:
        return orjson.dumps(document, default=_fragment)
    except TypeError:
        return orjson.dumps(_with_fragments(document), default=_fragment)


def _fragment(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value).encode())
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _with_fragments(value: Any) -> Any:
    """A copy in which integers that orjson refuses are written out already."""
    if isinstance(value, dict):
        return {key: _with_fragments(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_fragments(each) for each in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return orjson.Fragment(str(value).encode())
    return value
