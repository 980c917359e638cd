"""One rule of a field, in words."""

import json
import unicodedata
from collections.abc import Iterable
from typing import Any, NamedTuple

WRONG_TYPE, BAD_FORMAT = "wrong_type", "bad_format"
_MAX_SHOWN = 200
"""Characters of a value that is the user's own."""
_MAX_VALUES = 50


class Rule(NamedTuple):
    """A sentence, and what an item that breaks it gets."""

    text: str
    errors: tuple[str, ...] = ()
    """Names of errors; none where nothing can break it."""
    values: tuple[str, ...] = ()
    """What the sentence ends with: choices, a pattern, a default, a value as an example."""


def shown(value: Any) -> str:
    """A value of the user's schema, or a part of its code."""
    text = str(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def seen(value: Any) -> str:
    """A value that is sent: as JSON writes it where its text alone would not be seen."""
    return shown(json.dumps(value) if _is_unseen(value) else value)


def each_shown(values: Iterable[Any]) -> tuple[str, ...]:
    """Values that are sent; of very many, the first ones."""
    every = [seen(each) for each in values]
    more = len(every) - _MAX_VALUES
    return (*every[:_MAX_VALUES], *([f"… {more} more"] if more > 0 else []))


def _is_unseen(value: Any) -> bool:
    """Whether it is empty, begins or ends blank, or holds characters that have no shape."""
    if not isinstance(value, str):
        return value is None or isinstance(value, bool)
    return value != value.strip() or not value or any(map(_has_no_shape, value))


def _has_no_shape(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Cn")
