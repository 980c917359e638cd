"""A file's bytes as text: its charset, byte order mark and lines."""

import io
from collections.abc import Iterable, Iterator

from ingest.errors import RequestError
from ingest.formats.charsets import TextReader, check_charset
from ingest.load.feed import MAX_ROW, LoadError
from ingest.load.source import file_error


def read_text(chunks: Iterable[bytes], name: str, charset: str | None) -> Iterator[str]:
    """The text of a file, in pieces.

    Args:
        chunks: its bytes.
        name: what messages call it.
        charset: None for UTF-8, or what a byte order mark says.

    Raises:
        LoadError: there is no such charset, or a byte is no text in it; its line is named.
    """
    try:
        reader = TextReader(None if charset is None else check_charset(charset))
        for chunk in chunks:
            yield reader.feed(chunk)
        yield reader.end()
    except RequestError as error:
        raise file_error(name, error) from None


def split_lines(texts: Iterable[str], name: str) -> Iterator[str]:
    """The lines of a text with their ends: line feeds, carriage returns, or both.

    Raises:
        LoadError: a line is longer than a row may be.
    """
    rest = ""
    for text in texts:
        rest += text
        # A carriage return at the very end may be half of a CRLF.
        end = rest.rfind("\n") + 1 or rest.rfind("\r", 0, len(rest) - 1) + 1
        yield from io.StringIO(rest[:end], newline="")
        rest = rest[end:]
        if len(rest) > MAX_ROW:
            raise LoadError(f"{name}: a line has more than {MAX_ROW} characters")
    yield from io.StringIO(rest, newline="")
