"""JSON keeps every digit of every number."""

from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.exactjson import dump_exact, load_exact


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
