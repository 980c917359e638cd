"""Which characters a part of a Python pattern matches, where it matches one.

Beyond ASCII, digits and letters are hundreds of ranges. A set that would need so many takes all of
what is beyond ASCII, and is not exact.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

LAST_ASCII, LAST = 0x7F, 0x10FFFF
_MOST_RANGES = 24
_BEYOND = (LAST_ASCII + 1, LAST)
_DIGITS = ((0x30, 0x39),)
_WORDS = (*_DIGITS, (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_ASCII_SPACES = ((0x09, 0x0D), (0x20, 0x20))
_LAST_SPACE, _LAST_CASED = 0x3000, 0x1E943

Range = tuple[int, int]
Ranges = tuple[Range, ...]


class Characters(NamedTuple):
    """A set of characters."""

    ranges: Ranges
    """In ascending order, with gaps between them."""
    exact: bool
    """Whether just these are matched; else some beyond ASCII are not."""


def any_character(flags: int) -> Characters:
    """What a dot matches."""
    return Characters(((0, LAST),) if flags & re.DOTALL else complement([(0x0A, 0x0A)]), True)


def in_class(members: Any, source: str, flags: int) -> Characters:
    """What a class of these members, as `re` has parsed it from `source`, matches."""
    negated, exact = False, True
    ranges: list[Range] = []
    for kind, each in members:
        match str(kind):
            case "NEGATE":
                negated = True
            case "LITERAL":
                ranges.append((each, each))
            case "RANGE":
                ranges.append(each)
            case _:
                found = _category(str(each), is_ascii=bool(flags & re.ASCII))
                ranges += found.ranges
                exact = exact and found.exact
    whole = complement(ranges) if negated else union(ranges)
    if flags & re.IGNORECASE:
        whole = _in_either_case(whole, source, flags)
    return Characters(whole, True) if exact and len(whole) <= _MOST_RANGES else _loose(whole)


def union(ranges: Iterable[Range]) -> Ranges:
    """The same characters in ascending order, with gaps between the ranges."""
    found: list[Range] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(high, found[-1][1])
        else:
            found.append((low, high))
    return tuple(found)


def complement(ranges: Iterable[Range]) -> Ranges:
    """All other characters."""
    return tuple(_between(union(ranges)))


def _between(ranges: Ranges) -> Iterator[Range]:
    start = 0
    for low, high in ranges:
        if low > start:
            yield start, low - 1
        start = high + 1
    if start <= LAST:
        yield start, LAST


def _loose(ranges: Ranges) -> Characters:
    """The ASCII of a set, and all that is beyond."""
    within = [(low, min(high, LAST_ASCII)) for low, high in ranges if low <= LAST_ASCII]
    return Characters(union([*within, _BEYOND]), False)


def _category(name: str, *, is_ascii: bool) -> Characters:
    """What \\d, \\s or \\w matches, or its opposite."""
    kind = name.rpartition("_")[2]
    if kind == "SPACE":
        found = Characters(_ASCII_SPACES if is_ascii else _spaces(), True)
    else:
        found = Characters(_DIGITS if kind == "DIGIT" else _WORDS, is_ascii)
    ranges = complement(found.ranges) if "_NOT_" in name else found.ranges
    return Characters(ranges, True) if found.exact else _loose(ranges)


@cache
def _spaces() -> Ranges:
    return union((code, code) for code in range(_LAST_SPACE + 1) if chr(code).isspace())


def _in_either_case(ranges: Ranges, source: str, flags: int) -> Ranges:
    """What is matched where case makes no difference: only characters with a case are others."""
    cased, others = _cased()
    kept = complement([*complement(ranges), *cased])
    matched = [(ord(each[0]), ord(each[0])) for each in re.finditer(source, others, flags)]
    return union([*kept, *matched])


@cache
def _cased() -> tuple[Ranges, str]:
    """The characters that have another case."""
    found = [
        each
        for each in map(chr, range(_LAST_CASED + 1))
        if not each == each.lower() == each.upper()
    ]
    return union((ord(each), ord(each)) for each in found), "".join(found)
