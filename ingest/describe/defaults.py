"""Defaults that are shown in another form than values of their field: marshmallow checks none."""

from contextlib import suppress
from typing import Any

from marshmallow import fields, missing

from ingest.describe.values import shown
from ingest.exactjson import dump_exact
from ingest.resources.resource import nested_in


def odd_defaults(field: fields.Field[Any], *, is_shown: bool) -> list[Any]:
    """What a field shows of its defaults that it would not show of a value that it loads.

    `Boolean(load_default=0)` shows 0. Nested objects are left out: of what they lack, nothing is
    asked where they are shown.

    Args:
        is_shown: whether all of them are meant; else those that may be sent back.
    """
    if any(nested_in(field)):
        return []
    found = []
    for default in (field.load_default, field.dump_default):
        with suppress(Exception):  # of a default of the user's, anything: then it is never shown
            form = _form(field, default)
            if form is not None and not _is_canonical(field, form):
                found += [form] if is_shown or _loads(field, form) else []
    return found


def _form(field: fields.Field[Any], default: Any) -> Any:
    """What is shown of a default; None where there is none."""
    if default is missing or default is None:
        return None
    return shown(field, default() if callable(default) else default)


def _is_canonical(field: fields.Field[Any], form: Any) -> bool:
    try:
        again = shown(field, field._deserialize(form, field.name, {}))
    except Exception:  # noqa: BLE001 - whatever it says, it does not load this
        return False
    return dump_exact(again) == dump_exact(form)


def _loads(field: fields.Field[Any], form: Any) -> bool:
    try:
        field.deserialize(form)
    except Exception:  # noqa: BLE001 - as above
        return False
    return True
