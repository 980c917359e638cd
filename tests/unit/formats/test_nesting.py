"""How deep JSON may nest: strings do not count, and millions of values are quick."""

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import MalformedBody
from ingest.formats.json import decode
from ingest.formats.limits import Limits
from ingest.formats.nesting import may_nest_deeper, nests_deeper, too_deep
from tests.effort import assert_linear

LIMIT = 5
MIB = 1024 * 1024
BRACKETS = '"' + "[" * 100 + '"'
TEXTS = st.text(st.sampled_from('[]{}"\\,a\n'), max_size=8)
DOCUMENTS = st.recursive(
    TEXTS | st.integers(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXTS, below, max_size=3),
    max_leaves=20,
)


def _depth(value: Any) -> int:
    if not isinstance(value, dict | list):
        return 0
    below = value.values() if isinstance(value, dict) else value
    return 1 + max(map(_depth, below), default=0)


@given(st.lists(DOCUMENTS, max_size=3))
def test_only_brackets_outside_strings_count(items: list[Any]) -> None:
    body = json.dumps(items).encode()
    for limit in range(1, 6):
        deep = _depth(items) > limit
        assert nests_deeper(body, limit) == deep
        assert (too_deep(items, limit) is not None) == deep


def test_brackets_in_strings_close_none_outside() -> None:
    deep = b'["]",' * 900 + b"1" + b',"["]' * 900
    assert nests_deeper(deep, 800)
    assert may_nest_deeper(b'{}\n"\n' + deep + b'\n"\n', 800)
    assert not nests_deeper(deep, 900)


def test_the_place_is_named() -> None:
    deep = {"a": [1, {}], "b.c": [[], "x", {"d": [{}]}]}
    assert too_deep([1, {"a": 1}, deep], LIMIT) == "2.b.c.2.d.0"
    assert too_deep([1, {"a": 1}, deep], LIMIT + 1) is None
    with pytest.raises(MalformedBody) as refused:
        decode(orjson.dumps([deep]), Limits(max_item=99, max_items=9, max_nesting=LIMIT))
    assert refused.value.description == "At 0.b.c.2.d.0, counted from 0."


@pytest.mark.parametrize("value", ["1", "[1]", "{}", '{"a":1}', '"["', '"[",[]'])
def test_a_body_of_many_values_is_looked_at_quickly(value: str) -> None:
    def work(size: int) -> Callable[[], None]:
        body = f"[{BRACKETS}{f',{value}' * (size // (len(value) + 1))}]".encode()

        def look() -> None:
            assert not nests_deeper(body, 32)

        return look

    assert_linear(work, MIB)
