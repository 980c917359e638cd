"""The rows of a sheet, as `ingest.load.sheet_process` wrote them: sent as CSV."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import orjson

from ingest.formats.failure_files import csv_lines
from ingest.formats.negotiation import CSV
from ingest.load.errors import LoadError
from ingest.load.feed import MAX_ROW, Feed, Row

_MAX_LINE = 2 * MAX_ROW  # as JSON


def read_sheet(chunks: Iterable[bytes], columns: Sequence[str] = ()) -> Feed:
    """The rows of a sheet; the first one that is not blank is the header.

    Args:
        columns: their names, where the sheet has no header.

    Raises:
        LoadError: there is no header, or one of its cells has no value.
    """
    lines: Iterator[Any] = map(orjson.loads, _lines(chunks))
    sheet = next(lines)["sheet"]
    first = next(lines, None)
    if first is None:
        raise LoadError(f"the sheet {sheet!r} is empty; its first row must name the columns")
    number, cells, problem = first
    if columns:
        lines, cells = chain((first,), lines), [*columns]
    elif problem is not None:
        raise LoadError(f"row {number} of the sheet {sheet!r} must name the columns: {problem}")
    return Feed(
        CSV,
        map(_row, lines),
        head=csv_lines([cells]),
        header=[cell.strip() for cell in cells],
        unit="row",
    )


def _row(line: list[Any]) -> Row:
    number, cells, problem = line
    # A row of one cell too many is none that the service reads.
    data = csv_lines([cells if problem is None else [*cells, problem]])
    if len(data) > MAX_ROW:
        raise LoadError(f"row {number} has more than {MAX_ROW} bytes")
    return Row(number, data, problem)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chain(chunks, (b"\n",)):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from filter(None, lines)
        if len(rest) > _MAX_LINE:
            raise LoadError(f"a row has more than {MAX_ROW} bytes")
