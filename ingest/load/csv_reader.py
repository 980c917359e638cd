"""CSV files: records as they stand in the file, so that the service reads what the file says."""

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import chain

from ingest.formats.charsets import decoded
from ingest.formats.csv_records import RecordReader
from ingest.formats.failure_files import csv_lines
from ingest.formats.negotiation import CSV
from ingest.load.errors import LoadError
from ingest.load.feed import MAX_ROW, Feed, Row


def read_csv(
    chunks: Iterable[bytes],
    *,
    delimiter: str | None,
    charset: str | None,
    columns: Sequence[str] = (),
) -> Feed:
    """The rows of a CSV file, without blank ones; a body repeats the header.

    Args:
        columns: their names, where the file has no header.
        delimiter: None for the one that `find_delimiter` finds, without knowing the collection.
        charset: None for UTF-8, or what a byte order mark says. Bodies are UTF-8.

    Raises:
        LoadError, RequestError: there is no header, or the file is no text.
    """
    reader = RecordReader(MAX_ROW, delimiter, width=len(columns) or None)
    texts = decoded(chunks, charset)
    records = chain(chain.from_iterable(map(reader.feed, texts)), reader.end())
    first = next(records, None)
    if first is None:
        raise LoadError("the file is empty; its first line must name the columns")
    _, text, cells = first
    if columns:
        records = chain((first,), records)
        text, cells = csv_lines([columns], reader.delimiter).decode(), [*columns]
    if isinstance(cells, csv.Error):
        raise LoadError("the header is not valid CSV")
    # The service counts no row whose cells are all empty.
    rows = (
        Row(line, _ended(text))
        for line, text, cells in records
        if isinstance(cells, csv.Error) or any(cells)
    )
    names = [cell.strip() for cell in cells]
    return Feed(CSV, rows, head=_ended(text), header=names, delimiter=reader.delimiter)


def parse_row(data: bytes, delimiter: str) -> list[str] | None:
    """The cells of one row; None where it is not CSV."""
    lines = io.StringIO(data.decode(), newline="")
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _ended(text: str) -> bytes:
    return (text if text.endswith(("\n", "\r")) else text + "\n").encode()
