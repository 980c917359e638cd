"""One rule of a field, in words."""

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
    """A value of the user's schema."""
    text = str(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def each_shown(values: Iterable[Any]) -> tuple[str, ...]:
    """Values of the user's schema; of very many, the first ones."""
    every = [shown(each) for each in values]
    more = len(every) - _MAX_VALUES
    return (*every[:_MAX_VALUES], *([f"… {more} more"] if more > 0 else []))
