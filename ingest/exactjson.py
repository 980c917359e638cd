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
# more than that. Near zero it keeps fewer: that takes an exponent of three digits. (UUIDs have what
# looks like one, but more follows.) Both are looked for in the shape of a body: its digits and
# points as 0, what may follow a number as a comma.
_LONG = b"0" * 16
_TINY = re.compile(rb"e-0000*(?:,|\Z)")
_WHITE_SPACE = b" \t\r\n"
_AFTER_A_NUMBER = b",]}" + _WHITE_SPACE
_SHAPE = bytes.maketrans(b"123456789.E" + _AFTER_A_NUMBER, b"0000000000e" + b",,,,,,,")
_NOT_IN_YAML = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xbf[\xbe\xbf]")
"""And what ends a line there (YAML 1.1, 5.1 and 5.4), in UTF-8; the others orjson escapes."""
_PART = 16 * 1024  # bytes that are looked at in one go


def load_exact(body: bytes) -> Any:
    """Parse a JSON document of UTF-8 bytes.

    Raises:
        orjson.JSONDecodeError: it is not JSON, not UTF-8, holds a lone surrogate, NaN, or a number
            beyond a double.
    """
    return keep_digits(body, orjson.loads(body))


def keep_digits(body: bytes, document: Any) -> Any:
    """`document`, which orjson read from `body`, with every number that it rounded put right."""
    if may_round(body) and not _writes_back(document, body):
        return json.loads(body, parse_float=exact_float)
    return document


def may_round(body: bytes) -> bool:
    """Whether a JSON document has a number, or part of a text, that orjson might round."""
    for start in range(0, len(body), _PART):
        shape = body[start : start + _PART + len(_LONG)].translate(_SHAPE)
        if _LONG in shape or _TINY.search(shape):
            return True
    return False


def _writes_back(document: Any, body: bytes) -> bool:
    """Whether orjson writes `document` as `body` has it: then it lost no digit of it.

    White space and `\\u00e9` for `é` make no difference, in texts too: all that stands around the
    numbers is still the same in both, and so each number faces its own.
    """
    try:
        written = orjson.dumps(document)
    except orjson.JSONEncodeError:  # it nests deeper than orjson writes
        return False
    if written == body:
        return True
    if body.isascii() and not written.isascii():
        written = written.decode().encode("ascii", "backslashreplace").replace(b"\\x", b"\\u00")
    return written.replace(b" ", b"") == body.translate(None, _WHITE_SPACE)


def exact_float(text: str) -> float | Decimal:
    """A number as a float where that shows the same digits, else as a Decimal."""
    value = float(text)
    if orjson.dumps(value) == text.encode():  # four times as fast as `repr`
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


def dump_readable(document: Any) -> bytes:
    """The same for documents that are read by tools: they may read JSON as YAML, to which
    some characters are forbidden, or the end of a line, and so those are escaped.

    Raises:
        TypeError: as `dump_exact`.
    """
    return _NOT_IN_YAML.sub(_escaped, dump_exact(document))


def _escaped(character: re.Match[bytes]) -> bytes:
    return f"\\u{ord(character[0].decode()):04x}".encode()


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
