# ruff: noqa: RUF001 - letters that look alike are what patterns confuse
"""Python's patterns in ECMA 262: the same texts match, or more where it says so."""

import datetime as dt
import re
from itertools import product
from random import Random

import pytest
from marshmallow import ValidationError, validate

from ingest.describe import texts
from ingest.describe.addresses import email, url
from ingest.describe.patterns import Untranslatable, matching_start, one_of_characters
from tests.property.schema_oracle import ecma

FLAGS = (0, re.IGNORECASE, re.ASCII, re.IGNORECASE | re.ASCII)
PATTERNS = [
    r"[a-z ]+\Z", r"^\w+$", r"\+?[0-9 ().-]{3,30}\Z", r"(?i)ik[s-z]?", r"\d{2,}$", r"[^\d\s]+",
    r"a|b|cd", r"(?:a+?b)*$", r".+\Z", r"(?s).+\Z", r"[\w.-]+@x", r"^(a|b)$|^c\Z", r"\S+\s\S",
    r"(?=a)a.", r"(?<!a)b", r"(?!ab)a", r"[A-Z]{2}\d?", r"\u00e9\\/", r"[\]\[\-^]+$", r"a{,3}\Z",
    r"(?x) a  b # c", r"(?P<name>a)b", r"[^a-k]+\Z", r"x{3}", r"[\s\S]*\Z",
]  # fmt: skip
LETTERS = (
    "aAbBzZ09 _-.\n\r\u2028\t\x1c\x85\u00e9\u00c9\u0130\u0131\u017f\u212aik\u0661\U0001d7ce"
    "\U00010400\ufeff$^\\[](){}/+@:"
)
STARTS = ("", "ab", "01", "ik", "KS", "a@x", "é\\/", "xxx", "]-[^")
ADDRESS_PARTS = (
    "a", "b", "@", ".", "-", "localhost", "é", "x.org", "co", "1", '"', "\\", "[1.2.3.4]", "_", "ſ",
    "\n", "٣", "127.0.0.1", "http://", "HTTPS://", "ftp://", "/", "?q=1", "#f", ":80", "user:pw@",
    "[::1]", " ", "file:///", "%41", "ı", "K", "𝒳", "\u00a0",
)  # fmt: skip


def drawn_texts(random: Random) -> list[str]:
    return [
        random.choice(STARTS) + "".join(random.choices(LETTERS, k=random.randrange(5)))
        for _ in range(60)
    ]


def addresses(random: Random, count: int) -> list[str]:
    return ["".join(random.choices(ADDRESS_PARTS, k=random.randrange(1, 7))) for _ in range(count)]


def takes(validator: validate.Validator, text: str) -> bool:
    try:
        validator(text)
    except ValidationError:
        return False
    return True


def check(pattern_takes: bool, wanted: bool, text: str, *, exact: bool) -> None:
    """What is not exact may take more, and only of texts beyond ASCII."""
    more = pattern_takes and not exact and not text.isascii()
    assert pattern_takes == wanted or more, text


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_same_texts_match(pattern: str) -> None:
    for flags in FLAGS:
        compiled = re.compile(pattern, flags)
        found = matching_start(pattern, compiled.flags)
        for text in drawn_texts(Random(pattern)):
            matches = ecma(found.pattern).search(text) is not None
            check(matches, compiled.match(text) is not None, text, exact=found.exact)


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        (r"[A-Z]{3}\Z", "^[A-Z]{3}$"),
        (r"^[a-z]+$", r"^[a-z]+(?=\n?$)"),
        (r"a|bc", "^(?:a|bc)"),
        (r"(?i)ab", "^[Aa][Bb]"),
        (r"\d", r"^[^\u0000-\/:-\u007f]"),
        (r"(?a)\d", "^[0-9]"),
    ],
)
def test_how_they_are_written(pattern: str, written: str) -> None:
    assert matching_start(pattern, re.compile(pattern).flags).pattern == written


@pytest.mark.parametrize(
    "pattern", [r"\bword\b", r"(a)\1", r"(?m)^a$", r"(?>a+)b", r"a++", r"(?!\w)a", r"(?i:a)b"]
)
def test_what_ecma_262_cannot_say(pattern: str) -> None:
    with pytest.raises(Untranslatable):
        matching_start(pattern, re.compile(pattern).flags)


def test_characters_of_a_class_stand_for_themselves() -> None:
    written = ecma(f"^{one_of_characters(LETTERS)}$")
    every = {chr(code) for code in range(0x11000)}
    assert {each for each in every if written.search(each)} == set(LETTERS) & every


def test_email_addresses() -> None:
    rule, written = validate.Email(), ecma(email()["pattern"])
    for text in addresses(Random(1), 1500):
        check(bool(written.search(text)), takes(rule, text), text, exact=False)


@pytest.mark.parametrize(
    "rule",
    [
        validate.URL(),
        validate.URL(relative=True),
        validate.URL(require_tld=False),
        validate.URL(relative=True, absolute=False),
        validate.URL(schemes=["git+ssh", "HTTP"]),
    ],
)
def test_urls(rule: validate.URL) -> None:
    patterns = [ecma(each["pattern"]) for each in url(rule)["allOf"]]
    for text in addresses(Random(2), 1500):
        matches = all(each.search(text) for each in patterns)
        check(matches, takes(rule, text), text, exact=False)


def test_a_file_has_a_host_of_its_own_or_none() -> None:
    patterns = [ecma(each["pattern"]) for each in url(validate.URL(schemes=["file"]))["allOf"]]
    for text in ("file:///etc/hosts", "FILE:///etc/hosts", "file://localhost/etc"):
        assert all(each.search(text) for each in patterns)
    assert not all(each.search("http://x.org") for each in patterns)


def test_dates_are_those_of_the_calendar() -> None:
    written = ecma(texts.DATE)
    years = (0, 1, 4, 100, 400, 1582, 1900, 1996, 2000, 2023, 2024, 2100, 9996, 9999)
    for year, month, day in product(years, range(14), range(33)):
        text = f"{year:04}-{month:02}-{day:02}"
        try:
            real = dt.date.fromisoformat(text) is not None
        except ValueError:
            real = False
        assert (written.search(text) is not None) == real, text


@pytest.mark.parametrize(
    "text", ["2024-1-1", "20240101", "2024-01-01\n", "x2024-01-01", "٢٠٢٤-01-01"]
)
def test_dates_have_one_form(text: str) -> None:
    assert not ecma(texts.DATE).search(text)
