"""Equality that leaves nothing out: values, their exact types, the order of keys."""

import datetime as dt
import decimal
import struct
from typing import Any

Path = tuple[Any, ...]


def difference(ours: Any, theirs: Any, path: Path = ()) -> tuple[Path, Any, Any] | None:
    """Where two results differ first, and what is there; None where they do not."""
    if type(ours) is not type(theirs):
        return path, ours, theirs
    if isinstance(ours, dict):
        ours, theirs = list(ours.items()), list(theirs.items())
    if isinstance(ours, list | tuple):
        if len(ours) != len(theirs):
            return path, ours, theirs
        for at, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            found = difference(one, other, (*path, at))
            if found:
                return found
        return None
    return None if _exact(ours) == _exact(theirs) else (path, ours, theirs)


def _exact(value: Any) -> Any:
    """Something that is equal only where the values are the same in every respect."""
    if isinstance(value, float):
        return struct.pack("d", value)
    if isinstance(value, decimal.Decimal):
        return value.as_tuple()
    if isinstance(value, dt.datetime | dt.time):
        return value.replace(tzinfo=None), value.fold, repr(value.tzinfo)
    return value
