"""JSON bodies: arrays, single objects, and what is refused."""

from decimal import Decimal

import pytest

from ingest.errors import MalformedBody, TooManyItems
from ingest.formats.json import decode
from ingest.formats.limits import Limits

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
        (b'["\xff"]', "Byte 2 (0xff, on line 1)"),
        (b'[{"a": [{}]}]', "At 0.a.0, counted from 0"),
    ],
)
def test_what_is_refused_is_named(body: bytes, said: str) -> None:
    with pytest.raises(MalformedBody) as refused:
        decode(body, LIMITS)
    assert said in f"{refused.value.message} {refused.value.description}"


def test_there_may_be_too_many_items() -> None:
    with pytest.raises(TooManyItems):
        decode(b"[1, 2, 3]", LIMITS)
