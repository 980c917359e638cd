"""NDJSON, line by line, however it is cut."""

import random
import tracemalloc
from decimal import Decimal
from typing import Any

import orjson
import pytest

from ingest.errors import BodyTooLarge
from ingest.formats.limits import Limits
from ingest.formats.ndjson import NdjsonDecoder
from ingest.model import Unreadable

LIMITS = Limits(max_item=2**20, max_items=10, max_nesting=5)


def decoded(body: bytes, chunk: int = 7, limits: Limits = LIMITS) -> list[Any]:
    decoder = NdjsonDecoder(limits)
    found = []
    for start in range(0, len(body), chunk):
        found += decoder.feed(body[start : start + chunk])
    return found + decoder.end()


def why(element: Any) -> str:
    assert isinstance(element, Unreadable)
    (error,) = element.errors
    assert (error.code.code, error.field) == (42204, None)
    return str(error.description)


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 1000])
def test_lines_become_items(chunk: int) -> None:
    body = '\ufeff{"a": "é\\n"}\r\n\n  \t\r\n[1]\n"k"\nnull\n5'.encode()
    assert decoded(body, chunk) == [{"a": "é\n"}, [1], "k", None, 5]


@pytest.mark.parametrize("chunk", [1, 8, 1000])
def test_a_line_that_is_no_json_fails_by_itself(chunk: int) -> None:
    body = b'{"a": 1}\n\n{"a": 2\n{"a": 3}\n{"b": "\xff"}\n{"a": 1},\n{"a": 1e400}\n[1\n2]'
    found = decoded(body, chunk)
    assert [found[0], found[2]] == [{"a": 1}, {"a": 3}]
    assert [each.raw for each in found if isinstance(each, Unreadable)] == [
        '{"a": 2',
        '{"b": "\ufffd"}',
        '{"a": 1},',
        '{"a": 1e400}',
        "[1",
        "2]",
    ]
    assert "Line 3: column" in why(found[1])
    assert "Line 5: byte 7 (0xff) is not UTF-8" in why(found[3])
    assert "Line 6" in why(found[4])
    assert "Line 9" in why(found[-1])


def test_numbers_keep_their_digits() -> None:
    body = b'{"a": 1}\n{"a": 0.1000000000000000000001}\n{"a": 123456789012345678901}\n'
    assert [item["a"] for item in decoded(body, 1000)] == [
        1,
        Decimal("0.1000000000000000000001"),
        123456789012345678901,
    ]


def test_nesting_counts_the_collection() -> None:
    assert decoded(b'{"a": [[{}]]}\n{"a": "[[[[[["}') == [{"a": [[{}]]}, {"a": "[[[[[["}]
    assert "deeper than 4" in why(decoded(b'{"a": [[[{}]]]}')[0])
    bomb = b"[" * 10**6
    assert "Line 1" in why(decoded(bomb, 65536)[0])
    assert "Line 1" in why(decoded(bomb + b"]" * 10**6, 65536, Limits(2**22, 1, 5))[0])


def test_what_is_shown_of_a_line_is_bounded() -> None:
    (found,) = decoded(b"x" * 10**6, 65536)
    assert len(found.raw) == 10_001


def test_a_line_may_be_as_long_as_the_limit() -> None:
    limits = Limits(max_item=1000, max_items=1, max_nesting=5)
    body = b'"' + b"x" * 998 + b'"'
    for chunk in (100, 10_000):
        assert decoded(body, chunk, limits) == ["x" * 998]
        assert decoded(body + b"\n" + body, chunk, limits) == ["x" * 998] * 2
        for longer in (body + b" ", body + b" \n", b"\n" + body + b" \n"):
            with pytest.raises(BodyTooLarge) as refused:
                decoded(longer, chunk, limits)
            line = 2 if longer[:1] == b"\n" else 1
            assert f"line {line}." in str(refused.value.description)


def test_a_line_of_100_mb_is_not_kept() -> None:
    decoder = NdjsonDecoder(LIMITS)
    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        all(decoder.feed(b"x" * 65536) == [] for _ in range(1600))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * LIMITS.max_item


def test_any_bytes_are_read_or_refused_alike_however_they_are_cut() -> None:
    chosen = random.Random(3)
    for _ in range(300):
        body = bytes(chosen.choices(b'\n\r{}[]":,1e \xc3\xa9\xff\x00', k=60))
        assert decoded(body, 1) == decoded(body, 11) == decoded(body, 100)


def test_blank_lines_are_passed_over_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[bytes] = []
    loads = orjson.loads
    monkeypatch.setattr(orjson, "loads", lambda line: tried.append(line) or loads(line))
    decoder = NdjsonDecoder(LIMITS)
    assert decoder.feed(b"\n" * 10_000 + b" \r\n\t\n" * 100) == []
    assert decoder.line == 10_201
    (bad,) = decoder.feed(b"x\n")
    assert "Line 10201: column 1" in why(bad)
    assert decoder.feed(b'\n\n{"a": ') == []
    assert decoder.line == 10_204
    assert decoder.feed(b"1}\n") == [{"a": 1}]
    assert decoder.end() == []
    assert tried == [b"x", b'{"a": 1}']
