"""JSON without rounding: orjson, and the standard library wherever orjson would lose a digit.

orjson reads an integer beyond 64 bits, or a decimal fraction of more digits than a double holds,
as the nearest float. Here the first stays an `int` and the second becomes a `Decimal`.
"""

import json
import math
from decimal import Decimal
from typing import Any

import orjson

# A double keeps 15 significant digits of any decimal number; 16 digits and points in a row may be
# more than that. Near zero it keeps fewer: that takes an exponent of three digits.
_SUSPECTS = (b"0" * 16, b"e-000", b"E-000")
_DIGITS = bytes.maketrans(b"123456789.", b"0000000000")

JSONDecodeError = orjson.JSONDecodeError


def load_exact(body: bytes) -> Any:
    """Parse a JSON document of UTF-8 bytes.

    Raises:
        JSONDecodeError: not JSON, not UTF-8, a lone surrogate, NaN, or a number beyond a double.
    """
    return keep_digits(body, orjson.loads(body))


def keep_digits(body: bytes, document: Any) -> Any:
    """`document`, which orjson read from `body`, with every number that it rounded put right."""
    digits = body.translate(_DIGITS)
    if any(suspect in digits for suspect in _SUSPECTS):
        return json.loads(body, parse_float=_exact_float)
    return document


def _exact_float(text: str) -> float | Decimal:
    value = float(text)
    exact = Decimal(text)
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
    if isinstance(value, orjson.Fragment):
        return value
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
