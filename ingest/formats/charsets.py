"""Bytes into text while they arrive: charsets, byte order marks, and where a byte is no text."""

import codecs
import re
from collections.abc import Iterable, Iterator
from functools import cache

from ingest.errors import MalformedBody, UnsupportedMediaType

# What spreadsheets and databases write; codecs of Python that are no charsets stay outside.
_READ = re.compile(
    r"utf-(8|16|32)(-[bl]e)?(-sig)?|ascii|iso8859-\d+|cp\d+|koi8-[rtu]|mac-[a-z]+|gb\w+|hz"
    r"|big5\w*|shift_jis\w*|euc_\w+|johab|tis-620"
)
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LONGEST_BOM = 4
# WHATWG, Encoding: labels that mean a larger charset on the web, because files with them do.
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
_OF_WINDOWS = re.compile("cp(?:125[0-8]|874)")
_UNDEFINED = "\ufffe"  # as `codecs.charmap_decode` takes it


def check_charset(name: str) -> str:
    """The charset that a name means, by the name that Python has for it.

    Raises:
        UnsupportedMediaType: there is none of that name.
    """
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        found = ""
    if not _READ.fullmatch(found):
        raise UnsupportedMediaType(f"The charset {name[:100]!r} is not read", "Send UTF-8.")
    return _MEANT.get(found, found)


def is_meant(charset: str) -> bool:
    """Whether other names mean a charset, whose text is less than that."""
    return charset in _MEANT.values()


def is_utf8(name: str) -> bool:
    """Whether text in a charset, or in a part of it, is UTF-8."""
    return codecs.lookup(name).name in ("utf-8", "ascii")


def incremental_decoder(charset: str) -> codecs.IncrementalDecoder:
    """A decoder of a charset, as `check_charset` names it."""
    if _OF_WINDOWS.fullmatch(charset):
        return _WindowsDecoder(charset)
    return codecs.getincrementaldecoder(charset)()


class _WindowsDecoder(codecs.IncrementalDecoder):
    """Decodes a charset of Windows as the web does: its undefined bytes from 0x80 to 0x9F are the
    control characters of these numbers."""

    def __init__(self, charset: str) -> None:
        super().__init__()
        self._table = _windows_table(charset)

    def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]
        return codecs.charmap_decode(data, self.errors, self._table)[0]


@cache
def _windows_table(charset: str) -> str:
    """What each byte is."""
    known = [bytes([byte]).decode(charset, "replace") for byte in range(256)]
    return "".join(
        (chr(byte) if 0x80 <= byte < 0xA0 else _UNDEFINED) if text == "\ufffd" else text
        for byte, text in enumerate(known)
    )


def count_lines(text: str) -> int:
    """How many lines end in a text: with LF, CRLF, or CR alone."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def position(text: str, at: int) -> tuple[int, int]:
    """The line and the column of a place in a text, counted from 1."""
    line_starts = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    return count_lines(text[:line_starts]) + 1, at - line_starts + 1


def not_utf8(body: bytes) -> str | None:
    """Where a body is not UTF-8, as a sentence; None where it is."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        at = error.start
        line = count_lines(body[:at].decode()) + 1
        return f"Line {line}: byte {at} (0x{body[at]:02x}) is not UTF-8: {error.reason}."
    return None


class TextReader:
    """Decodes one body. Without a charset it is UTF-8, unless a byte order mark says otherwise."""

    def __init__(self, charset: str | None, media_type: str = "text/csv") -> None:
        """
        Args:
            charset: as `check_charset` names it; None for what the text says.
            media_type: that of the body, for messages.
        """
        self._charset = charset
        self._media_type = media_type
        self._codec = charset or "utf-8"  # with the order of bytes that a mark says
        self._decoder: codecs.IncrementalDecoder | None = None
        self._head = b""
        self._bytes = 0
        self._newlines = 0
        self._after_cr = False  # of which a line feed may be the other half
        self._started = False

    def feed(self, chunk: bytes) -> str:
        """The text that `chunk` completes, without a byte order mark.

        Raises:
            MalformedBody: a byte is no text; its line and place are named.
        """
        return self._decode(chunk, final=False)

    def end(self) -> str:
        """The rest of the text. Raises as `feed`."""
        return self._decode(b"", final=True)

    def _decode(self, chunk: bytes, *, final: bool) -> str:
        if self._decoder is None:
            self._head += chunk
            if len(self._head) < _LONGEST_BOM and not final:
                return ""
            chunk = self._head
            marked = next((name for bom, name in _BOMS if chunk.startswith(bom)), "utf-8")
            if self._charset in (None, marked.rpartition("-")[0]):
                self._codec = marked
            elif self._charset == "utf-16":
                self._codec = "utf-16-le"  # as on the web
            self._charset = self._charset or marked.removesuffix("-le").removesuffix("-be")
            self._decoder = incremental_decoder(self._codec)
        self._bytes += len(chunk)
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            raise self._undecodable(error) from None
        except UnicodeError as error:  # UTF-32 without the mark that it needs
            raise MalformedBody(f"The body is not valid {self._charset}", str(error)) from None
        if text and not self._started:
            self._started = True
            text = text.removeprefix("\ufeff")
        self._newlines += self._lines_in(text)
        self._after_cr = text.endswith("\r") if text else self._after_cr
        return text

    def _lines_in(self, text: str) -> int:
        """How many lines end in the text that comes next."""
        return count_lines(text) - (self._after_cr and text.startswith("\n"))

    def _undecodable(self, error: UnicodeDecodeError) -> MalformedBody:
        before = error.object[: error.start].decode(self._codec, "replace")
        line = self._newlines + self._lines_in(before) + 1
        place = self._bytes - len(error.object) + error.start
        return MalformedBody(
            f"The body is not valid {self._charset}",
            f"Line {line}, byte {place} of the body (0x{error.object[error.start]:02x}): "
            f"{error.reason}. Another charset is named as `Content-Type: {self._media_type}; "
            "charset=windows-1252`.",
        )


def decoded(chunks: Iterable[bytes], charset: str | None) -> Iterator[str]:
    """The text of a whole file, piece by piece.

    Args:
        charset: any name of one; None for UTF-8, or what a byte order mark says.

    Raises:
        UnsupportedMediaType, MalformedBody: as `check_charset` and `TextReader`.
    """
    reader = TextReader(None if charset is None else check_charset(charset))
    for chunk in chunks:
        yield reader.feed(chunk)
    yield reader.end()
