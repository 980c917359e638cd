"""A comma before decimals: `1234,5`, `1.234,56`, `1 234,56`."""

import re
from typing import Any

from marshmallow import fields

from ingest.digest.cause import of_values
from ingest.digest.marks import UNLIKE
from ingest.digest.places import Place

_NUMBER = re.compile(
    r"(?P<sign>[+-]?)"
    r"(?P<whole>[0-9]+|[0-9]{1,3}(?P<by>[. '\u2019\u00a0\u202f])[0-9]{3}(?:(?P=by)[0-9]{3})*)"
    r",(?P<decimals>[0-9]+)"
)
_SEPARATORS = str.maketrans(dict.fromkeys(". '\u2019\u00a0\u202f", ""))


def mend(value: Any, _: Place) -> Any:
    """The number with a point before its decimals."""
    found = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return UNLIKE
    return f"{found['sign']}{found['whole'].translate(_SEPARATORS)}.{found['decimals']}"


propose = of_values(
    "decimal_comma",
    "The numbers have a comma before their decimals. A number such as 1.234 passes as one and a "
    "fraction: in such a file it may mean a thousand and more.",
    lambda field: isinstance(field, fields.Float | fields.Decimal),
    mend,
)
