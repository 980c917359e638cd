"""What a user's data looks like is never taken for a mark that cannot be read."""

from typing import Any

import pytest

from ingest.resources.exact import decode, encode, marked

LIKE_MARKS: list[Any] = [
    {"$": 5},
    {"$": []},
    {"$": ["date", "x"]},
    {"$": ["date", None]},
    {"$": ["shown", 1]},
    {"$": [1, 2]},
    {"$": ["ip", "x"], "a": 1},
]


@pytest.mark.parametrize("value", LIKE_MARKS)
def test_what_looks_like_a_mark_comes_back(value: Any) -> None:
    assert decode(encode(value)) == value
    assert decode(value) == value
    assert marked(value) is None or isinstance(marked(value), tuple)
