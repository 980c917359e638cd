"""JSON bodies: arrays, single objects, and what is refused."""

from decimal import Decimal
from typing import Any

import pytest

from ingest.errors import MalformedBody, TooManyItems
from ingest.formats.json import decode
from ingest.formats.limits import Limits
from ingest.model import Unreadable

LIMITS = Limits(max_item=100, max_items=2, max_nesting=3)


def test_an_array_is_its_items_and_an_object_is_one() -> None:
    assert decode(b'[{"a": 1}, 2]', LIMITS) == [{"a": 1}, 2]
    assert decode(b'\xef\xbb\xbf{"a": "[[[[["}', LIMITS) == {"a": "[[[[["}
    assert decode(b"[0.10000000000000000001]", LIMITS) == [Decimal("0.10000000000000000001")]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b" ", "no body"),
        (b'"x"', "neither an array nor an object"),
        (b"[1,\n 2,]", "Line 2, column 3"),
        (b"[1,\r\r\n 2,]", "Line 3, column 3"),
        (b'[1,\r"\xff"]', "Line 2: byte 5 (0xff) is not UTF-8"),
        (b'["\xff"]', "Line 1: byte 2 (0xff) is not UTF-8"),
        (b'[{"a": [{}]}]', "At 0.a.0, counted from 0"),
    ],
)
def test_what_is_refused_is_named(body: bytes, said: str) -> None:
    with pytest.raises(MalformedBody) as refused:
        decode(body, LIMITS)
    assert said in f"{refused.value.message} {refused.value.description}"


def errors_of(found: Any) -> Any:
    return [(error.code.code, error.description) for error in found.errors]


@pytest.mark.parametrize(
    ("bad", "column"), [('{"a": 1e400}', 7), (r'"\ud800"', 2), ('{"b": "x", "a": -1e999}', 17)]
)
def test_an_item_that_no_one_can_keep_is_unreadable_by_itself(bad: str, column: int) -> None:
    before, item = decode(f' [ {{"a": 0.10}},\n{bad}]'.encode(), LIMITS)
    assert before == {"a": 0.1}
    assert isinstance(item, Unreadable)
    assert item.raw == bad
    [(code, place)] = errors_of(item)
    assert (code, place.partition(":")[0]) == (42204, f"Line 2, column {column}")
    alone = decode(bad.encode(), LIMITS)
    if bad.startswith("{"):
        assert isinstance(alone, Unreadable)


@pytest.mark.parametrize(
    "body",
    [
        "[1e400",
        "[1e400,]",
        "[1e400] 1",
        "1e400 2",
        "[1e400 2]",
        "[1e400, NaN]",
        "[1e400," + "[" * 9999,
    ],
)
def test_what_is_no_json_besides_is_malformed(body: str) -> None:
    with pytest.raises(MalformedBody, match="not valid JSON"):
        decode(body.encode(), LIMITS)


def test_there_may_be_too_many_items() -> None:
    for body in (b"[1, 2, 3]", b"[1, 2, 1e400]"):
        with pytest.raises(TooManyItems):
            decode(body, LIMITS)
