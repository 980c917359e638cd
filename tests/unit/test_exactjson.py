"""JSON keeps every digit of every number."""

import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ingest.exactjson import dump_exact, dump_readable, keep_digits, load_exact


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


_TEXTS = st.text(st.sampled_from('ab éß€😀\t\n"\\,:[]{}1234567890.e-'), max_size=24)
_VALUES = _NUMBERS | st.builds(lambda text, dumps: dumps(text), _TEXTS, st.sampled_from(
    [json.dumps, lambda text: orjson.dumps(text).decode()]
))  # fmt: skip


def _array(values: list[str], comma: str) -> str:
    return f"[{comma.join(values)}]"


def _object(members: list[tuple[str, str]], comma: str, colon: str) -> str:
    """Names may come twice, or differ by white space alone."""
    return "{" + comma.join(f'"{name}"{colon}{value}' for name, value in members) + "}"


_NAMES = st.sampled_from(["a", "b", "a b", "ab", "é", "1"])
_DOCUMENTS = st.recursive(
    _VALUES,
    lambda inner: (
        st.builds(_array, st.lists(inner, max_size=4), st.sampled_from([",", ", ", "\n ,\t"]))
        | st.builds(
            _object,
            st.lists(st.tuples(_NAMES, inner), max_size=4),
            st.sampled_from([",", ", "]),
            st.sampled_from([":", ": "]),
        )
    ),
    max_leaves=5,
)


def _as_decimals(value: Any) -> Any:
    """A document with every number as a Decimal, to compare digits: `1.0` beside `1` is none."""
    if isinstance(value, dict):
        return {name: _as_decimals(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_decimals(each) for each in value]
    if isinstance(value, float | Decimal):
        return Decimal(str(value))
    return value


@given(_DOCUMENTS)
def test_every_number_has_the_digits_that_the_standard_library_reads(text: str) -> None:
    read = load_exact(text.encode())
    assert _as_decimals(read) == json.loads(text, parse_float=Decimal)
    assert [type(each) is int for each in _numbers(read)] == [
        type(each) is int for each in _numbers(json.loads(text, parse_float=Decimal))
    ]


def _numbers(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [number for each in value.values() for number in _numbers(each)]
    if isinstance(value, list):
        return [number for each in value for number in _numbers(each)]
    return [] if isinstance(value, str) else [value]


@pytest.mark.parametrize(
    "body",
    [
        b'["01a20233-e003-73de-9504-24dc5f20af32", "7e-300x"]',
        b"[0.30000000000000004,1.7976931348623157e+308,5e-324]",
        b'[{"n": 0.30000000000000004, "name": "Jos\\u00e9 P\\u0142"},\r\n\t{}]',
        '[{"n": 0.30000000000000004, "name": "José 😀"}]'.encode(),
        b"[18446744073709551615, -9223372036854775808]",
        b'["' + b"1" * 100_000 + b'"]',
        b"[" + b'"x",' * 10_000 + b"1]",
    ],
)
def test_a_document_without_rounded_numbers_is_not_read_again(body: bytes) -> None:
    document = orjson.loads(body)
    assert keep_digits(body, document) is document


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("18446744073709551616", 18446744073709551616),
        ("-9223372036854775809", -9223372036854775809),
        ("123456789.123456789012", Decimal("123456789.123456789012")),
        ("1e-400", Decimal("1e-400")),
        ("4E-0000324", Decimal("4e-324")),
        ("1.2345678901234567", 1.2345678901234567),
    ],
)
@pytest.mark.parametrize("before", [b"[", b'{"a b": "\\u00e9", "c":', b"[" + b'"e",' * 40_000])
def test_a_rounded_number_is_put_right_wherever_it_stands(
    number: str, value: Any, before: bytes
) -> None:
    body = before + number.encode() + (b"}" if before.startswith(b"{") else b"]")
    read = load_exact(body)
    found = read["c"] if isinstance(read, dict) else read[-1]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("shift", range(24))
def test_a_number_that_two_looks_share_is_found(shift: int) -> None:
    """A body is looked at in parts; the number stands on the seam of two."""
    blank = b" " * (16 * 1024 - 1 - shift)
    assert load_exact(b"[" + blank + b"1e-400]") == [Decimal("1e-400")]
    assert load_exact(b"[" + blank + b"0.1234567890123456789]") == [
        Decimal("0.1234567890123456789")
    ]


def test_a_document_that_is_too_deep_to_be_written_keeps_its_digits() -> None:
    value = load_exact(b"[" * 300 + b"0.1234567890123456789" + b"]" * 300)
    for _ in range(300):
        value = value[0]
    assert value == Decimal("0.1234567890123456789")


def test_a_number_alone_keeps_its_digits() -> None:
    assert load_exact(b"123456789.123456789012") == Decimal("123456789.123456789012")


def test_what_tools_read_is_yaml_too() -> None:
    every = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    document = {"".join(every[:0xD0]): every, "é": "\U0001f600"}
    written = dump_readable(document)
    assert yaml.load(written, yaml.CSafeLoader) == orjson.loads(written) == document
    assert dump_readable("é\xa0\ufffd") == dump_exact("é\xa0\ufffd")
