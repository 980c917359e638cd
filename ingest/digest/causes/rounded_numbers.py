"""Long numbers as a spreadsheet shows them: `1E+11`, `1.23457E+11`. Their digits are lost."""

import re
from typing import Any

from marshmallow import fields

from ingest.digest.cause import of_values
from ingest.digest.marks import LOST, UNLIKE
from ingest.digest.places import Place

_ROUNDED = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?E\+[0-9]{1,3}", re.IGNORECASE)


def mend(value: Any, _: Place) -> Any:
    """LOST: `1E+11` may have been any number of twelve digits."""
    return LOST if isinstance(value, str) and _ROUNDED.fullmatch(value) else UNLIKE


propose = of_values(
    "rounded_number",
    "The values are long numbers as a spreadsheet shows them: digits of theirs are lost. Format "
    "the column as text before it is saved as CSV.",
    lambda field: isinstance(field, fields.Integer | fields.String),
    mend,
)
