"""What every reader makes of a file: rows, and how a body of the same format is made of some."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ingest.errors import IngestError

MAX_ROW = 16 * 1024 * 1024
"""The most bytes or characters of one row or item: what the service takes of one by default."""


class LoadError(IngestError):
    """The load cannot go on; the message says where, why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One item of the file."""

    line: int | None
    """The line on which it begins, counted from 1; None where that is not known."""
    data: bytes
    """What stands for it in a body."""


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

    def body(self, rows: Iterable[Row]) -> bytes:
        return self.head + self.separator.join(row.data for row in rows) + self.tail
