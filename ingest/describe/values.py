"""Values of a declaration (choices, bounds, defaults, examples) as JSON."""

import math
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from marshmallow import fields

from ingest.exactjson import dump_exact
from ingest.resources.exact import json_form


class NoForm(Exception):
    """JSON has no form for a value."""


def as_json(value: Any) -> Any:
    """A dumped value as JSON holds it: plain values only.

    Raises:
        NoForm: there is none.
    """
    try:
        form = _plain(json_form(value))
        dump_exact(form)
    except Exception:  # noqa: BLE001 - of a value of the user's, anything
        raise NoForm from None
    return form


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def shown(field: fields.Field[Any], loaded: Any) -> Any:
    """What a field shows of a loaded value.

    Raises:
        NoForm: it shows nothing that is JSON.
    """
    try:
        value = field._serialize(loaded, field.name, {})
    except Exception:  # noqa: BLE001 - of a value of the user's, anything
        raise NoForm from None
    return as_json(value)


def _number(value: Decimal) -> int | float:
    if value.is_finite() and value == int(value):
        return int(value)
    found = nearest(value)
    if Decimal(str(found)) != value:  # it would be rounded
        raise NoForm
    return found


def nearest(value: Any) -> int | float:
    """The number nearest to a value that a double, or an integer of a double's size, can be.

    Raises:
        NoForm: it is no number, or beyond a double.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise NoForm
    try:
        double = float(value)
    except (OverflowError, ValueError):
        raise NoForm from None
    if not math.isfinite(double):
        raise NoForm
    return int(value) if value == int(value) else double


def numbers(values: Iterable[Any], read: Callable[[Any], Any]) -> list[int | float]:
    """Those of some values that a number in JSON is equal to, once it is read.

    A boolean is the number that Python takes it for.
    """
    found: list[int | float] = []
    for value in values:
        exact = int(value) if isinstance(value, bool) else value
        try:
            written = nearest(exact)
        except NoForm:
            continue
        if read(written) == exact:
            found.append(written)
    return list(dict.fromkeys(found))


def texts(values: Iterable[Any]) -> list[str]:
    """Those of some values that are texts."""
    return list(dict.fromkeys(str.__str__(value) for value in values if isinstance(value, str)))
