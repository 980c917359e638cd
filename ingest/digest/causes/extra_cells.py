"""Rows of CSV that end with more delimiters than the header: `a;b;` below `a;b`."""

from collections.abc import Iterator
from typing import Any

from ingest.digest.cause import About, Transform
from ingest.digest.marks import UNLIKE
from ingest.errors import MalformedBody
from ingest.formats.csv_header import Header
from ingest.formats.shapes import ABSENT, item_shape

_MOST_NESTING = 1_000  # the request was held to its own limit


def propose(about: About) -> Iterator[Transform]:
    """The row without its last cells, where they are empty."""
    if type(about.item) is not list or not about.columns:
        return
    empty = None if about.empty_as_null else ABSENT
    shape = item_shape(about.resource)
    try:
        header = Header(about.columns, shape, empty=empty, max_nesting=_MOST_NESTING)
    except MalformedBody:
        return
    width = header.width

    def mend(row: Any, _: Any) -> Any:
        if type(row) is not list or len(row) <= width or any(row[width:]):
            return UNLIKE
        return header.item(row[:width])

    yield Transform(
        "extra_cells",
        f"The rows end with empty cells for which the header has no column: it has {width}.",
        {"op": "drop_last_cells", "width": width},
        mend,
        of_rows=True,
    )
