"""YAML in and out: the values of JSON and no others, and payloads that hurt other parsers."""

import json
import re
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import assume, given
from hypothesis import strategies as st

from ingest.errors import BodyTooLarge, MalformedBody, TooManyItems
from ingest.exactjson import dump_exact
from ingest.formats import yaml
from ingest.formats.limits import Limits
from tests.effort import assert_linear
from tests.unit.values import DOCUMENTS

LIMITS = Limits(max_item=2**20, max_items=10, max_nesting=6)
WIDE = Limits(max_item=2**24, max_items=10**6, max_nesting=32)


def decoded(body: str | bytes, limits: Limits = LIMITS) -> list[Any]:
    document = yaml.decode(body.encode() if isinstance(body, str) else body, limits)
    return document if isinstance(document, list) else [document]


def refused(body: str | bytes) -> str:
    with pytest.raises(MalformedBody) as error:
        decoded(body)
    return f"{error.value.message} | {error.value.description}"


def test_a_sequence_becomes_items() -> None:
    body = """\
    # from an ETL job
    - email: ann@example.com
      age: 41
      tags: [a, "b"]
      note: |
        two
        lines
    - {email: 'jim@example.com', age: null, address: {city: Zoë}}
    - key
    """
    assert decoded(body) == [
        {"email": "ann@example.com", "age": 41, "tags": ["a", "b"], "note": "two\nlines\n"},
        {"email": "jim@example.com", "age": None, "address": {"city": "Zoë"}},
        "key",
    ]
    assert decoded("%YAML 1.2\n---\na: 1\n...\n") == [{"a": 1}]
    assert decoded("[]") == []


SCALARS = {
    "true": True, "False": False, "null": None, "~": None, "": None,
    "0": 0, "-5": -5, "12345678901234567890123": 12345678901234567890123,
    "1.5": 1.5, "1.0e+3": 1000.0, "-0.5E-1": -0.05,
    "0.10000000000000000001": Decimal("0.10000000000000000001"),
}  # fmt: skip
TEXTS = [
    "yes", "no", "NO", "on", "Off", "y", "2026-11-22", "2026-11-22T10:00:00Z", "12:30:45", "1_000",
    "0123", "089", "0x1F", "0o17", "0b1", "+5", ".5", ".inf", "-.INF", ".nan",
    "<<", "=", "1.2.3", "-", "1e", "1E2", "1e10", "-1e+10", "1.5e3",
]  # fmt: skip


def test_plain_scalars() -> None:
    for text, value in SCALARS.items():
        (found,) = decoded(f"a: {text}")
        assert found == {"a": value}, text
        assert type(found["a"]) is type(value)
    for text in TEXTS:
        assert decoded(f"a: {text}" if text != "-" else 'a: "-"') == [{"a": text}]
    for text in (*TEXTS, *SCALARS):
        assert decoded(f'a: "{text}"') == decoded(f"a: '{text}'") == [{"a": text}]


def test_keys_are_texts() -> None:
    assert decoded("{1: a, no: b, null: c, 2026-01-01: d, 1.50: e, <<: f}") == [
        {"1": "a", "no": "b", "null": "c", "2026-01-01": "d", "1.50": "e", "<<": "f"}
    ]
    assert decoded("{a: 1, a: 2}") == [{"a": 2}]


def test_tags_of_json_are_read() -> None:
    assert decoded("[!!str 5, ! 5, !!int 5, !!float 1.5, !!bool true, !!null ~]") == [
        "5", "5", 5, 1.5, True, None
    ]  # fmt: skip
    assert decoded("!!seq [!!map {a: 1}]") == [{"a": 1}]


REFUSED = [
    ("", "no body"),
    (" \n", "no body"),
    ("# nothing\n", "no body"),
    ("text", "neither a sequence nor a mapping"),
    ("5", "neither"),
    ("a: [", "Line 2, column 1"),
    ("a: 1\n b: 2", "Line 2"),
    ("- a\n\t- b", "Line 2"),
    ("a: 1\n---\nb: 2", "Line 2, column 1: Only one document"),
    ("a: &x 1\nb: *x", "Line 2, column 4: Aliases"),
    ("&a [*a]", "Aliases"),
    ("a: {<<: *b}", "Aliases"),
    ("a: !!python/object/apply:os.system [id]", "python/object/apply:os.system"),
    ("!!python/name:os.system", "python/name"),
    ("a: !!binary aGk=", "binary"),
    ("a: !!timestamp 2026-01-01", "timestamp"),
    ("a: !!set {b}", "set"),
    ("a: !!omap []", "omap"),
    ("a: !own b", "!own"),
    ("a: !!int x", "is none"),
    ("a: 1.0e+400", "beyond a double"),
    ("a: " + "9" * 401, "too many digits"),
    ("a: 1" + "0" * 4000, "too many digits"),
    ("? [a]\n: 1", "A key must be a scalar"),
    ("? {a: b}\n: 1", "A key must be a scalar"),
    ("[" * 7 + "]" * 7, "deeper than 6"),
    (b"a: caf\xe9", "Line 1: byte 6 (0xe9) is not UTF-8"),
    (b"- a: 1\n- a: \xfc\n", "Line 2: byte 12 (0xfc)"),
    (b"- a: 1\r- a: \xfc\r", "Line 2: byte 12 (0xfc)"),
    ("- a: 1\r- a: [\r", "Line 3, column 1"),
    (b"a: \x01", "YAML"),
    ("a: \0", "YAML"),
    ("%YAML 3.0\n---\na: 1", "Line 1"),
    ("@a", "Line 1"),
]


@pytest.mark.parametrize(("body", "place"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused_is_named(body: str | bytes, place: str) -> None:
    assert place in refused(body)


def test_limits() -> None:
    assert len(decoded("- 1\n" * 10)) == 10
    with pytest.raises(TooManyItems):
        decoded("- 1\n" * 11)
    assert decoded("[" * 6 + "]" * 6)
    with pytest.raises(BodyTooLarge):
        decoded("- [" + "a," * 1001 + "]", replace(WIDE, max_values=1000))


def test_an_exponent_of_many_digits() -> None:
    assert decoded("a: 1.0e-99999999999999999999") == [{"a": Decimal("1.0e-999999")}]


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)
)
# Each of a size that may be a million.
HOSTILE: list[Callable[[int], str]] = [
    lambda size: LAUGHS * (size // 2000),
    lambda size: "a: &a [*a, *a]\n" * (size // 20),
    lambda size: "[" * size,
    lambda size: "{" * size,
    lambda size: "- " * size,
    lambda size: "? " * size,
    lambda size: "a: " * size,
    lambda size: "[a: " * size,
    lambda size: "\n".join(" " * n + "a:" for n in range(int((2 * size) ** 0.5))),
    lambda size: "a: '" + "x" * (16 * size),
    lambda size: 'a: "' + "\\x41" * size,
    lambda size: "&a " * size,
    lambda size: "&" + "a" * (10 * size),
    lambda size: "!" * size,
    lambda size: "!<" + "a" * (10 * size),
    lambda size: "--- a\n" * size,
    lambda size: "%TAG ! tag:x,2000:\n" * (size // 10),
    lambda size: "#" * (10 * size),
    lambda size: "a: |\n" + " x\n" * size,
    lambda size: "a: " + "x " * size,
    lambda size: "[" + "," * size,
    lambda size: "{" + "a," * size + "}",
    lambda size: "\n" * (10 * size),
    lambda size: "a:" + " " * (10 * size),
    lambda size: "\ufeff" * size,
    lambda size: "'" * size,
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_bodies_are_read_or_refused_soon(hostile: Callable[[int], str]) -> None:
    def work(size: int) -> Callable[[], None]:
        data = hostile(size).encode()

        def read() -> None:
            with suppress(MalformedBody, BodyTooLarge, TooManyItems):
                yaml.decode(data, WIDE)

        return read

    assert_linear(work, 10**5)


def test_aliases_cost_no_memory() -> None:
    tracemalloc.start()
    refused(LAUGHS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_many_unknown_fields() -> None:
    (item,) = decoded("\n".join(f"k{number}: 1" for number in range(100_000)))
    assert len(item) == 100_000


@given(DOCUMENTS)
def test_what_is_written_reads_back(document: Any) -> None:
    assert yaml.decode(yaml.encode([document]), WIDE) == [document]


@given(DOCUMENTS)
def test_readers_of_older_versions_read_the_same_texts(document: Any) -> None:
    texts = _texts(document)
    assert pyyaml.safe_load(yaml.encode(texts)) == texts


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    if isinstance(value, dict):
        return [*value, *_texts([*value.values()])]
    return [value] if isinstance(value, str) else []


@given(DOCUMENTS)
def test_json_is_yaml(document: Any) -> None:
    """But for exponents, of which versions of YAML say different things: those are texts."""
    try:
        body = dump_exact([document])
        body.decode("ascii")
    except UnicodeDecodeError:
        body = json.dumps([document], default=float).encode()
        document = json.loads(body, parse_float=yaml.exact_float)[0]
    assume(not re.search(rb"\de[+-]?\d", body))
    with suppress(MalformedBody):  # YAML has no DEL and few control characters
        assert yaml.decode(body, WIDE) == [document]


@given(st.binary(max_size=200), st.integers(0, 60))
def test_any_bytes_are_read_or_refused(noise: bytes, place: int) -> None:
    body = "- email: é\n  tags: [a, 'b']\n- {age: 5}\n".encode()
    for hostile in (noise, body[:place] + noise + body[place:]):
        with suppress(MalformedBody):
            decoded(hostile)


def test_the_work_ends_when_it_is_checked() -> None:
    checks: list[int] = []

    def check() -> None:
        checks.append(1)
        if len(checks) == 3:
            raise MalformedBody("gone")

    with pytest.raises(MalformedBody, match="gone"):
        yaml.decode(b"- a\n" * 10_000, replace(WIDE, check=check))
    assert len(checks) == 3
