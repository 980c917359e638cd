"""Blanks around a value, no-break spaces in it, and characters of no width."""

import re
from typing import Any

from ingest.digest.cause import of_values
from ingest.digest.marks import UNLIKE
from ingest.digest.places import Place

_SPACES = re.compile("[\u00a0\u2007\u202f]")
_NO_WIDTH = re.compile("[\u200b\u2060\ufeff]")


def mend(value: Any, place: Place) -> Any:
    """The text without what is not seen; nothing, where that was all."""
    if not isinstance(value, str):
        return UNLIKE
    plain = _SPACES.sub(" ", _NO_WIDTH.sub("", value)).strip()
    if plain == value:
        return UNLIKE
    return plain or place.nothing


propose = of_values(
    "blanks",
    "The values have blanks around them, no-break spaces, or characters of no width.",
    lambda _: True,
    mend,
)
