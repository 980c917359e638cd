"""CSV files: records as they stand in the file, so that the service reads what the file says."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Self

from ingest.formats.csv_header import DELIMITERS
from ingest.formats.negotiation import CSV
from ingest.load.feed import MAX_ROW, Feed, LoadError, Row
from ingest.load.texts import read_text, split_lines

# The module's own bound on one cell is for the whole process; ours is on each record.
csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW))

# The first line with which Excel says what the delimiter is.
_HINT = re.compile(r'"?sep=([,;\t|])"?\s*')
_HEADER_LINES = 100  # in which the header is looked for, to find the delimiter


def read_csv(
    chunks: Iterable[bytes], name: str, *, delimiter: str | None, charset: str | None
) -> Feed:
    """The rows of a CSV file, without blank ones; a body repeats the header.

    Args:
        chunks: its decompressed bytes.
        name: what messages call it.
        delimiter: None for the one that finds most columns in the header.
        charset: None for UTF-8, or what a byte order mark says. Bodies are UTF-8.

    Raises:
        LoadError: there is no header, or the file is no text.
    """
    lines = split_lines(read_text(chunks, name, charset), name)
    first = list(islice(lines, _HEADER_LINES))
    skipped = 0
    if first and (hint := _HINT.fullmatch(first[0])):
        delimiter = delimiter or hint[1]
        skipped = 1
    delimiter = delimiter or _detect(first)
    recorder = _Recorder(chain(first[skipped:], lines), name, skipped + 1)
    records = _records(recorder, delimiter)
    for _, text, cells in records:
        if cells is None:
            raise LoadError(f"{name}: the header is not valid CSV")
        if any(map(str.strip, cells)):
            rows = (Row(line, _ended(row)) for line, row, cells in records if _counts(cells))
            return Feed(CSV, rows, head=_ended(text), header=_names(cells), delimiter=delimiter)
    raise LoadError(f"{name}: the file is empty; its first line must name the columns")


def parse_row(data: bytes, delimiter: str) -> list[str] | None:
    """The cells of one row; None where it is no CSV."""
    lines = io.StringIO(data.decode(), newline="")
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


class _Recorder:
    """Hands lines to the csv module, and remembers those that it made a record of."""

    def __init__(self, lines: Iterator[str], name: str, line: int) -> None:
        self._lines = lines
        self._name = name
        self._line = line
        self._taken: list[str] = []
        self._size = 0
        self.ended = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        try:
            line = next(self._lines)
        except StopIteration:
            self.ended = True
            raise
        self._taken.append(line)
        self._size += len(line)
        if self._size > MAX_ROW:
            raise LoadError(
                f"{self._name}: the row that begins on line {self._line} has more than "
                f"{MAX_ROW} characters; is a quote of it never closed?"
            )
        return line

    def take(self) -> tuple[int, str]:
        """The number of the first line since the last time, and the text since then."""
        line, text = self._line, "".join(self._taken)
        self._line += len(self._taken)
        self._taken.clear()
        self._size = 0
        return line, text

    def unclosed(self) -> LoadError:
        return LoadError(
            f"{self._name}: the quote that is opened in the row of line {self._line} is never "
            "closed"
        )


def _records(recorder: _Recorder, delimiter: str) -> Iterator[tuple[int, str, list[str] | None]]:
    """Line, text and cells of each record; None for cells where the record is no CSV."""
    reader = csv.reader(recorder, delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            if recorder.ended:
                raise recorder.unclosed() from None
            yield *recorder.take(), None
            continue
        if cells is None:
            return
        yield *recorder.take(), cells


def _detect(lines: Sequence[str]) -> str:
    counts = {each: _columns(lines, each) for each in DELIMITERS.values()}
    return max(counts, key=lambda each: counts[each])


def _columns(lines: Sequence[str], delimiter: str) -> int:
    """How many columns the first record has that is not blank."""
    try:
        for cells in csv.reader(lines, delimiter=delimiter, strict=True):
            if any(map(str.strip, cells)):
                return len(cells)
    except csv.Error:
        return 0
    return 0


def _counts(cells: list[str] | None) -> bool:
    """Whether the service counts a row as an item: not where every cell is empty."""
    return cells is None or any(cells)


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in cells]


def _ended(text: str) -> bytes:
    return (text if text.endswith(("\n", "\r")) else text + "\n").encode()
