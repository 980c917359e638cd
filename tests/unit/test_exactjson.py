"""JSON keeps every digit of every number."""

import json
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.exactjson import dump_exact, load_exact, may_round


@pytest.mark.parametrize(
    "text",
    [
        "12345678901234567890123",
        "-170141183460469231731687303715884105728",
        "0.1234567890123456789",
        "123456789012345678.5",
        "9007199254740993.0",
        "1e-400",
        "5e-324",
        "1.7976931348623157e308",
        "100000000000000000000000.1e5",
    ],
)
def test_numbers_come_back_as_they_were_sent(text: str) -> None:
    value = load_exact(f'[{{"n": {text}}}]'.encode())[0]["n"]
    assert Decimal(str(value)) == Decimal(text)
    again = load_exact(dump_exact([{"n": value}]))[0]["n"]
    assert Decimal(str(again)) == Decimal(text)


@given(st.decimals(allow_nan=False, allow_infinity=False).filter(lambda d: abs(d.adjusted()) < 300))
def test_any_decimal_survives(number: Decimal) -> None:
    read = load_exact(b"[" + str(number).encode() + b"]")[0]
    assert Decimal(str(read)) == number


@pytest.mark.parametrize(
    "body", [b"[NaN]", b"[1e400]", b'["\\ud800"]', b"[1,]", b"\xff", b"", b"[" * 2000]
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        load_exact(body)


def test_digits_in_texts_change_nothing() -> None:
    assert load_exact(b'["12345678901234567890123", 1.5, 7]') == ["12345678901234567890123", 1.5, 7]


def test_what_is_no_json_value_is_not_written() -> None:
    with pytest.raises(TypeError):
        dump_exact({"a": object()})


_NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False)
    .filter(lambda number: abs(number.adjusted()) < 300)
    .map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?", fullmatch=True),
    st.uuids().map(lambda each: f'"{each}"'),
    st.text("0123456789.-eE :,[", max_size=30).map(lambda text: f'"{text}"'),
)


@given(st.lists(st.tuples(st.sampled_from(["", " ", "\n\t"]), _NUMBERS), max_size=5))
def test_looking_at_suspects_finds_every_number_that_is_rounded(
    values: list[tuple[str, str]],
) -> None:
    body = f"[{','.join(space + value + space for space, value in values)}]".encode()
    expected = json.loads(body, parse_float=Decimal)
    read = load_exact(body)
    assert [str(each) for each in read if isinstance(each, str)] == [
        each for each in expected if isinstance(each, str)
    ]
    assert [Decimal(str(each)) for each in read if not isinstance(each, str)] == [
        Decimal(each) for each in expected if not isinstance(each, str)
    ]


@pytest.mark.parametrize(
    ("body", "rounds"),
    [
        (b'["01a20233-e003-73de-9504-24dc5f20af32", "7e-300x"]', False),
        (b"[0.30000000000000004, 1.7976931348623157e308]", False),
        (b"[18446744073709551615, -9223372036854775808]", False),
        (b"[18446744073709551616]", True),
        (b"123456789.123456789012", True),
        (b'{"a":-9223372036854775809}', True),
        (b"[1e-400]", True),
        (b'["' + b"1" * 100_000 + b'"]', False),
    ],
)
def test_only_numbers_that_are_rounded_are_read_again(body: bytes, rounds: bool) -> None:
    assert may_round(body) is rounds
