"""The rows that a reader makes of a file, and the parts in which they are sent."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ingest.load.source import Reading

MAX_ROW = 16 * 1024 * 1024
"""The most bytes or characters of one row or item: the service's own default."""
MAX_PART = 8 * 1024 * 1024
"""The most bytes of a part of several rows: half of what the service takes by default."""


@dataclass(frozen=True, slots=True)
class Row:
    """One item of the file."""

    line: int | None
    """The line on which it begins, counted from 1; None where that is not known."""
    data: bytes
    """Its text in a body."""
    problem: str | None = None
    """Why it cannot be an item. Its text then is one that the service refuses."""


@dataclass(frozen=True, slots=True)
class Feed:
    """The rows of a file. A body is `head`, rows with `separator` between them, and `tail`."""

    media_type: str
    rows: Iterator[Row]
    head: bytes = b""
    separator: bytes = b""
    tail: bytes = b""
    header: Sequence[str] = ()
    """The cells of the header; of CSV only."""
    delimiter: str = ","
    """What stands between cells; of CSV only."""
    unit: str = "line"
    """What `Row.line` counts."""

    def place_of(self, index: int, row: Row) -> str:
        """Where a row stands in the file, `index` being its place among the rows, from 0."""
        return f"item {index + 1}" if row.line is None else f"{self.unit} {row.line}"

    def body(self, rows: Iterable[Row]) -> bytes:
        return self.head + self.separator.join(row.data for row in rows) + self.tail


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that are sent together."""

    number: int
    first: int
    """The index of its first row in the file, counted from 0."""
    rows: list[Row]
    place: int
    """How many bytes of the file were read when it was complete."""
    unit: str = "line"

    def __str__(self) -> str:
        start, end = self.rows[0].line, self.rows[-1].line
        where = f"from {self.unit} {start} to {end}"
        if start is None or end is None:
            where = f"items {self.first + 1} to {self.first + len(self.rows)}"
        return f"part {self.number + 1} ({where})"


def cut(feed: Feed, reading: Reading, max_rows: int, max_bytes: int = MAX_PART) -> Iterator[Part]:
    """The parts of a file. One row alone may be larger than `max_bytes`."""
    rows: list[Row] = []
    size = number = first = 0
    for row in feed.rows:
        if rows and (len(rows) == max_rows or size + len(row.data) > max_bytes):
            yield Part(number, first, rows, reading.place, feed.unit)
            first += len(rows)
            rows, size, number = [], 0, number + 1
        rows.append(row)
        size += len(row.data)
    if rows:
        yield Part(number, first, rows, reading.place, feed.unit)
