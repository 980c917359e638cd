"""Bytes into text while they arrive: charsets, byte order marks, and where a byte is no text."""

import codecs
import re
from collections.abc import Iterable, Iterator

from ingest.errors import MalformedBody, UnsupportedMediaType

# What spreadsheets and databases write; codecs of Python that are no charsets stay outside.
_READ = re.compile(
    r"utf-(8|16|32)(-[bl]e)?(-sig)?|ascii|iso8859-\d+|cp\d+|koi8-[rtu]|mac-[a-z]+|gb\w+|hz"
    r"|big5\w*|shift_jis\w*|euc_\w+|johab|tis-620"
)
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LONGEST_BOM = 4


def check_charset(name: str) -> str:
    """The name by which Python knows a charset.

    Raises:
        UnsupportedMediaType: there is none of that name.
    """
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        found = ""
    if not _READ.fullmatch(found):
        raise UnsupportedMediaType(f"The charset {name[:100]!r} is not read", "Send UTF-8.")
    return found


def count_lines(text: str) -> int:
    """How many lines end in a text: with LF, CRLF, or CR alone."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


class TextReader:
    """Decodes one body. Without a charset it is UTF-8, unless a byte order mark says otherwise."""

    def __init__(self, charset: str | None) -> None:
        self._charset = charset
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
            marked = (name for bom, name in _BOMS if chunk.startswith(bom))
            self._charset = self._charset or next(marked, "utf-8")
            self._decoder = codecs.getincrementaldecoder(self._charset)()
        self._bytes += len(chunk)
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            raise self._undecodable(error) from None
        except UnicodeError as error:  # UTF-16 and UTF-32 without the mark that they need
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
        before = error.object[: error.start].decode(self._charset or "utf-8", "replace")
        line = self._newlines + self._lines_in(before) + 1
        place = self._bytes - len(error.object) + error.start
        return MalformedBody(
            f"The body is not valid {self._charset}",
            f"Line {line}, byte {place} of the body (0x{error.object[error.start]:02x}): "
            f"{error.reason}. Another charset is named as `Content-Type: text/csv; "
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
