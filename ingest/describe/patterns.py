"""Patterns of Python as ECMA 262 writes them, which is what JSON Schema's `pattern` is.

Each part that matches one character is written out as the characters that Python matches there: the
two disagree on what a digit, a space or the other case of a letter is.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

_MOST_RANGES = 24
"""Beyond ASCII, as many are written out; a part of more takes all there is, and says so."""
_LAST_ASCII, _LAST = 0x7F, 0x10FFFF
_SPECIAL = frozenset(r"\^$.*+?()[]{}|/")
_MODES = re.IGNORECASE | re.ASCII | re.UNICODE | re.DOTALL
_WRITTEN = _MODES | re.VERBOSE
_SINGLE = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN"})


class Untranslatable(Exception):
    """ECMA 262 has no words for a part of a pattern."""


class Translated(NamedTuple):
    """A pattern of ECMA 262, to be read with its flag `u`."""

    pattern: str
    exact: bool
    """Whether it matches just the same; else it also matches some text that is not ASCII."""


@lru_cache(maxsize=256)
def matching_start(pattern: str, flags: int) -> Translated:
    """What `re.match` finds: the pattern at the start of a text.

    Raises:
        Untranslatable: it has parts that ECMA 262 cannot say.
    """
    mode = flags & ~re.DEBUG
    if mode & ~_WRITTEN:
        raise Untranslatable("a flag")
    try:
        parsed = re._parser.parse(pattern, mode)  # type: ignore[attr-defined]
    except (re.error, RecursionError):
        raise Untranslatable("its syntax") from None
    # Flags may be written into the pattern.
    writer = _Writer(parsed.state.flags)
    text = writer.sequence(parsed)
    return Translated(text if text.startswith("^") else f"^{text}", writer.exact)


class _Writer:
    """Writes the parts of a pattern that Python has parsed."""

    def __init__(self, flags: int) -> None:
        if flags & ~_WRITTEN:
            raise Untranslatable("a flag")
        self._flags = flags & _MODES
        self._refusing = False
        self.exact = True

    def sequence(self, parts: Any) -> str:
        return "".join(self._part(str(name), value) for name, value in parts)

    def _part(self, name: str, value: Any) -> str:
        if name in _SINGLE:
            return self._character(name, value)
        write = getattr(self, f"_{name.lower()}", None)
        if write is None:
            raise Untranslatable(name.lower())
        return str(write(value))

    def _at(self, where: Any) -> str:
        ends = {"AT_BEGINNING": "^", "AT_BEGINNING_STRING": "^", "AT_END_STRING": "$"}
        if str(where) == "AT_END":
            return r"(?=\n?$)"  # Python's $ is also before a last line break
        if str(where) not in ends:
            raise Untranslatable(str(where).lower())
        return ends[str(where)]

    def _branch(self, value: Any) -> str:
        return "(?:" + "|".join(self.sequence(each) for each in value[1]) + ")"

    def _subpattern(self, value: Any) -> str:
        _, added, removed, inner = value
        if added or removed:
            raise Untranslatable("flags of a group")
        return f"(?:{self.sequence(inner)})"

    def _max_repeat(self, value: Any) -> str:
        least, most, inner = value
        return self._repeated(inner) + _times(least, most)

    def _min_repeat(self, value: Any) -> str:
        return f"{self._max_repeat(value)}?"

    def _repeated(self, inner: Any) -> str:
        text = self.sequence(inner)
        parts = list(inner)
        whole = len(parts) == 1 and str(parts[0][0]) in {*_SINGLE, "SUBPATTERN", "BRANCH"}
        return text if whole else f"(?:{text})"

    def _assert(self, value: Any) -> str:
        direction, inner = value
        return f"(?{'<' if direction < 0 else ''}={self.sequence(inner)})"

    def _assert_not(self, value: Any) -> str:
        direction, inner = value
        refused, self._refusing = self._refusing, True
        text = f"(?{'<' if direction < 0 else ''}!{self.sequence(inner)})"
        self._refusing = refused
        return text

    def _character(self, name: str, value: Any) -> str:
        if name == "LITERAL" and not self._flags & re.IGNORECASE:
            return escaped(chr(value))
        found, exact = _characters(_source(name, value), self._flags)
        if not exact:
            if self._refusing:
                raise Untranslatable("what must not follow")
            self.exact = False
        return found


def _times(least: int, most: Any) -> str:
    unbounded = str(most) == "MAXREPEAT"
    if (least, unbounded) in ((0, True), (1, True)):
        return "+" if least else "*"
    if (least, most) == (0, 1):
        return "?"
    if unbounded:
        return f"{{{least},}}"
    return f"{{{least}}}" if least == most else f"{{{least},{most}}}"


def _source(name: str, value: Any) -> str:
    """A part that matches one character, as Python writes it."""
    if name == "ANY":
        return "."
    if name == "LITERAL":
        return f"[{_python(value)}]"
    if name == "NOT_LITERAL":
        return f"[^{_python(value)}]"
    return f"[{''.join(_members(value))}]"


def _members(value: Any) -> Iterator[str]:
    for kind, each in value:
        match str(kind):
            case "NEGATE":
                yield "^"
            case "LITERAL":
                yield _python(each)
            case "RANGE":
                yield f"{_python(each[0])}-{_python(each[1])}"
            case "CATEGORY":
                yield _CATEGORIES[str(each)]
            case other:
                raise Untranslatable(other.lower())


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


def _python(code: int) -> str:
    return f"\\U{code:08x}"


@lru_cache(maxsize=512)
def _characters(source: str, flags: int) -> tuple[str, bool]:
    """A class of ECMA 262 for a part that matches one character, and whether it is exact."""
    found = [match.span() for match in re.finditer(f"(?:{source})+", _every(), flags)]
    ranges = [(start, end - 1) for start, end in found]
    if not ranges:
        raise Untranslatable("what matches nothing")
    exact = len(ranges) <= _MOST_RANGES
    if not exact:
        ascii_ = [(low, min(high, _LAST_ASCII)) for low, high in ranges if low <= _LAST_ASCII]
        ranges = [*ascii_, (_LAST_ASCII + 1, _LAST)]
    return _class(ranges), exact


@cache
def _every() -> str:
    """Every character there is, in its order."""
    return "".join(map(chr, range(_LAST + 1)))


def _class(ranges: Sequence[tuple[int, int]]) -> str:
    """A class of these characters; of their opposite, where that is shorter."""
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return escaped(chr(ranges[0][0]))
    without = list(_between(ranges))
    if not without:
        return r"[\s\S]"
    if ranges[-1][1] == _LAST:
        return f"[^{_written(without)}]"
    return f"[{_written(ranges)}]"


def _between(ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start = 0
    for low, high in ranges:
        if low > start:
            yield start, low - 1
        start = high + 1
    if start <= _LAST:
        yield start, _LAST


def _written(ranges: Sequence[tuple[int, int]]) -> str:
    return "".join(
        _member(low)
        if low == high
        else _member(low) + ("-" if high > low + 1 else "") + _member(high)
        for low, high in ranges
    )


def _member(code: int) -> str:
    return r"\-" if chr(code) == "-" else escaped(chr(code))


def one_of_characters(characters: Iterable[str]) -> str:
    """A class of these characters."""
    return f"[{_written([(code, code) for code in sorted(set(map(ord, characters)))])}]"


def escaped(character: str) -> str:
    """A pattern that matches just this character."""
    if character in _SPECIAL:
        return f"\\{character}"
    code = ord(character)
    if code > 0xFFFF or character.isprintable():
        return character
    named = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}
    return named.get(character, f"\\u{code:04x}")
