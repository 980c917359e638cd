"""Bounds of numbers that are written as texts."""

import re
from decimal import Decimal
from itertools import product

import pytest

from ingest.describe.ranges import bounded

WHOLE = ("0", "00", "1", "7", "09", "10", "19", "20", "100", "0199", "200", "1000", "2020")
PART = ("", ".0", ".00", ".1", ".05", ".049", ".05000", ".051", ".9", ".50", ".500001")
TEXTS = [f"{sign}{whole}{part}" for sign, whole, part in product(("", "-"), WHOLE, PART)]
BOUNDS = ("0", "0.05", "0.5", "1", "9", "10.05", "19.9", "20", "99", "100", "199.5", "200.051")


@pytest.mark.parametrize("bound", [*BOUNDS, *(f"-{each}" for each in BOUNDS)])
def test_a_pattern_takes_the_texts_of_the_numbers_that_keep_to_a_bound(bound: str) -> None:
    number = Decimal(bound)
    for most, inclusive in product((True, False), repeat=2):
        pattern = bounded(number, most=most, inclusive=inclusive)
        assert pattern is not None
        for text in TEXTS:
            value = Decimal(text)
            keeps = value < number if most else value > number
            wanted = keeps or (inclusive and value == number)
            assert bool(re.search(pattern, text)) is wanted, (text, pattern)


@pytest.mark.parametrize("text", ["", "-", "1.", ".5", "1e3", "+1", "a1"])
def test_what_is_no_number_keeps_to_none(text: str) -> None:
    for most, bound in product((True, False), (-7, 0, 7)):
        assert not re.search(str(bounded(bound, most=most, inclusive=True)), text)


def test_bounds_of_many_digits_have_no_pattern() -> None:
    assert bounded(0.1, most=True, inclusive=True) is None
    assert bounded(Decimal("1e99"), most=False, inclusive=True) is None
    assert bounded(0.5, most=True, inclusive=True) is not None
