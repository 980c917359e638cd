"""A row of totals below the others: one word, and numbers."""

import re
from typing import Any

from ingest.digest.cause import Item, of_items
from ingest.digest.marks import LEFT_OUT, UNLIKE

_WORDS = frozenset(
    {
        "total",
        "totals",
        "grand total",
        "subtotal",
        "sum",
        "totale",
        "totaal",
        "somme",
        "suma",
        "summe",
        "gesamt",
        "gesamtsumme",
        "zwischensumme",
    }
)
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,' \u00a0\u202f\u2019]*")


def mend(item: Item) -> Any:
    """LEFT_OUT where the item has such a word, numbers, and nothing else."""
    words = numbers = 0
    for value in item.values():
        if value is None or value == "":
            continue
        if _is_number(value):
            numbers += 1
        elif isinstance(value, str) and value.strip(" :").casefold() in _WORDS:
            words += 1
        else:
            return UNLIKE
    return LEFT_OUT if words == 1 and numbers else UNLIKE


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value.strip()) is not None
    return not isinstance(value, bool | list | dict)


propose = of_items("totals_row", "The rows are totals of the others.", mend)
