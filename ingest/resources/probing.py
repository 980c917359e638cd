"""What a field loads where code of the user's takes part: found out by loading values of its kind.

A subclass of `fields.String` may load a list, one of `fields.Integer` a Decimal. Its class does not
say so, and its column has to be known before the first item comes.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from marshmallow import fields

from ingest.resources.columns import ColumnType, NotStorable, column_type, converter

_MOMENT = dt.datetime(2024, 2, 29, 10, tzinfo=dt.UTC)
_MOMENTS = ("2024-02-29T10:00:00Z", "2024-02-29T10:00:00", "1709200800", 1709200800)
_SAMPLES: tuple[tuple[type[fields.Field[Any]], tuple[Any, ...]], ...] = (
    (
        fields.String,
        ("a", "a,b", "A1", "1", "2024-02-29", "ann@example.com", "https://a.example/b"),
    ),
    (fields.Integer, (1, "1", 0, 100, 2024)),
    (fields.Float, (1.5, 1, "1.5")),
    (fields.Decimal, ("1.50", 1)),
    (fields.Boolean, (True, False, "true", "y")),
    (fields.UUID, ("00000000-0000-7000-8000-000000000001",)),
    (fields.DateTime, _MOMENTS),
    (fields.Date, ("2024-02-29",)),
    (fields.Time, ("10:00:00",)),
    (fields.IP, ("192.0.2.1", "2001:db8::1")),
    (fields.IPInterface, ("192.0.2.1/24", "2001:db8::1/64")),
)
_LOADING = ("_deserialize", "deserialize")


def loads_in_its_own_way(field: fields.Field[Any]) -> bool:
    """Whether code of the user's decides what the field loads."""
    theirs = next(
        kind for kind in type(field).__mro__ if kind.__module__.startswith("marshmallow.")
    )
    return bool(field.post_load) or any(
        getattr(type(field), name) is not getattr(theirs, name) or name in vars(field)
        for name in _LOADING
    )


def stored_type(field: fields.Field[Any]) -> ColumnType:
    """The type of the column for what the field loads: that of its family, where that fits.

    Code of the user's is tried with values of the family's kind.
    """
    family = column_type(field)
    if family is ColumnType.JSONB or not loads_in_its_own_way(field):
        return family
    fits = converter(family)
    for loaded in _loaded_samples(field):
        try:
            fits(loaded)
        except NotStorable as refused:
            if refused.of_class is not None:
                return ColumnType.JSONB
    return family


def loads_naive_times(field: fields.DateTime) -> bool:
    """Whether what the field itself writes of a time is loaded without an offset again."""
    with suppress(Exception):  # it loads nothing of the kind
        loaded = field.deserialize(field._serialize(_MOMENT, field.name, {}))
        return isinstance(loaded, dt.datetime) and loaded.tzinfo is None
    return False


def _loaded_samples(field: fields.Field[Any]) -> Iterator[Any]:
    for kind, samples in _SAMPLES:
        if isinstance(field, kind):
            for sample in samples:
                with suppress(Exception):  # it does not load this one
                    if (loaded := field.deserialize(sample)) is not None:
                        yield loaded
            return
