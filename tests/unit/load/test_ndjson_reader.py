"""NDJSON files: lines, and the items of failed rows."""

import pytest

from ingest.load.source import LoadError
from tests.unit.load.files import CHUNKS, read


@pytest.mark.parametrize("size", CHUNKS)
def test_ndjson_rows_are_lines_without_blank_ones(size: int) -> None:
    content = b'\xef\xbb\xbf{"a":1}\r\n\n  \n{broken\n2'
    assert read(content, "ndjson", size) == [(1, '{"a":1}\n'), (4, "{broken\n"), (5, "2\n")]


def test_the_items_of_failed_rows_are_what_is_loaded() -> None:
    content = '{"line":7,"item":{"a":1.10000000000000000001},"errors":[]}\n'
    assert read(content, "ndjson", failed_rows=True) == [(1, '{"a":1.10000000000000000001}\n')]
    with pytest.raises(LoadError, match="line 1 has no member 'item'"):
        read('{"a":1}', "ndjson", failed_rows=True)
