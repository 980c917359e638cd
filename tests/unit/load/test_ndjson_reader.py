"""NDJSON files: lines, and the items of failed rows."""

import orjson
import pytest

from ingest.load.errors import LoadError
from ingest.load.failed_rows import writer_for
from ingest.load.feed import Row
from ingest.load.readers import FileFormat, FileOptions
from tests.unit.load.files import CHUNKS, feed_of, read


@pytest.mark.parametrize("size", CHUNKS)
def test_ndjson_rows_are_lines_without_blank_ones(size: int) -> None:
    content = b'\xef\xbb\xbf{"a":1}\r\n\n  \n{broken\n2'
    assert read(content, "ndjson", size) == [(1, '{"a":1}\n'), (4, "{broken\n"), (5, "2\n")]


@pytest.mark.parametrize("size", CHUNKS)
def test_the_items_of_failed_rows_are_what_is_loaded(size: int) -> None:
    content = '{"line":7,"index":0,"item":{"a":1.10000000000000000001},"errors":[]}\n'
    assert read(content, "ndjson", size) == [(1, '{"a":1.10000000000000000001}\n')]
    with pytest.raises(LoadError, match="line 2 has no member 'item'"):
        read(content + '{"a":1}', "ndjson", size)
    with pytest.raises(LoadError, match="not valid JSON on line 2, column 2"):
        read(content + "{a", "ndjson", size)
    of_service = '{"index":3,"rawData":{"a":1},"errors":[{"code":42201,"field":"b"}]}\n'
    assert read(of_service, "ndjson", size) == [(1, '{"a":1}\n')]
    assert read("{broken\n" + content, "ndjson", size)[1][0] == 2


@pytest.mark.parametrize(
    "item",
    ['{"item":{"a":1},"errors":[]}', '{"index":1,"item":1,"errors":[],"b":2}', '{"item":1}', "[1]"],
)
def test_items_that_resemble_failed_rows_stay_items(item: str) -> None:
    assert read(item, "ndjson") == [(1, item + "\n")]


LINES = (
    b'{broken, "a": 1}\n',
    b'{"name": "M\xfcller"}\n',
    b'{"a": 1e400}\n',
    b'{"a": "\\ud800"}\n',
    b"[1]\n",
    b'"text"\n',
    b"null\n",
    b"[" * 2000 + b"\n",
)


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_what_failed_fails_again(line: bytes) -> None:
    def kind(row: Row) -> object:
        try:
            return orjson.loads(row.data)
        except orjson.JSONDecodeError:
            return "no JSON"

    feed = feed_of(line, FileOptions(FileFormat.NDJSON))
    (row,) = feed.rows
    error = {"code": 42204, "message": "This line is not valid JSON."}
    for _ in range(2):
        failed = writer_for(feed).row(0, row, [error])
        feed = feed_of(failed, FileOptions(FileFormat.NDJSON))
        (again,) = feed.rows
        assert kind(again) == kind(row)
        assert again.data == row.data.replace(b"\xfc", b"\xff")
        row = again
