"""The format of a file: its content decides where that shows one, else its name, or --format."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ingest.formats.signatures import BYTE_ORDER_MARKS, TEXTS, Content
from ingest.load.errors import LoadError
from ingest.load.source import Source

FAILED = re.compile(r"\.failed(?:-(\d{1,9}))?$")
"""How the names of files of failed rows end, without the suffix."""

_PACKED = re.compile(r"\.(?:gz|zst|bz2|xz|zip)$", re.IGNORECASE)
# Texts that show what they are, where the name says CSV: no header begins like that.
_JSON = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\[\s*[\[{"\]]|\{\s*["}])')
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml\s")


class FileFormat(StrEnum):
    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"
    XML = "xml"
    YAML = "yaml"
    WORKBOOK = "xlsx"
    PARQUET = "parquet"
    ARROW = "arrow"


TEXT_FORMATS = (
    *(FileFormat.CSV, FileFormat.JSON, FileFormat.NDJSON, FileFormat.XML, FileFormat.YAML),
)
"""Those that no content shows for sure."""
TABLES = (FileFormat.CSV, FileFormat.WORKBOOK)
"""Those that are sent as CSV."""

_SUFFIXES = {
    **{f".{each}": each for each in FileFormat},
    ".tsv": FileFormat.CSV,
    ".jsonl": FileFormat.NDJSON,
    ".yml": FileFormat.YAML,
    **dict.fromkeys((".xlsm", ".ods", ".xls"), FileFormat.WORKBOOK),
    ".feather": FileFormat.ARROW,
}
_BY_CONTENT = {
    Content.PARQUET: FileFormat.PARQUET,
    Content.ARROW: FileFormat.ARROW,
    Content.ARROW_STREAM: FileFormat.ARROW,
}


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How a file is read."""

    format: FileFormat
    delimiter: str | None = None
    charset: str | None = None
    columns: tuple[str, ...] = ()
    """Of CSV and workbooks: the names of the columns, where there is no header."""
    items: tuple[str, ...] = ()
    """Of XML: the names of the elements on the way to an item; empty for those of the root."""
    null_is_absent: bool = True
    """Of Parquet and Arrow: whether an item has no field where it is null."""


def bare_name(path: Path) -> str:
    """The name of a file without the suffix of its format, if that is in small letters.

    Files that differ in their compression, or in capitals, are others and keep other names. So do
    workbooks and columnar files: they may lie beside their CSV.
    """
    return path.stem if _SUFFIXES.get(path.suffix) in TEXT_FORMATS else path.name


def file_options(source: Source, given: Mapping[str, Any]) -> FileOptions:
    """How a file is read.

    Args:
        given: the options of the command, by their names.

    Raises:
        LoadError: neither its content nor its name says its format; or they contradict each other;
            or an option is for another format.
    """
    found = _by_content(source)
    delimiter, charset = given["delimiter"], given["charset"]
    if found is None:
        found, suffix = _by_name(source, given["format_"])
        if source.packing.content is Content.HTML and found is not FileFormat.XML:
            raise _not_read(source)
        delimiter = delimiter or ("\t" if suffix == ".tsv" else None)
    _check_options(source.name, found, given)
    if charset is None and found is not FileFormat.XML:
        _check_charset(source)
    return FileOptions(
        found,
        delimiter,
        charset,
        _names(given["columns"], ","),
        _names(given["items"], "/"),
        null_is_absent=given["empty_as"] != "null",
    )


def _names(text: str | None, separator: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, (text or "").split(separator))))


def _by_content(source: Source) -> FileFormat | None:
    packing = source.packing
    if packing.is_workbook:
        return FileFormat.WORKBOOK
    content = packing.content
    if content is None or content in {*TEXTS, Content.HTML}:
        return None
    if content not in _BY_CONTENT:
        raise _not_read(source)
    return _BY_CONTENT[content]


def _not_read(source: Source) -> LoadError:
    content = source.packing.content
    said = "" if content is None else f"this is {content.said}. {content.remedy}"
    return LoadError(f"{source.name}: {said}")


def _by_name(source: Source, format_: str | None) -> tuple[FileFormat, str]:
    """The format of a text, and the suffix that said it."""
    names = [_PACKED.sub("", name.lower()) for name in (source.inner, Path(source.name).name)]
    suffixes = [Path(name).suffix for name in names]
    suffix = next((each for each in suffixes if each in _SUFFIXES), "")
    known = ", ".join(TEXT_FORMATS)
    if format_ is not None:
        return FileFormat(format_), suffix
    if not suffix:
        raise LoadError(f"{source.name}: the name does not say the format; give --format ({known})")
    found = _SUFFIXES[suffix]
    if found not in TEXT_FORMATS:
        if source.packing.content is Content.HTML:
            raise _not_read(source)
        raise LoadError(
            f"{source.name}: the name ends in {suffix}, and the file is none; "
            f"give --format ({known})"
        )
    if found is FileFormat.CSV:
        for pattern, other in ((_JSON, FileFormat.JSON), (_XML, FileFormat.XML)):
            if pattern.match(source.packing.start):
                raise LoadError(
                    f"{source.name}: the name says CSV, and the file is {other.upper()}; "
                    f"give --format {other}"
                )
    return found, suffix


def _check_charset(source: Source) -> None:
    """Raise LoadError where a text has no charset, and is not in UTF-8."""
    content, start = source.packing.content, source.packing.start
    if content in TEXTS and not start.startswith(BYTE_ORDER_MARKS):
        name = "utf-16" if content is Content.UTF16 else "utf-32"
        order = "be" if start[0] == 0 else "le"
        raise LoadError(
            f"{source.name}: this is {content.said} without a byte order mark; "
            f"give --charset {name}-{order}"
        )


def _check_options(name: str, format_: FileFormat, given: Mapping[str, Any]) -> None:
    """Raise LoadError where an option is given that does nothing for the format."""
    columnar = (FileFormat.PARQUET, FileFormat.ARROW)
    for option, formats in (
        ("delimiter", (FileFormat.CSV,)),
        ("charset", TEXT_FORMATS),
        ("empty_as", (*TABLES, FileFormat.XML, *columnar)),
        ("columns", TABLES),
        ("items", (FileFormat.XML,)),
        ("sheet", (FileFormat.WORKBOOK,)),
        ("short_rows", (FileFormat.CSV,)),
        *((option, TABLES) for option in ("decimal", "dates", "nulls")),
    ):
        if given.get(option) is not None and format_ not in formats:
            raise LoadError(
                f"{name}: --{option.replace('_', '-')} is for {', '.join(formats)}, "
                f"and not for {format_}"
            )
