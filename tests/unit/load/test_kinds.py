"""The format of a file: its content first, then its name."""

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from ingest.load.errors import LoadError
from ingest.load.failed_rows import failed_name
from ingest.load.kinds import FileFormat, FileOptions, file_options
from ingest.load.source import open_source
from tests.unit.load.workbooks import ods, xlsx

NOT_GIVEN = dict.fromkeys(
    ("format_", "delimiter", "charset", "empty_as", "sheet", "columns", "items")
)
BOOK = xlsx(First=[["a"], [1]])


def parquet() -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"a": [1]}), file)
    return file.getvalue()


def zipped(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, data)
    return file.getvalue()


def options(folder: Path, name: str, data: bytes, **given: Any) -> FileOptions:
    path = folder / name
    path.write_bytes(data)
    with open_source(str(path)) as source:
        return file_options(source, {**NOT_GIVEN, **given})


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.csv", b"a\n1\n", FileOptions(FileFormat.CSV)),
        (
            "A.TSV.GZ",
            gzip.compress(b"a\n1\n", mtime=0),
            FileOptions(FileFormat.CSV, delimiter="\t"),
        ),
        ("a.jsonl.zst", b"{}", FileOptions(FileFormat.NDJSON)),
        ("a.failed-2.ndjson", b"{}", FileOptions(FileFormat.NDJSON)),
        ("a.failed.csv", b"a\n", FileOptions(FileFormat.CSV)),
        ("a.yml", b"a: 1", FileOptions(FileFormat.YAML)),
        ("a.csv", gzip.compress(b"a\n1\n", mtime=0), FileOptions(FileFormat.CSV)),
        ("export.zip", zipped("x/a.ndjson", b"{}"), FileOptions(FileFormat.NDJSON)),
        ("a.xml.zip", zipped("data", b"<a/>"), FileOptions(FileFormat.XML)),
        ("a.csv", BOOK, FileOptions(FileFormat.WORKBOOK)),
        ("a", ods(""), FileOptions(FileFormat.WORKBOOK)),
        ("a.zip", zipped("a.xlsx", BOOK), FileOptions(FileFormat.WORKBOOK)),
        ("a.csv", parquet(), FileOptions(FileFormat.PARQUET)),
        ("a.zip", zipped("a.parquet", parquet()), FileOptions(FileFormat.PARQUET)),
        ("a.json", "[1]".encode("utf-16"), FileOptions(FileFormat.JSON)),
        ("a.xml", b"<html><item/></html>", FileOptions(FileFormat.XML)),
    ],
)
def test_the_content_or_the_name_says_the_format(
    name: str, data: bytes, expected: FileOptions, tmp_path: Path
) -> None:
    assert options(tmp_path, name, data) == expected


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.txt", b"a\n", "the name does not say the format; give --format (csv, json"),
        ("a.xlsx", b"a,b\n", "the name ends in .xlsx, and the file is none; give --format (csv"),
        ("a.parquet", b"{}", "the name ends in .parquet, and the file is none"),
        ("a.csv", b'\n[{"a": 1}]', "the name says CSV, and the file is JSON; give --format json"),
        ("a.csv", b'{"a": 1}\n', "the name says CSV, and the file is JSON"),
        ("a.csv", b"<?xml version='1.0'?><a/>", "and the file is XML; give --format xml"),
        ("a.csv", b"%PDF-1.7", "this is a PDF document. Get its data as CSV, JSON or .xlsx."),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "this is a workbook of an old form (.xls)"),
        ("a.csv", b"<html><table>", "this is an HTML page. Perhaps a log-in page"),
        ("a.xls", b"<html><table>", "this is an HTML page. Perhaps a log-in page"),
        ("a.csv", b"7z\xbc\xaf\x27\x1c", "this is a 7z archive. Unpack it: of archives only ZIP"),
        ("a.csv", "a,b\n1,2".encode("utf-16-le"), "give --charset utf-16-le"),
        ("a.csv", "a,b\n1,2".encode("utf-16-be"), "give --charset utf-16-be"),
    ],
)
def test_content_that_is_not_read_is_named(
    name: str, data: bytes, said: str, tmp_path: Path
) -> None:
    with pytest.raises(LoadError) as caught:
        options(tmp_path, name, data)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}/{name}: ")


@pytest.mark.parametrize(
    ("name", "data", "given", "said"),
    [
        ("a.json", b"[]", {"delimiter": ";"}, "--delimiter is for csv, and not for json"),
        ("a.csv", b"a", {"sheet": "1"}, "--sheet is for xlsx, and not for csv"),
        ("a.csv", BOOK, {"charset": "utf-8"}, "--charset is for csv, json, ndjson, xml, yaml, and"),
        (
            "a.ndjson",
            b"{}",
            {"empty_as": "null"},
            "--empty-as is for csv, xlsx, xml, parquet, arrow",
        ),
    ],
)
def test_an_option_of_another_format_is_refused(
    name: str, data: bytes, given: dict[str, str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(LoadError) as caught:
        options(tmp_path, name, data, **given)
    assert said in str(caught.value)


def test_what_is_given_decides_where_the_content_does_not(tmp_path: Path) -> None:
    assert options(tmp_path, "a.xlsx", b"a", format_="csv").format is FileFormat.CSV
    assert options(tmp_path, "a.csv", b'{"a"}', format_="csv").format is FileFormat.CSV
    assert options(tmp_path, "a.csv", BOOK, format_="csv").format is FileFormat.WORKBOOK
    encoded = "a\n1".encode("utf-16-le")
    assert options(tmp_path, "a.csv", encoded, charset="utf-16-le").charset == "utf-16-le"


@pytest.mark.parametrize(
    ("name", "kind", "failed"),
    [
        ("a.xlsx", FileFormat.WORKBOOK, "a.xlsx.failed.csv"),
        ("a.xlsx.failed.csv", FileFormat.CSV, "a.xlsx.failed-2.csv"),
        ("a.parquet", FileFormat.PARQUET, "a.parquet.failed.ndjson"),
        ("a.zip", FileFormat.CSV, "a.zip.failed.csv"),
    ],
)
def test_failed_rows_have_a_name_of_their_own(name: str, kind: FileFormat, failed: str) -> None:
    assert failed_name(Path(name), kind) == failed
