"""Text into CSV records (RFC 4180) while it arrives: delimiters, lines, and quoted line breaks."""

import csv
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from ingest.errors import MalformedBody
from ingest.formats.limits import item_too_large

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}

Record = tuple[int, str, list[str] | csv.Error]
"""The number of its first line, its text, and its cells or why it is not CSV."""
_Placed = tuple[Record, int, int]
"""A record, where it ends in the text, and the number of the line after it."""

# The module's own bound on one cell is for the whole process; ours is on each record of a body.
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))

# The first line with which Excel says what the delimiter is, with or without quotes around it.
_HINT = re.compile(r'(?i:("?)sep=([,;\t|])\1)[ \t]*(?:\r\n?|\n)')
_NO_HEADER = re.compile(r"[\s,;|]*")

# Rows without any text, one after the other, for each delimiter. Read one by one they would cost
# more than the rows that say something.
_EMPTY_ROWS = {
    each: re.compile(rf'(?:(?:"")?+(?:{re.escape(each)}(?:"")?+)*+(?:\r\n|\n|\r))++')
    for each in DELIMITERS.values()
}


class RecordReader:
    """Cuts the text of one file into records, of which the first that is not blank is the header.

    No more than two of the largest records are kept between two calls.
    """

    def __init__(
        self,
        max_record: int,
        delimiter: str | None,
        is_field: Callable[[str], bool] = lambda _: False,
        width: int | None = None,
    ) -> None:
        """
        Args:
            max_record: the most characters of a record.
            delimiter: None for the one that `find_delimiter` finds.
            is_field, width: what that takes.
        """
        self._max = max_record
        self._find = partial(find_delimiter, is_field=is_field, width=width)
        self._wanted = delimiter
        self.delimiter = delimiter or ","
        """What stands between cells, once the header is read."""
        self._has_header = False
        self._parts: list[str] = []  # the text that follows the last record
        self._size = 0
        self.line = 1
        """The number of the line with which the next record begins."""
        self._new_line = False  # whether a line of it was completed since the last try
        self._retry_at = 0  # characters; another try is not worth while before

    def feed(self, text: str) -> Iterator[Record]:
        """The records that `text` completes.

        Raises:
            BodyTooLarge: a record is too long.
        """
        self._keep(text)
        self._new_line = self._new_line or "\n" in text or "\r" in text
        if self._new_line and self._size >= self._retry_at:
            kept = "".join(self._parts)
            end = _end_of_lines(kept)
            yield from self._read(kept[:end], kept[end:])
        if self._size > self._max:
            raise item_too_large(self._max, self.line, "row")

    def end(self, text: str = "") -> Iterator[Record]:
        """The last records, where `text` is the rest of the file.

        Raises:
            BodyTooLarge: as `feed`.
            MalformedBody: a quote is still open.
        """
        self._keep(text)
        yield from self._read("".join(self._parts), "")
        rest = "".join(self._parts)
        hint = None if self._has_header else _HINT.match(rest)
        rest = rest[hint.end() :] if hint else rest
        if rest and (self._has_header or not _NO_HEADER.fullmatch(rest)):
            raise MalformedBody(
                "A quote of the body is never closed", f"It is opened on line {self.line}."
            )

    def _keep(self, text: str) -> None:
        if text:
            self._parts.append(text)
            self._size += len(text)

    def _read(self, lines: str, rest: str) -> Iterator[Record]:
        """The records of whole lines; what makes no record yet is kept before `rest`."""
        before_header = not self._has_header
        done = 0
        for record, end, next_line in self._open(lines):
            done, self.line = end, next_line
            if before_header and _is_blank(record):
                continue
            before_header = False
            if record[2] and len(record[1]) > self._max:
                raise item_too_large(self._max, record[0], "row")
            yield record
        self._new_line = False
        self._parts = [lines[done:] + rest]
        self._size = len(self._parts[0])
        # A record that goes on over many lines is not read from its start at each of them.
        self._retry_at = min(2 * self._size, self._max) if done < len(lines) else 0

    def _open(self, lines: str) -> Iterator[_Placed]:
        """The next records; none where the header is not whole yet."""
        if self._has_header:
            return _records(lines, 0, self.line, self.delimiter)
        hint = _HINT.match(lines)
        start, line = (hint.end(), self.line + 1) if hint else (0, self.line)
        wanted = self._wanted or (hint and hint[2])
        tried = {
            delimiter: _first(_records(lines, start, line, delimiter))
            for delimiter in ([wanted] if wanted else DELIMITERS.values())
        }
        headers = {each: cells for each, cells in tried.items() if isinstance(cells, list)}
        if headers:
            self.delimiter = self._find(headers)
        elif None in tried.values():
            return iter(())
        self._has_header = True
        return _records(lines, start, line, self.delimiter)


def find_delimiter(
    headers: Mapping[str, Sequence[str]], is_field: Callable[[str], bool], width: int | None
) -> str:
    """The delimiter of a file: the one with which the first row that is not blank says most.

    That is the one that gives most columns of the collection; or as many cells as there must be;
    and, where that is the same, most cells.

    Args:
        headers: the cells of that row, for each delimiter that may be it.
        is_field: whether a column's first step (`address` of `address.city`) is of the collection;
            never, where that is not known.
        width: how many cells there must be, where that is known.

    Raises:
        MalformedBody: two delimiters divide the row equally well.
    """

    def score(cells: Sequence[str]) -> tuple[int, bool, int]:
        known = sum(is_field(cell.strip().partition(".")[0]) for cell in cells)
        return known, len(cells) == width, len(cells)

    scores = {each: score(cells) for each, cells in headers.items()}
    best = max(scores, key=lambda each: scores[each])
    equal = [name for name, each in DELIMITERS.items() if scores.get(each) == scores[best]]
    if len(equal) > 1 and len(headers[best]) > 1:
        row = best.join(headers[best])
        raise MalformedBody(
            f"The delimiter of the body is not clear: {' or '.join(equal)}",
            f"Both divide {row[:100]!r} into {len(headers[best])} cells. Name it: "
            f"`?delimiter={equal[0]}`.",
        )
    return best


class _Incomplete(Exception):
    """The lines have ended, perhaps within a record."""


def _records(text: str, start: int, line: int, delimiter: str) -> Iterator[_Placed]:
    """The records of a text of whole lines; rows without any text, however many, are one of them.

    Args:
        start: where the first line that is read begins.
        line: its number.
    """
    source = io.StringIO(text, newline="")
    source.seek(start)
    reader = csv.reader(_endless(source), delimiter=delimiter, strict=True)
    first_line = line
    empty_rows = _EMPTY_ROWS[delimiter]
    cells: list[str] | csv.Error
    while True:
        if (skipped := empty_rows.match(text, start)) is not None:
            rows, start = _lines(skipped[0]), skipped.end()
            source.seek(start)
            first_line, line = first_line + rows, line + rows
            yield (line - rows, skipped[0], []), start, line
        try:
            cells = next(reader)
        except csv.Error as error:
            cells = error
        except _Incomplete:
            return
        end, next_line = source.tell(), first_line + reader.line_num
        yield (line, text[start:end], cells), end, next_line
        start, line = end, next_line


def _endless(lines: Iterable[str]) -> Iterator[str]:
    yield from lines
    # A plain end would make the csv module take an unfinished record for a broken one.
    raise _Incomplete


def _first(records: Iterator[_Placed]) -> list[str] | csv.Error | None:
    """The cells of the first record that is not blank, or its error; None without one."""
    return next((record[2] for record, _, _ in records if not _is_blank(record)), None)


def _is_blank(record: Record) -> bool:
    cells = record[2]
    return isinstance(cells, list) and not any(map(str.strip, cells))


def _lines(text: str) -> int:
    """How many lines end in a text."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _end_of_lines(text: str) -> int:
    """Where the last whole line ends. A carriage return at the very end may be half of a CRLF."""
    return (text.rfind("\n") + 1) or (text.rfind("\r", 0, len(text) - 1) + 1)
