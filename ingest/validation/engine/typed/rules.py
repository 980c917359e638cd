"""Rules of typed items, asked of the values of many items together."""

import re
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Protocol

from msgspec import UNSET, Raw

from ingest.resources.as_sent import EXACT_INTEGER
from ingest.validation.engine.typed.checks import Check, exact_numbers
from ingest.validation.engine.typed.scalars import TypedValue

_JOINED = 64 * 1024
"""Characters that are matched together: `re` keeps some bytes for each until it is done."""


class Rule(Protocol):
    """What is asked of one member of typed items beside its type."""

    def refused(self, items: Sequence[Any]) -> Sequence[int]:
        """The positions of the items that it does not vouch for."""


def rule_of(attribute: str, value: TypedValue, *, nullable: bool) -> Rule:
    """Args: `nullable` where null is vouched for."""
    if value.is_number:
        return _NumberRule(attribute, value.check, nullable=nullable)
    return _TextRule(attribute, value, nullable=nullable)


class _TextRule:
    """Patterns and checks of texts, and of whatever else has a check."""

    def __init__(self, attribute: str, value: TypedValue, *, nullable: bool) -> None:
        self._values = attrgetter(attribute)
        self._is_raw = value.type is Raw
        self._nullable = nullable
        self._form = None if value.form is None else Pattern(value.form)
        self._plain = None if value.plain is None else Pattern(value.plain)
        self._check = value.check

    def refused(self, items: Sequence[Any]) -> Sequence[int]:
        values = list(map(self._values, items))
        if self._is_raw:
            values = [value if value is UNSET else self._text(bytes(value)) for value in values]
        present = [value for value in values if value is not UNSET and value is not None]
        if self._vouches_for_all(present):
            return ()
        return [
            position
            for position, value in enumerate(values)
            if value is not UNSET and value is not None and not self._vouches_for(value)
        ]

    def _text(self, sent: bytes) -> str | None:
        return None if self._nullable and sent == b"null" else sent.decode()

    def _vouches_for_all(self, values: Sequence[Any]) -> bool:
        if self._form is not None and not self._form.matches_all(values):
            return False
        if self._plain is not None and self._plain.matches_all(values):
            return True
        return self._check is None or all(map(self._check, values))

    def _vouches_for(self, value: Any) -> bool:
        if self._form is not None and not self._form.matches(value):
            return False
        if self._plain is not None and self._plain.matches(value):
            return True
        return self._check is None or self._check(value)


class _NumberRule:
    """Numbers that are staged as they were sent, and that a double holds."""

    def __init__(self, attribute: str, check: Check | None, *, nullable: bool) -> None:
        self._values = attrgetter(attribute)
        self._check = check
        self._nullable = nullable

    def refused(self, items: Sequence[Any]) -> Sequence[int]:
        values = list(map(self._values, items))
        sent = [bytes(value) for value in values if value is not UNSET]
        numbers = exact_numbers(sent)
        if numbers is not None and self._vouches_for_all(numbers):
            return ()
        return [
            position
            for position, value in enumerate(values)
            if value is not UNSET and not self._vouches_for_all(exact_numbers([bytes(value)]))
        ]

    def _vouches_for_all(self, numbers: Sequence[Any] | None) -> bool:
        if numbers is None:
            return False
        if self._check is None and set(map(type, numbers)) == {float}:
            return True
        return all(map(self._vouches_for, numbers))

    def _vouches_for(self, number: Any) -> bool:
        if number is None:
            return self._nullable
        if type(number) is int:
            if not -EXACT_INTEGER <= number <= EXACT_INTEGER:
                return False
        elif type(number) is not float:
            return False
        return self._check is None or self._check(number)


class Pattern:
    """A pattern that no text with a line break matches."""

    def __init__(self, pattern: str) -> None:
        self._one = re.compile(pattern)
        self._lines = re.compile(f"(?:(?>{pattern})\n)*+")

    def matches(self, text: str) -> bool:
        return self._one.fullmatch(text) is not None

    def matches_all(self, texts: Sequence[str]) -> bool:
        """Whether it matches each of them; one match of many costs less than many of one."""
        lines = "\n".join([*texts, ""])
        if len(lines) > _JOINED:
            return all(map(self.matches, texts))
        whole = self._lines.fullmatch(lines) is not None
        return whole and lines.count("\n") == len(texts)
