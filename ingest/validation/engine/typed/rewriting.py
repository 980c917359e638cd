"""Values in a jsonb column that are dumped in another form than they are sent in: times.

JSON of a browser ends a time with `Z` and three digits; marshmallow dumps `+00:00` and six. The
text that it dumps takes the place of the one that was sent.
"""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import Any

from marshmallow import fields
from msgspec import UNSET

from ingest.resources.as_sent import DUMPED_TEXTS

Changes = list[Any]
Rewrite = Callable[[Any, Changes], Any]
"""From a value, neither absent nor null, to the one that is stored, which may be the same object;
`Changes` gets longer where that is another one."""


def rewrite_moment(kind: type) -> Rewrite:
    """The rewriting of texts in ISO form, which are sent for this class of field."""
    is_dumped = re.compile(DUMPED_TEXTS[kind]).fullmatch
    loads: Any = dt.time if kind is fields.Time else dt.datetime

    def rewrite(sent: str, changes: Changes) -> str:
        if is_dumped(sent):
            return sent
        changes.append(sent)
        return str(loads.fromisoformat(sent).isoformat())

    return rewrite


def rewrite_each(inner: Rewrite | None) -> Rewrite | None:
    """The same of each value of a list."""
    if inner is None:
        return None

    def rewrite(values: list[Any], changes: Changes) -> list[Any]:
        values[:] = [each if each is None else inner(each, changes) for each in values]
        return values

    return rewrite


def rewrite_values(inner: Rewrite | None) -> Rewrite | None:
    """The same of each value of a dict."""
    if inner is None:
        return None

    def rewrite(values: dict[str, Any], changes: Changes) -> dict[str, Any]:
        for name, each in values.items():
            values[name] = each if each is None else inner(each, changes)
        return values

    return rewrite


def rewrite_members(inner: Sequence[tuple[str, Rewrite]]) -> Rewrite | None:
    """The same of some attributes of an object."""
    if not inner:
        return None

    def rewrite(value: Any, changes: Changes) -> Any:
        for attribute, each in inner:
            member = getattr(value, attribute)
            if member is not UNSET and member is not None:
                setattr(value, attribute, each(member, changes))
        return value

    return rewrite
