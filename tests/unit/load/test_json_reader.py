"""JSON files: an array, or items one after the other, as they stand; and YAML, sent as JSON."""

import pytest

from tests.unit.load.files import CHUNKS, read


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


def test_yaml_becomes_json_without_losing_a_digit() -> None:
    content = "- a: 1.10000000000000000001\n  b: no\n- {a: 2026-11-22}\n"
    assert read(content, "yaml") == [
        (None, '{"a":1.10000000000000000001,"b":"no"}'),
        (None, '{"a":"2026-11-22"}'),
    ]
