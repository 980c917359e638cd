"""Values of Python as JSON, and as JSON that gives them back exactly.

A `jsonb` column changes some of what JSON can say, and JSON has no form for much of what a schema
loads. What a column cannot give back is kept beside it, as the text of a JSON document in which
`{"$": [kind, value]}` marks what JSON has no form for:

    date, datetime, time, timedelta, decimal, uuid, ip, tuple, set, frozenset
    float     one that jsonb would change: -0.0, or a whole number written with an exponent
    pairs     a dict whose keys are no texts, or that has the key "$"
    loaded    the value of a field that its column holds in another form
    reload    what the field dumped of an object of the user's; loading that gives it back
    sent      what such an object was loaded from, where what it dumped does not give it back
    shown     what an object of the user's showed for the field, for good
"""

import datetime as dt
import enum
import ipaddress
import math
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

MARK = "$"
LOADED, SENT, RELOAD, SHOWN = "loaded", "sent", "reload", "shown"

_ADDRESSES = (
    ipaddress.IPv4Address
    | ipaddress.IPv6Address
    | ipaddress.IPv4Interface
    | ipaddress.IPv6Interface
)
# From here on a float is a whole number, and orjson writes it with an exponent: jsonb makes an
# integer of that.
_FIRST_WHOLE = 1e16


class NotExact(Exception):
    """A value of a class that is not known here."""


def mark(kind: str, value: Any) -> dict[str, Any]:
    """`value` as one of `kind`."""
    return {MARK: [kind, value]}


def marked(value: Any) -> tuple[str, Any] | None:
    """The kind and value of what `mark` made; None for anything else."""
    match value:
        case {"$": [str(kind), inner]} if len(value) == 1:
            return kind, inner
    return None


def encode(value: Any) -> Any:
    """A JSON document that `decode` makes an equal value of.

    Raises:
        NotExact: it holds an object of the user's.
    """
    kind = value.__class__
    if value is None or kind in (str, int, bool):
        return value
    if kind is float:
        return value if jsonb_keeps(value) else mark("float", repr(value))
    for known, name, write in _SCALARS:
        if kind is known:
            return mark(name, write(value))
    if isinstance(value, enum.Enum):
        raise NotExact(kind.__name__)
    if isinstance(value, dict):
        if all(type(key) is str for key in value) and MARK not in value:
            return {key: encode(each) for key, each in value.items()}
        return mark("pairs", [[encode(key), encode(each)] for key, each in value.items()])
    if isinstance(value, list):
        return [encode(each) for each in value]
    for sequence in (tuple, set, frozenset):
        if kind is sequence:
            return mark(sequence.__name__, [encode(each) for each in value])
    for base in (str, int, float):
        if isinstance(value, base):
            return encode(base(value))
    raise NotExact(kind.__name__)


def decode(value: Any) -> Any:
    """The value that `encode` was given; marks that are not its own are left as they are."""
    if isinstance(value, list):
        return [decode(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = marked(value)
    if found is None:
        return {key: decode(each) for key, each in value.items()}
    read = _READ.get(found[0])
    try:
        return value if read is None else read(found[1])
    except (ArithmeticError, TypeError, ValueError):  # what a user called like a mark
        return value


def json_form(value: Any) -> Any:
    """What JSON makes of a value that was dumped; Decimals and integers keep their digits.

    Raises:
        NotExact: it holds what JSON has no form for.
    """
    if value is None or value.__class__ in (str, int, bool):
        return value
    if isinstance(value, dict):
        return {json_key(key): json_form(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_form(each) for each in value]
    if isinstance(value, enum.Enum):
        return json_form(value.value)
    if isinstance(value, float) and not math.isfinite(value):
        raise NotExact("a number that is not finite")
    for base in (str, int, float, Decimal):
        if isinstance(value, base):
            return base(value)
    return scalar_form(value)


def scalar_form(value: Any) -> Any:
    """The form in JSON of a value of Python's library that JSON does not know.

    Raises:
        NotExact: it is none of these.
    """
    if isinstance(value, uuid.UUID | _ADDRESSES):
        return str(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    raise NotExact(value.__class__.__name__)


def json_key(key: Any) -> str:
    """A key of a dict as JSON writes it: `true`, `null`, `1.5`."""
    if isinstance(key, enum.Enum):
        return json_key(key.value)
    if isinstance(key, str):
        return str(key)
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, dt.date | dt.time):
        return key.isoformat()
    return str(key)


def jsonb_keeps(value: Any) -> bool:
    """Whether jsonb gives a JSON value back with each number of its kind and sign."""
    if isinstance(value, float):
        if value == 0:
            return math.copysign(1, value) > 0
        return abs(value) < _FIRST_WHOLE
    if isinstance(value, dict):
        return all(map(jsonb_keeps, value.values()))
    if isinstance(value, list):
        return all(map(jsonb_keeps, value))
    return True


_SCALARS: tuple[tuple[type, str, Callable[[Any], Any]], ...] = (
    (dt.date, "date", dt.date.isoformat),
    (dt.datetime, "datetime", dt.datetime.isoformat),
    (dt.time, "time", dt.time.isoformat),
    (dt.timedelta, "timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    (Decimal, "decimal", str),
    (uuid.UUID, "uuid", str),
    *((kind, "ip", str) for kind in _ADDRESSES.__args__),
)


def _ip(text: str) -> Any:
    return ipaddress.ip_interface(text) if "/" in text else ipaddress.ip_address(text)


_READ: dict[str, Callable[[Any], Any]] = {
    "float": float,
    LOADED: decode,
    "date": dt.date.fromisoformat,
    "datetime": dt.datetime.fromisoformat,
    "time": dt.time.fromisoformat,
    "timedelta": lambda parts: dt.timedelta(*parts),
    "decimal": Decimal,
    "uuid": uuid.UUID,
    "ip": _ip,
    "tuple": lambda values: tuple(map(decode, values)),
    "set": lambda values: set(map(decode, values)),
    "frozenset": lambda values: frozenset(map(decode, values)),
    "pairs": lambda pairs: {decode(key): decode(each) for key, each in pairs},
}
