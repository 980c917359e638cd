"""The format of a file, by its name, and the reader of that format."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from ingest.errors import RequestError
from ingest.load.csv_reader import read_csv
from ingest.load.feed import Feed, Row
from ingest.load.json_reader import read_json, read_yaml
from ingest.load.ndjson_reader import read_ndjson
from ingest.load.source import LoadError, Reading
from ingest.load.xml_reader import read_xml

FAILED = re.compile(r"\.failed(?:-(\d{1,9}))?$")
"""How the names of files of failed rows end, without the suffix."""

_BLANK = b" \t\r\n\0\xef\xbb\xbf\xff\xfe"  # byte order marks, and UTF-16, among them
_COMPRESSED = re.compile(r"\.(?:gz|zst)$", re.IGNORECASE)


class FileFormat(StrEnum):
    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"
    XML = "xml"
    YAML = "yaml"


_SUFFIXES = {
    **{f".{each}": each for each in FileFormat},
    ".tsv": FileFormat.CSV,
    ".jsonl": FileFormat.NDJSON,
    ".yml": FileFormat.YAML,
}


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How a file is read."""

    format: FileFormat
    delimiter: str | None = None
    charset: str | None = None


def bare_name(path: Path) -> str:
    """The name of a file without the suffix of its format, if that is in small letters.

    Files that differ in their compression, or in capitals, are others and keep other names.
    """
    return path.stem if path.suffix in _SUFFIXES else path.name


def file_options(
    path: str, format_: str | None, delimiter: str | None, charset: str | None
) -> FileOptions:
    """How the file at `path` is read; its name decides what is not given.

    Raises:
        LoadError: its name does not say its format.
    """
    name = Path(_COMPRESSED.sub("", Path(path).name).lower())
    found = FileFormat(format_) if format_ else _SUFFIXES.get(name.suffix)
    if found is None:
        known = ", ".join(FileFormat)
        raise LoadError(f"{path}: the name does not say the format; give --format ({known})")
    if name.suffix == ".tsv":
        delimiter = delimiter or "\t"
    return FileOptions(found, delimiter, charset)


def open_feed(reading: Reading, options: FileOptions) -> Feed:
    """The rows of a file.

    Raises:
        LoadError: the file cannot be read; so may reading its rows.
    """
    chunks = _not_empty(reading)
    with _naming(reading.name):
        match options.format:
            case FileFormat.CSV:
                feed = read_csv(chunks, delimiter=options.delimiter, charset=options.charset)
            case FileFormat.NDJSON:
                feed = read_ndjson(chunks)
            case FileFormat.XML:
                feed = read_xml(chunks, charset=options.charset)
            case FileFormat.YAML:
                feed = read_yaml(chunks)
            case FileFormat.JSON:
                feed = read_json(chunks)
    return replace(feed, rows=_named(feed.rows, reading.name))


def _not_empty(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same; raises LoadError at the end where there was nothing but white space."""
    empty = True
    for chunk in chunks:
        empty = empty and not chunk.strip(_BLANK)
        yield chunk
    if empty:
        raise LoadError("the file is empty")


def _named(rows: Iterator[Row], name: str) -> Iterator[Row]:
    with _naming(name):
        yield from rows


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Turn what is wrong with a file into a LoadError that begins with its name."""
    try:
        yield
    except LoadError as error:
        raise LoadError(f"{name}: {error}") from None
    except RequestError as error:  # a decoder, which speaks of a body
        sentence = f"{error.message}. {error.description or ''}".rstrip()
        said = re.sub("[Tt]he body", "the file", sentence)
        raise LoadError(f"{name}: {said}") from None
