"""Which media type and dialect an answer has, by `Accept` (RFC 9110, 12.5.1)."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from ingest.dialects import DIALECTS, PROBLEMS
from ingest.dialects.answer import Dialect
from ingest.formats.negotiation import JSON

_PROBLEM = next(str(each.media_type) for each in PROBLEMS.values())
# Quoted text may hold commas and semicolons (RFC 9110, 5.6.4).
_PART = re.compile(r'(?:"[^"]*"|[^,])+')
_PARAMETER = re.compile(r';\s*([\w-]+)\s*(?:=\s*(?:"([^"]*)"|([^";]*)))?')
_QUALITY = re.compile(r"[01](?:\.[0-9]{0,3})?")


class Accepted(NamedTuple):
    """What a header admits."""

    media_type: str | None
    """None where it admits none that there is."""
    dialect: Dialect | None = None
    """None where it names none."""
    concrete: bool = False
    """Whether it names the media type, and not only a range that includes it."""
    named: str | None = None
    """The best of the media types that it names, where a range admits a better one."""
    unknown: bool = False
    """Whether all that it names is of dialects that do not exist."""


class _Range(NamedTuple):
    """A media range of the header, and the dialect that it is for."""

    name: str
    dialect: Dialect | None
    quality: float


@lru_cache(maxsize=256)  # clients send the same ones again and again
def accepted(header: str, available: tuple[str, ...]) -> Accepted:
    """The best of the media types for an `Accept` header, and the dialect that goes with it.

    The most specific range that names a type gives its quality. On a tie a dialect that is named
    wins, then a type that is named, then the first of `available`. Problem details win over plain
    JSON, and over no other.
    """
    if not header.strip():
        return Accepted(available[0])
    ranges = [*_ranges(header)]
    if not ranges:
        return Accepted(None, unknown=True)
    faces = dict.fromkeys(each.dialect for each in ranges if each.quality)
    problems = [each for each in faces if each and each.media_type and JSON in available]
    named = [each for each in faces if each and not each.media_type]
    choices = [(type_, dialect) for dialect in (*named, None) for type_ in available]
    choices += [(JSON, problem) for problem in problems]
    concrete = {(each.name, each.dialect) for each in ranges}
    media_type, dialect = max(
        choices,
        key=lambda each: (
            _quality(each[0], each[1], ranges),
            each[1] in named,
            each in concrete,
        ),
    )
    best = _quality(media_type, dialect, ranges)
    if not best:
        # An extension may name the format instead; the answer is in this dialect then.
        return Accepted(None, next(iter(named), None))
    if (media_type, dialect) == (JSON, None):
        equal = (each for each in problems if _quality(JSON, each, ranges) >= best)
        dialect = next(equal, None)
    if (media_type, dialect) in concrete:
        return Accepted(media_type, dialect, concrete=True)
    return Accepted(media_type, dialect, named=_named(dialect, ranges, available))


def _named(
    dialect: Dialect | None, ranges: Sequence[_Range], available: Sequence[str]
) -> str | None:
    """The best of the media types that are named for a dialect, or for none."""
    found = [
        each
        for each in ranges
        if each.quality and each.name in available and each.dialect in (None, dialect)
    ]
    return max(found, key=lambda each: each.quality).name if found else None


def _ranges(header: str) -> Iterator[_Range]:
    """The ranges of a header, but not those of a dialect that does not exist: they match nothing.

    Problem details are JSON in a dialect of their own.
    """
    for part in filter(None, map(str.strip, _PART.findall(header))):
        name = part.partition(";")[0].strip().lower()
        given = {
            pair[1].lower(): (pair[2] or pair[3] or "").strip().lower()
            for pair in _PARAMETER.finditer(part)
        }
        named, is_problem = given.get("dialect"), name == _PROBLEM
        dialect = PROBLEMS.get(named) if is_problem else DIALECTS.get(named or "")
        if dialect is None and (is_problem or named is not None):
            continue
        quality = given.get("q", "")
        yield _Range(
            JSON if is_problem else name,
            dialect,
            float(quality) if _QUALITY.fullmatch(quality) else 1.0,
        )


def _quality(media_type: str, dialect: Dialect | None, ranges: Sequence[_Range]) -> float:
    """That of the most specific range which names a media type, in a dialect."""
    for name in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        found = [each.quality for each in ranges if (each.name, each.dialect) == (name, dialect)]
        if found:
            return max(found)
    return 0.0
