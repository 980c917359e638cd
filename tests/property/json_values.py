"""Values of any kind as decoders of formats could have made them."""

import math
from decimal import Decimal
from typing import Any


def as_json(value: Any) -> Any:
    """`value` as a decoder of some format could have made it."""
    if isinstance(value, dict):
        return {as_text(key): as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(each) for each in value]
    if value is None or type(value) in (bool, str):
        return value
    if type(value) is int:
        return value if abs(value) < 10**300 else 10**300
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is Decimal and value.is_finite():
        return value
    return as_text(value)


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    return hex(value) if type(value) is int else repr(value)
