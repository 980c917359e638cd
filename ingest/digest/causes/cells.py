"""Values of CSV under another column: a cell is read as the schema has it there."""

from typing import Any

from ingest.digest.places import Field
from ingest.exactjson import dump_exact
from ingest.formats.shapes import shape_of


def refit(value: Any, field: Field) -> Any:
    """A scalar of a row, as its cell would be read in a column of `field`."""
    if isinstance(value, dict | list) or value is None:
        return value
    text = value if isinstance(value, str) else dump_exact(value).decode()
    return shape_of(field).value(text)
