"""Whole numbers with decimals that are zero: `3.0`, `12,00`, as programs write a column with gaps.

`1.000` may be one, or a thousand: that is for the others of its group to tell.
"""

import re
from typing import Any

from marshmallow import fields

from ingest.digest.cause import of_values
from ingest.digest.marks import UNLIKE
from ingest.digest.places import Place

_NUMBER = re.compile(r"([+-]?[0-9]+)[.,]0+")


def mend(value: Any, _: Place) -> Any:
    """The number without its decimals."""
    found = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    return UNLIKE if found is None else found[1]


propose = of_values(
    "zero_decimals",
    "The values are whole numbers with decimals, which are zero.",
    lambda field: isinstance(field, fields.Integer),
    mend,
)
