"""Which reader a file has, and its rows cut into parts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ingest.load.csv_reader import read_csv
from ingest.load.feed import Feed, LoadError, Row
from ingest.load.json_reader import read_json
from ingest.load.ndjson_reader import read_ndjson
from ingest.load.source import Reading
from ingest.load.xml_reader import read_xml
from ingest.load.yaml_reader import read_yaml

MAX_PART = 8 * 1024 * 1024
"""The most bytes of a part of several rows: half of what the service takes by default."""

FAILED = re.compile(r"\.failed(?:-(\d{1,9}))?$")
"""How the names of files of failed rows end, without the suffix."""

_COMPRESSED = (".gz", ".zst")


class FileFormat(StrEnum):
    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"
    XML = "xml"
    YAML = "yaml"


_SUFFIXES = {
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".json": FileFormat.JSON,
    ".ndjson": FileFormat.NDJSON,
    ".jsonl": FileFormat.NDJSON,
    ".xml": FileFormat.XML,
    ".yaml": FileFormat.YAML,
    ".yml": FileFormat.YAML,
}


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How a file is read."""

    format: FileFormat
    delimiter: str | None = None
    charset: str | None = None
    failed_rows: bool = False
    """Whether it is a file of failed rows, as `ingest load` writes them."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that are sent together."""

    number: int
    first: int
    """The index of its first row in the file, counted from 0."""
    rows: list[Row]
    place: int
    """How many bytes of the file were read when it was complete."""


def bare_name(path: Path) -> str:
    """The name of a file without what says that it is compressed, and how it is written."""
    name = path.name
    if name.lower().endswith(_COMPRESSED):
        name = name[: name.rindex(".")]
    return Path(name).stem if Path(name).suffix.lower() in _SUFFIXES else name


def file_options(
    path: str, format_: FileFormat | None, delimiter: str | None, charset: str | None
) -> FileOptions:
    """How the file at `path` is read: what is not given, its name says.

    Raises:
        LoadError: its name does not say its format.
    """
    name = Path(path).name.lower()
    if name.endswith(_COMPRESSED):
        name = name[: name.rindex(".")]
    found = format_ or _SUFFIXES.get(Path(name).suffix)
    if found is None:
        known = ", ".join(FileFormat)
        raise LoadError(f"{path}: the name does not say the format; give --format ({known})")
    failed_rows = found is FileFormat.NDJSON and bool(FAILED.search(Path(name).stem))
    if name.endswith(".tsv"):
        delimiter = delimiter or "\t"
    return FileOptions(found, delimiter, charset, failed_rows)


def open_feed(reading: Reading, options: FileOptions) -> Feed:
    """The rows of a file.

    Raises:
        LoadError: the file cannot be read; so may reading its rows.
    """
    name = reading.name
    match options.format:
        case FileFormat.CSV:
            return read_csv(reading, name, delimiter=options.delimiter, charset=options.charset)
        case FileFormat.NDJSON:
            return read_ndjson(reading, name, failed_rows=options.failed_rows)
        case FileFormat.XML:
            return read_xml(reading, name, charset=options.charset)
        case FileFormat.YAML:
            return read_yaml(reading, name)
        case FileFormat.JSON:
            return read_json(reading, name)


def cut(feed: Feed, reading: Reading, most_rows: int, most_bytes: int = MAX_PART) -> Iterator[Part]:
    """The parts of a file. One row alone may be larger than `most_bytes`."""
    rows: list[Row] = []
    size = number = first = 0
    for row in feed.rows:
        if rows and (len(rows) == most_rows or size + len(row.data) > most_bytes):
            yield Part(number, first, rows, reading.place)
            first += len(rows)
            rows, size, number = [], 0, number + 1
        rows.append(row)
        size += len(row.data)
    if rows:
        yield Part(number, first, rows, reading.place)
