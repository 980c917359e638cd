"""Parts of a file."""

from ingest.load.feed import cut
from ingest.load.readers import FileFormat, FileOptions
from tests.unit.load.files import Pieces, feed_of


def test_parts_are_as_large_as_they_may_be() -> None:
    feed = feed_of("\n".join(map(str, range(10))), FileOptions(FileFormat.NDJSON))
    parts = list(cut(feed, Pieces(b"", 1), 4))  # type: ignore[arg-type]
    assert [(part.number, part.first, len(part.rows)) for part in parts] == [
        (0, 0, 4),
        (1, 4, 4),
        (2, 8, 2),
    ]
    feed = feed_of("11\n22\n333333\n4\n", FileOptions(FileFormat.NDJSON))
    parts = list(cut(feed, Pieces(b"", 1), 100, max_bytes=6))  # type: ignore[arg-type]
    assert [[row.data for row in part.rows] for part in parts] == [
        [b"11\n", b"22\n"],
        [b"333333\n"],
        [b"4\n"],
    ]
