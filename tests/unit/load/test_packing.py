"""Archives and compressed files: what is in them is read, or it is said why not."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.load.errors import LoadError
from ingest.load.source import open_source

TEXT = b"".join(b"%d,x\n" % number for number in range(100_000))


def zipped(*names: str, method: int = zipfile.ZIP_DEFLATED, data: bytes = TEXT) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name in names:
            archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    "pack",
    [
        bz2.compress,
        lzma.compress,
        lambda text: lzma.compress(text[:1000]) + lzma.compress(text[1000:]),
        lambda text: zipped("folder/", "folder/a.csv", "__MACOSX/folder/._a.csv", ".DS_Store"),
        lambda text: zipped("a.csv", method=zipfile.ZIP_STORED),
        lambda text: zipped("a.csv", method=zipfile.ZIP_BZIP2),
        lambda text: zipped("a.csv.gz", data=gzip.compress(text)),
        lambda text: gzip.compress(zipped("a.csv")),
        lambda text: bz2.compress(gzip.compress(text)),
    ],
)
def test_what_is_in_it_is_read(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "file"
    path.write_bytes(pack(TEXT))
    with open_source(str(path)) as source:
        assert b"".join(source.read()) == TEXT
        reading = source.read()
        assert b"".join(reading) == TEXT
        assert reading.place == source.size


def encrypted() -> bytes:
    """Flags, in the local header and in the list, that say that the only file has a password."""
    data = bytearray(zipped("a.csv"))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def with_many_files() -> bytes:
    """The list of an archive that says that it is 2 MiB long."""
    data = bytearray(zipped("a.csv") + bytes(2**21))
    end = zipped("a.csv")[-22:]
    data += end[:12] + (2**21).to_bytes(4, "little") + end[16:]
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped("a.csv", "b.csv"), r"holds 2 files \(a.csv, b.csv\); unpack it, and load each"),
        (zipped(*(f"{n}.csv" for n in range(9))), r"3.csv, 4.csv and 4 more\)"),
        (zipped(), "holds no file"),
        (zipped("folder/", "__MACOSX/a"), "holds no file"),
        (zipped("a.csv", method=zipfile.ZIP_LZMA), "in a way that is not read; unpack it"),
        (encrypted(), "a.csv in the ZIP archive has a password"),
        (with_many_files(), "has too many files"),
        (zipped("a.csv")[:-30], "the ZIP archive is damaged"),
        (
            zipped("[Content_Types].xml", data=b"vnd.ms-excel.sheet.binary.macroEnabled.main"),
            r"a binary workbook \(.xlsb\); save it as .xlsx",
        ),
        (zipped("[Content_Types].xml", data=b"wordprocessingml"), "a text document"),
        (zipped("Index/Document.iwa"), "a document of Numbers"),
        (gzip.compress(gzip.compress(gzip.compress(gzip.compress(TEXT)))), "more than 3 times"),
        (lzma.compress(TEXT)[:50], "not valid xz"),
    ],
)
def test_what_cannot_be_unpacked_is_named(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "partner.zip"
    path.write_bytes(data)
    with (
        pytest.raises(LoadError, match=said) as caught,
        open_source(str(path)) as source,
    ):
        list(source.read())
    assert str(path) in str(caught.value)


def test_damage_inside_an_archive_is_named(tmp_path: Path) -> None:
    data = bytearray(zipped("a.csv", method=zipfile.ZIP_STORED))
    data[len(data) // 2] ^= 1
    path = tmp_path / "partner.zip"
    path.write_bytes(data)
    with (
        open_source(str(path)) as source,
        pytest.raises(LoadError, match="the ZIP archive is damaged: Bad CRC-32"),
    ):
        list(source.read())
