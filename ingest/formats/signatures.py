"""What bytes are, by how they begin: archives, workbooks, columnar files, and texts in UTF-16.

Such files are sent where JSON or CSV is meant. A signature is as long as it has to be for no text
that is meant to begin with it.
"""

import re
from dataclasses import dataclass
from enum import Enum

ENOUGH = 512
"""So many of the first bytes show every signature."""

_UNPACK = "Unpack it: of archives only ZIP ones of one file are read, by `ingest load`."
_CONVERT = "Convert it to CSV or NDJSON."
_LOAD = "Send it as CSV or NDJSON; `ingest load` reads such files as they are."
_COMPRESSION = "Send it uncompressed, or with gzip or zstd; `ingest load` reads such files."
_TEXT = rb"[\t\n\r\x20-\x7e]"
_IN_TURN = 4  # characters of a text in UTF-16 whose other halves are zero


@dataclass(frozen=True, slots=True)
class Signature:
    """One kind of content."""

    start: re.Pattern[bytes]
    said: str
    remedy: str


def _signature(start: bytes, said: str, remedy: str) -> Signature:
    return Signature(re.compile(start, re.DOTALL), said, remedy)


def _encoded(name: str) -> str:
    return f"Name it in the header `Content-Encoding: {name}`, or send it uncompressed."


class Content(Enum):
    """What a file or a body is."""

    GZIP = _signature(rb"\x1f\x8b", "compressed with gzip", _encoded("gzip"))
    ZSTD = _signature(rb"\x28\xb5\x2f\xfd", "compressed with zstd", _encoded("zstd"))
    BZIP2 = _signature(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", "compressed with bzip2", _COMPRESSION)
    XZ = _signature(rb"\xfd7zXZ\0", "compressed with xz", _COMPRESSION)
    ZIP = _signature(
        rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", "a ZIP archive, or a workbook (.xlsx, .ods)", _LOAD
    )
    SEVEN_ZIP = _signature(rb"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK)
    RAR = _signature(rb"Rar!\x1a\x07", "a RAR archive", _UNPACK)
    TAR = _signature(rb".{257}ustar(?:\0|  \0)", "a TAR archive", _UNPACK)
    OLE = _signature(
        rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "a workbook of an old form (.xls), or one with a password",
        "Save it as .xlsx without a password, or as CSV.",
    )
    PARQUET = _signature(rb"PAR1[\0-\x08\x0e-\x1f]", "a Parquet file", _LOAD)
    ENCRYPTED_PARQUET = _signature(
        rb"PARE(?:[\0-\x08\x0e-\x1f]|..\0\0)",
        "an encrypted Parquet file",
        "Write it without encryption.",
    )
    ARROW = _signature(rb"ARROW1\0\0", "an Arrow file", _LOAD)
    ARROW_STREAM = _signature(rb"\xff{4}..[\0-\x03]\0", "an Arrow stream", _LOAD)
    FEATHER = _signature(
        rb"FEA1[\0-\x08\x0e-\x1f]", "a Feather file of version 1", "Write it as Parquet or Arrow."
    )
    AVRO = _signature(rb"Obj\x01", "an Avro file", _CONVERT)
    ORC = _signature(rb"ORC[\0-\x08\x0e-\x1f\x80-\xff]", "an ORC file", _CONVERT)
    SQLITE = _signature(rb"SQLite format 3\0", "an SQLite database", _CONVERT)
    PDF = _signature(rb"%PDF-\d", "a PDF document", "Get its data as CSV, JSON or .xlsx.")
    HTML = _signature(
        rb"(?:\xef\xbb\xbf)?\s*<(?i:!doctype\s+html|html)[\s>]",
        "an HTML page",
        "Perhaps a log-in page was saved in its place: get the file as CSV or JSON.",
    )
    UTF32 = _signature(
        rb"\xff\xfe\0\0|\0\0\xfe\xff|(?:%b\0\0\0){2}|(?:\0\0\0%b){2}" % (_TEXT, _TEXT),
        "a text in UTF-32",
        "Send it in UTF-8.",
    )
    UTF16 = _signature(
        rb"\xff\xfe|\xfe\xff|(?:%b\0){%d}|(?:\0%b){%d}" % (_TEXT, _IN_TURN, _TEXT, _IN_TURN),
        "a text in UTF-16",
        "Send it in UTF-8.",
    )

    @property
    def said(self) -> str:
        """What it is, with its article."""
        return self.value.said

    @property
    def remedy(self) -> str:
        """What who sends it as a body does instead."""
        return self.value.remedy


TEXTS = frozenset({Content.UTF16, Content.UTF32})
"""What a charset reads."""
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
"""With which they say their charset: UTF-16 in both orders, UTF-32 in the other one, too."""


def recognized(start: bytes) -> Content | None:
    """What bytes are, by the first of them (`ENOUGH` or all there are); None for plain text."""
    return next((each for each in Content if each.value.start.match(start)), None)
