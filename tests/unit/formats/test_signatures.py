"""What bytes are, by how they begin."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from ingest.formats.signatures import Content, recognized

TABLE = pa.table({"email": ["ann@example.com"]})


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.add(Path(__file__), "a.py")
    return file.getvalue()


def parquet() -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(TABLE, file)
    return file.getvalue()


def arrow(writer: object) -> bytes:
    file = io.BytesIO()
    with writer(file, TABLE.schema) as open_file:  # type: ignore[operator]
        open_file.write_table(TABLE)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (gzip.compress(b"a", mtime=0), Content.GZIP),
        (bz2.compress(b"a"), Content.BZIP2),
        (bz2.compress(b""), Content.BZIP2),
        (lzma.compress(b"a"), Content.XZ),
        (zipped(), Content.ZIP),
        (tarred(), Content.TAR),
        (parquet(), Content.PARQUET),
        (b"PARE\x2f\0\0\0", Content.ENCRYPTED_PARQUET),
        (b"PARE\x15\0\x15", Content.ENCRYPTED_PARQUET),
        (arrow(pyarrow.ipc.new_file), Content.ARROW),
        (arrow(pyarrow.ipc.new_stream), Content.ARROW_STREAM),
        (b"%PDF-1.7\n", Content.PDF),
        (b"\xef\xbb\xbf\n<!DOCTYPE html>\n", Content.HTML),
        ("email,name\n".encode("utf-16"), Content.UTF16),
        ("email,name\n".encode("utf-16-be"), Content.UTF16),
        ('[{"email": 1}]'.encode("utf-16-le"), Content.UTF16),
        ("email,name\n".encode("utf-32"), Content.UTF32),
        ("email,name\n".encode("utf-32-be"), Content.UTF32),
    ],
)
def test_files_are_recognized(data: bytes, content: Content) -> None:
    assert recognized(data) is content


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "P",
            "PK",
            "PK,name\n",
            "PAR1,PARE\n",
            "PARE,x\n",
            "ARROW1,a\n",
            "BZh9,a\n",
            "ORC,a\n",
            "7z,a\n",
        ),
        *(
            "Rar!,a\n",
            "%PDF,a\n",
            "Obj,a\n",
            "<html_text>\n",
            '[{"a": "\\u0000"}]',
            "\ufeffemail\n",
        ),
        *("x" * 257 + "ustar,a\n", "é,ü,ñ,ß\n", "a\0b"),
    ],
)
def test_texts_are_not(text: str) -> None:
    assert recognized(text.encode()) is None
