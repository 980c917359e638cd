"""How the bytes of a file are wrapped: in a ZIP archive, with gzip, zstd, bzip2 or xz.

The first bytes tell, whatever the file is called. A workbook is a ZIP archive too, and is not
unpacked here.
"""

import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

from ingest.formats.compression import Decompressor
from ingest.formats.signatures import ENOUGH, Content, recognized
from ingest.load.errors import LoadError

_STEP = 256 * 1024
_MAX_LAYERS = 3
_MAX_DIRECTORY = 1024 * 1024
"""The most bytes of the list of files of an archive: some ten thousand of them."""
_SHOWN = 5
_ENCODINGS = {
    Content.GZIP: "gzip",
    Content.ZSTD: "zstd",
    Content.BZIP2: "bzip2",
    Content.XZ: "xz",
}
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_ENCRYPTED = 1  # of the flags of a member
# What systems add to archives without being asked.
_ADDED = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_SPREADSHEET = b"application/vnd.oasis.opendocument.spreadsheet"
_OPEN_XML = "[Content_Types].xml"
_OTHER_DOCUMENTS = {
    b"ms-excel.sheet.binary": "a binary workbook (.xlsb); save it as .xlsx",
    b"wordprocessingml": "a text document (.docx); save its table as .xlsx or CSV",
    b"presentationml": "a presentation (.pptx); save its table as .xlsx or CSV",
}
_WORKBOOKS = (
    *(b"spreadsheetml.sheet.main", b"spreadsheetml.template.main"),
    *(b"sheet.macroEnabled.main", b"template.macroEnabled.main"),
)


@dataclass(frozen=True, slots=True)
class Packing:
    """How a file is packed, and what is in it."""

    member: zipfile.ZipInfo | None = None
    """The one file of the archive that it is."""
    encodings: tuple[str, ...] = ()
    """Those of `Decompressor`, the innermost first."""
    is_workbook: bool = False
    content: Content | None = None
    """What it is once it is unpacked; None for plain text."""
    start: bytes = b""
    """The first of its bytes once it is unpacked."""

    @property
    def is_packed(self) -> bool:
        return self.member is not None or bool(self.encodings)

    @property
    def inner(self) -> str:
        """The name that an archive gives it."""
        return "" if self.member is None else self.member.filename

    def pieces(self, file: BufferedReader) -> Iterator[bytes]:
        """Its bytes, unpacked.

        Raises:
            LoadError, MalformedBody: it is damaged.
        """
        decompressor = Decompressor(self.encodings, sys.maxsize)
        for data in self._stored(file):
            yield from decompressor.feed(data)
        decompressor.end()

    def _stored(self, file: BufferedReader) -> Iterator[bytes]:
        file.seek(0)
        if self.member is None:
            while data := file.read(_STEP):
                yield data
            return
        with open_archive(file) as archive, archive.open(self.member) as member:
            while data := member.read(_STEP):
                yield data


def packing_of(file: BufferedReader) -> Packing:
    """How a file is packed.

    Raises:
        LoadError: it holds no file, or several; or it is damaged.
        MalformedBody: it is damaged.
    """
    file.seek(0)
    start = file.read(ENOUGH)
    member = None
    if recognized(start) is Content.ZIP:
        with open_archive(file) as archive:
            if is_workbook(archive):
                return Packing(is_workbook=True, content=Content.ZIP, start=start)
            member = _only_member(archive)
    encodings: tuple[str, ...] = ()
    while True:
        start = _first(Packing(member, encodings).pieces(file))
        content = recognized(start)
        if content not in _ENCODINGS:
            return Packing(member, encodings, content=content, start=start)
        if len(encodings) == _MAX_LAYERS:
            raise LoadError(f"it is compressed more than {_MAX_LAYERS} times; unpack it")
        encodings = (_ENCODINGS[content], *encodings)


@contextmanager
def open_archive(file: BufferedReader) -> Iterator[zipfile.ZipFile]:
    """A ZIP archive.

    Raises:
        LoadError: it is damaged, or has too many files; also while it is read.
    """
    try:
        with zipfile.ZipFile(_Bounded(file)) as archive:
            yield archive
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError),
        *(OSError, ValueError, NotImplementedError),
    ) as error:
        raise LoadError(f"the ZIP archive is damaged: {error or 'it ends too early'}") from None


class _Bounded:
    """A file of which no more is read at once than the list of an archive may take."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if size > _MAX_DIRECTORY:
            raise LoadError("the ZIP archive has too many files; unpack it")
        return self._file.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Whether an archive is an .xlsx or .ods workbook.

    Raises:
        LoadError: it is a document of another program.
    """
    names = archive.namelist()
    if "Index/Document.iwa" in names:
        raise LoadError("it is a document of Numbers or Pages; export it as .xlsx or CSV")
    if _OPEN_XML in names:
        types = _text_of(archive, _OPEN_XML)
        if any(each in types for each in _WORKBOOKS):
            return True
        for kind, said in _OTHER_DOCUMENTS.items():
            if kind in types:
                raise LoadError(f"it is {said}")
    return "mimetype" in names and _text_of(archive, "mimetype").startswith(_SPREADSHEET)


def _text_of(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        return member.read(_MAX_DIRECTORY)


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir()
        and not member.filename.startswith(_ADDED[0])
        and member.filename.rpartition("/")[2] not in _ADDED
    ]
    if not members:
        raise LoadError("the ZIP archive holds no file")
    if len(members) > 1:
        names = ", ".join(member.filename[:100] for member in members[:_SHOWN])
        more = f" and {len(members) - _SHOWN} more" if len(members) > _SHOWN else ""
        raise LoadError(
            f"the ZIP archive holds {len(members)} files ({names}{more}); unpack it, and load "
            "each by itself"
        )
    member = members[0]
    if member.flag_bits & _ENCRYPTED:
        raise LoadError(f"{member.filename} in the ZIP archive has a password; unpack it")
    if member.compress_type not in _ZIP_METHODS:
        raise LoadError(
            f"{member.filename} in the ZIP archive is compressed in a way that is not read; "
            "unpack it"
        )
    return member


def _first(pieces: Iterator[bytes]) -> bytes:
    start = bytearray()
    for piece in pieces:
        start += piece
        if len(start) >= ENOUGH:
            break
    return bytes(start[:ENOUGH])
