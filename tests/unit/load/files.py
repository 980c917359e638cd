"""Files for the readers, in chunks of any size."""

from collections.abc import Iterator

from ingest.load.feed import Feed
from ingest.load.kinds import FileFormat, FileOptions
from ingest.load.readers import open_feed

CHUNKS = (1, 2, 3, 7, 1 << 20)


class Pieces:
    """A reading whose chunks are as small as a test wants."""

    def __init__(self, content: bytes, size: int) -> None:
        self.name = "file"
        self.place = 0
        self._content = content
        self._size = size

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), self._size):
            self.place = start
            yield self._content[start : start + self._size]


def feed_of(content: bytes | str, options: FileOptions, size: int = 1 << 20) -> Feed:
    data = content.encode() if isinstance(content, str) else content
    return open_feed(Pieces(data, size), options)  # type: ignore[arg-type]


def read(content: bytes | str, kind: str, size: int = 1 << 20, **options: object) -> list[object]:
    """Line and data of each row."""
    given = FileOptions(FileFormat(kind), **options)  # type: ignore[arg-type]
    return [(row.line, row.data.decode()) for row in feed_of(content, given, size).rows]
