"""Patterns of Python as ECMA 262 writes them, which is what JSON Schema's `pattern` is.

Each part that matches one character is written out as the characters that Python matches there: the
two disagree on what a digit, a space or the other case of a letter is.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from ingest.describe.characters import LAST, Ranges, any_character, complement, in_class

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
        if name == "ANY":
            found = any_character(self._flags)
        else:
            members = _members(name, value)
            found = in_class(members, _source(members), self._flags)
        if not found.exact:
            if self._refusing:
                raise Untranslatable("what must not follow")
            self.exact = False
        return _class(found.ranges)


def _times(least: int, most: Any) -> str:
    unbounded = str(most) == "MAXREPEAT"
    if (least, unbounded) in ((0, True), (1, True)):
        return "+" if least else "*"
    if (least, most) == (0, 1):
        return "?"
    if unbounded:
        return f"{{{least},}}"
    return f"{{{least}}}" if least == most else f"{{{least},{most}}}"


def _members(name: str, value: Any) -> Any:
    """A part that matches one character as the members of a class."""
    if name == "IN":
        return value
    negated = [("NEGATE", None)] if name == "NOT_LITERAL" else []
    return [*negated, ("LITERAL", value)]


def _source(members: Any) -> str:
    """A class as Python writes it."""
    return f"[{''.join(_member_source(str(kind), each) for kind, each in members)}]"


def _member_source(kind: str, value: Any) -> str:
    match kind:
        case "NEGATE":
            return "^"
        case "LITERAL":
            return f"\\U{value:08x}"
        case "RANGE":
            return f"\\U{value[0]:08x}-\\U{value[1]:08x}"
        case "CATEGORY" if str(value) in _CATEGORIES:
            return _CATEGORIES[str(value)]
    raise Untranslatable(kind.lower())


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


def _class(ranges: Ranges) -> str:
    """A class of these characters, or what is shorter."""
    if not ranges:
        raise Untranslatable("what matches nothing")
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return escaped(chr(ranges[0][0]))
    without = complement(ranges)
    if not without:
        return r"[\s\S]"
    if ranges[-1][1] == LAST:
        return f"[^{_written(without)}]"
    return f"[{_written(ranges)}]"


def _written(ranges: Ranges) -> str:
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
    return f"[{_written(tuple((code, code) for code in sorted(set(map(ord, characters)))))}]"


def escaped(character: str) -> str:
    """A pattern that matches just this character."""
    if character in _SPECIAL:
        return f"\\{character}"
    code = ord(character)
    if code > 0xFFFF or character.isprintable():
        return character
    named = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}
    return named.get(character, f"\\u{code:04x}")
