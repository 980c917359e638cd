"""The rows that were not saved, as a file that can be corrected and loaded again."""

import filecmp
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from ingest.exactjson import dump_exact, load_exact
from ingest.formats.failed_lines import ITEM, RAW, TEXT, is_failed_row
from ingest.formats.failure_files import (
    ERROR_COLUMNS,
    ROW_COLUMN,
    csv_lines,
    defuse,
    fitted,
    undefuse,
)
from ingest.formats.negotiation import CSV, XML
from ingest.load.csv_reader import parse_row
from ingest.load.errors import LoadError
from ingest.load.feed import Feed, Row
from ingest.load.kinds import FAILED, FileFormat, bare_name

Errors = Sequence[Mapping[str, Any]]

NOT_SAVED = "Not saved, because other rows of its batch failed."
_SUFFIXES = {FileFormat.CSV: ".csv", FileFormat.WORKBOOK: ".csv", FileFormat.XML: ".xml"}
_NOT_IN_COMMENTS = re.compile("-(?=-)|-$|[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Writer(ABC):
    """Writes one format: `head`, the rows, and `tail`."""

    head = b""
    tail = b""

    @abstractmethod
    def row(self, index: int, row: Row, errors: Errors) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Written:
    """What a load leaves beside its file."""

    path: Path | None
    """The failed rows; None where no row failed."""
    set_aside: Path | None
    """An earlier file of the same name, which may hold corrections."""


class FailedRows:
    """The file of failed rows, which appears when it is complete, and only where there are any."""

    def __init__(self, target: Path, writer: Writer) -> None:
        self._target = target
        self._writer = writer
        self._partial = target.with_name(f".{target.name}.part")
        self._file: BinaryIO | None = None

    def add(self, index: int, row: Row, errors: Errors) -> None:
        """Add a row that was not saved.

        Args:
            index: its place among the rows of the file, counted from 0.
            errors: what is wrong with it; nothing where others were, in a strict batch.
        """
        if self._file is None:
            self._file = self._partial.open("wb")
            self._file.write(self._writer.head)
        self._file.write(self._writer.row(index, row, errors))

    def finish(self, *, complete: bool) -> Written:
        """Put the file in its place.

        Args:
            complete: whether all rows were loaded; else an earlier file stays where none failed.
        """
        target = self._target
        if self._file is None:
            return Written(None, self._set_aside() if complete else None)
        with self._file:
            self._file.write(self._writer.tail)
            self._file.flush()
            os.fsync(self._file.fileno())
        if target.exists() and filecmp.cmp(self._partial, target, shallow=False):
            self._partial.unlink()
            return Written(target, None)
        set_aside = self._set_aside()
        self._partial.replace(target)
        return Written(target, set_aside)

    def _set_aside(self) -> Path | None:
        if not self._target.exists():
            return None
        old = f"{self._target.name}.old"
        names = chain([old], (f"{old}-{number}" for number in count(2)))
        free = (path for path in map(self._target.with_name, names) if not path.exists())
        return self._target.replace(next(free))


def writer_for(feed: Feed) -> Writer:
    """The writer whose files are loaded as the file that `feed` reads."""
    if feed.media_type == CSV:
        return CsvRows(feed)
    return XmlRows() if feed.media_type == XML else NdjsonRows()


def failed_name(path: Path, file_format: FileFormat) -> str:
    """What the file of failed rows of another file is called.

    That of `contacts.csv` is `contacts.failed.csv`; those that fail once more when it is loaded go
    to `contacts.failed-2.csv`. Those of `contacts.csv.gz` and `contacts.CSV` have the whole name:
    `contacts.csv.gz.failed.csv`.
    """
    name = bare_name(path)
    earlier = FAILED.search(name)
    if earlier is not None:
        name = f"{name[: earlier.start()]}.failed-{int(earlier[1] or 1) + 1}"
    else:
        name += ".failed"
    return name + _SUFFIXES.get(file_format, ".ndjson")


def check_writable(target: Path) -> None:
    """Raise LoadError where no file of failed rows could be written."""
    folder = target.parent
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise LoadError(
            f"{folder}: the failed rows cannot be written there; name a file with --failed"
        )


class CsvRows(Writer):
    """The columns of the file in their order, then those of the errors."""

    def __init__(self, feed: Feed) -> None:
        self._delimiter = feed.delimiter
        self._unit = feed.unit
        self._defused = not set(ERROR_COLUMNS).isdisjoint(feed.header)
        self._places = [
            place for place, name in enumerate(feed.header) if name not in ERROR_COLUMNS
        ]
        self._width = len(feed.header)
        names = self._undefused([feed.header[place] for place in self._places])
        self._marked = list(feed.header).index(ROW_COLUMN) if ROW_COLUMN in feed.header else None
        self.head = self._line([*map(defuse, names), *ERROR_COLUMNS])

    def row(self, index: int, row: Row, errors: Errors) -> bytes:
        found, unread = self._read(row)
        cells = self._undefused(found)
        cells += [
            "; ".join(error.get("field") or "" for error in errors),
            "; ".join(str(error["code"]) for error in errors),
            f"{self._unit} {row.line}: "
            + ("; ".join(error["message"] for error in errors) or NOT_SAVED),
            unread,
        ]
        return self._line(map(defuse, cells))

    def _undefused(self, cells: list[str]) -> list[str]:
        """What cells were before they came to a file of failed rows, if that is what is loaded."""
        return [undefuse(cell) for cell in cells] if self._defused else cells

    def _read(self, row: Row) -> tuple[list[str], str]:
        """The cells of the file's own columns, as many as there are columns, and `ROW_COLUMN`."""
        cells = parse_row(row.data, self._delimiter)
        if cells is not None and row.problem is not None:  # it fails again while it stays like that
            own = [cells[place] for place in self._places]
            return own, dump_exact(self._undefused(own)).decode()
        if cells is not None and len(cells) == self._width:
            marked = "" if self._marked is None else undefuse(cells[self._marked])
            return [cells[place] for place in self._places], marked
        received: Any = cells
        if cells is None:
            received = row.data.decode().rstrip("\r\n")
            cells = [received]
        unread = dump_exact(received).decode()
        return fitted(cells, len(self._places), self._delimiter), unread

    def _line(self, cells: Iterable[str]) -> bytes:
        return csv_lines([[*cells]], self._delimiter)


class NdjsonRows(Writer):
    """One object a line: where the row stands in the file, `item`, and its `errors`."""

    def row(self, index: int, row: Row, errors: Errors) -> bytes:
        line = {} if row.line is None else {"line": row.line}
        shown = [*errors] or [{"message": NOT_SAVED}]
        document = {"index": index, **line, **_json_item(row.data), "errors": shown}
        return dump_exact(document) + b"\n"


class XmlRows(Writer):
    """Elements as they stand in the file, each after a comment that says what is wrong."""

    head = b"<items>\n"
    tail = b"</items>\n"

    def row(self, index: int, row: Row, errors: Errors) -> bytes:
        said = [f"{error.get('field', '')} {error['code']}: {error['message']}" for error in errors]
        text = f"item {index}, line {row.line}: " + ("; ".join(said) or NOT_SAVED)
        return f"<!-- {_NOT_IN_COMMENTS.sub('?', text)} -->\n".encode() + row.data + b"\n"


def _json_item(data: bytes) -> dict[str, Any]:
    """An item as it stands in the file: on one line, or as `text` where it is no JSON.

    Of one that is a failed row itself, what it is about.
    """
    try:
        item = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {TEXT: data.decode(errors="replace").strip()}
    if is_failed_row(item):
        about = load_exact(data)
        return {name: about[name] for name in (ITEM, TEXT, RAW) if name in about}
    # In JSON, line ends stand only between tokens.
    return {ITEM: orjson.Fragment(data.strip().replace(b"\r", b" ").replace(b"\n", b" "))}
