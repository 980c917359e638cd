"""What a spreadsheet shows in place of a value: `#N/A`, `#REF!`."""

import re
from typing import Any

from ingest.digest.cause import of_values
from ingest.digest.marks import UNLIKE
from ingest.digest.places import Place

_ERROR = re.compile(
    r"#(?:N/A|NV|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|SPILL!|CALC!|GETTING_DATA)", re.IGNORECASE
)


def mend(value: Any, place: Place) -> Any:
    """What says there that there is no value."""
    is_error = isinstance(value, str) and _ERROR.fullmatch(value.strip())
    return place.nothing if is_error else UNLIKE


propose = of_values(
    "spreadsheet_error",
    "The values are errors of a spreadsheet: its formulas had no result.",
    lambda _: True,
    mend,
)
