"""JSON files: an array, or items one after the other, as they stand; and YAML, sent as JSON."""

import orjson
import pytest

from ingest.load.errors import LoadError
from ingest.load.failed_rows import writer_for
from ingest.load.kinds import FileFormat
from ingest.load.readers import FileOptions
from tests.unit.load.files import CHUNKS, feed_of, read


@pytest.mark.parametrize("size", CHUNKS)
def test_items_of_a_json_array_keep_their_text(size: int) -> None:
    items = ['{"a": 1.10,\n "b": "]}\\"é"}', "-12.50", '"x"', "[1, [2]]", "null", "{}"]
    content = " [ " + " ,\n".join(items) + "\n] \n"
    rows = read(content, "json", size)
    assert [data for _, data in rows] == items  # type: ignore[misc]
    assert [line for line, _ in rows] == [1, 3, 4, 5, 6, 7]  # type: ignore[misc]


@pytest.mark.parametrize("size", CHUNKS)
def test_json_items_may_follow_each_other(size: int) -> None:
    assert read('{"a":1}\n{"a":2} {"a":3}', "json", size) == [
        (1, '{"a":1}'),
        (2, '{"a":2}'),
        (2, '{"a":3}'),
    ]
    assert read("[]", "json", size) == []


@pytest.mark.parametrize("size", CHUNKS)
def test_what_no_column_can_keep_is_left_to_the_service(size: int) -> None:
    items = ['{"a": 1e400}', '{"a": "\\ud800"}', "2"]
    assert [data for _, data in read(f"[{','.join(items)}]", "json", size)] == items
    for constant in ("NaN", "-Infinity"):
        with pytest.raises(LoadError, match=f"line 2, column 1: .*{constant} is no number"):
            read(f'[1,\n{{"a": {constant}}}]', "json", size)


@pytest.mark.parametrize("size", CHUNKS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_whatever_ends_them(end: str, size: int) -> None:
    rows = read(f'[{end}{{"a":{end}1}},{end}{end}2{end}]', "json", size)
    assert [line for line, _ in rows] == [2, 5]  # type: ignore[misc]
    with pytest.raises(LoadError, match="line 3, column 2"):
        read(f"[1,{end}2,{end} x]", "json", size)


def test_failed_rows_of_the_service_are_items_of_their_own() -> None:
    """They are sent as they are, and shown as what they are about."""
    error = {"code": 42204, "message": "This row has 2 cells."}
    rows = [{"index": n, "rawData": raw, "errors": [error]} for n, raw in enumerate((["a"], "{"))]
    document = {"result": "success", "metadata": {}, "failures": rows}
    feed = feed_of(orjson.dumps(document), FileOptions(FileFormat.JSON))
    found = [*feed.rows]
    assert [orjson.loads(row.data) for row in found] == rows
    shown = [orjson.loads(writer_for(feed).row(0, row, [error])) for row in found]
    assert [each["rawData"] for each in shown] == [["a"], "{"]
    assert {*shown[0]} == {"index", "line", "rawData", "errors"}
    other = orjson.dumps({"failures": rows}).decode()
    assert read(other, "json") == [(1, other)]


def test_yaml_becomes_json_without_losing_a_digit() -> None:
    content = "- a: 1.10000000000000000001\n  b: no\n- {a: 2026-11-22}\n"
    assert read(content, "yaml") == [
        (None, '{"a":1.10000000000000000001,"b":"no"}'),
        (None, '{"a":"2026-11-22"}'),
    ]
