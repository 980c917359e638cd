"""The header of a file once more, among its rows: files that were put together."""

from typing import Any

from ingest.digest.cause import Item, of_items
from ingest.digest.marks import LEFT_OUT, UNLIKE


def mend(item: Item) -> Any:
    """LEFT_OUT where every value is the name of its column."""
    values = [(name, value) for name, value in item.items() if value is not None]
    is_header = bool(values) and all(
        isinstance(value, str) and value.strip().casefold() == name.casefold()
        for name, value in values
    )
    return LEFT_OUT if is_header else UNLIKE


propose = of_items("repeated_header", "The rows are the header of the file once more.", mend)
