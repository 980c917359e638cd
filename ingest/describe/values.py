"""Values of a declaration (choices, bounds, defaults, examples) as JSON."""

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import orjson
from marshmallow import fields

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
        orjson.dumps(form)
    except Exception:  # noqa: BLE001 - of a value of the user's, anything
        raise NoForm from None
    return form


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return number(value)
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


def number(value: Any) -> int | float:
    """A number as JSON writes it.

    Raises:
        NoForm: it is none, or would be rounded.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise NoForm
    if not math.isfinite(value):
        raise NoForm
    if value == int(value):
        return int(value)
    if Decimal(str(float(value))) != Decimal(str(value)):
        raise NoForm
    return float(value)


def numbers(values: Iterable[Any]) -> list[int | float]:
    """Those of some values that are numbers; a boolean is the number that Python takes it for."""
    found: list[int | float] = []
    for value in values:
        try:
            found.append(number(int(value) if isinstance(value, bool) else value))
        except NoForm:
            continue
    return list(dict.fromkeys(found))


def texts(values: Iterable[Any]) -> list[str]:
    """Those of some values that are texts."""
    return list(dict.fromkeys(str(value) for value in values if isinstance(value, str)))
