"""Rules of typed items, asked of the values of many items together."""

import re
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

from msgspec import UNSET

from ingest.validation.engine.typed_values import TypedValue

_JOINED = 64 * 1024
"""Characters that are matched together: `re` keeps some bytes for each until it is done."""


class Rule:
    """What is asked of one member of typed items beside its type."""

    def __init__(self, attribute: str, value: TypedValue) -> None:
        self._values = attrgetter(attribute)
        self._form = None if value.form is None else Pattern(value.form)
        self._plain = None if value.plain is None else Pattern(value.plain)
        self._check = value.check

    def refused(self, items: Sequence[Any]) -> Sequence[int]:
        """The positions of the items that it does not vouch for."""
        values = list(map(self._values, items))
        present = [value for value in values if value is not UNSET and value is not None]
        if self._vouches_for_all(present):
            return ()
        return [
            position
            for position, value in enumerate(values)
            if value is not UNSET and value is not None and not self._vouches_for(value)
        ]

    def _vouches_for_all(self, values: Sequence[Any]) -> bool:
        if self._form is not None and not self._form.matches_all(list(_texts(values))):
            return False
        if self._plain is not None and self._plain.matches_all(values):
            return True
        return self._check is None or all(map(self._check, values))

    def _vouches_for(self, value: Any) -> bool:
        if self._form is not None and type(value) is str and not self._form.matches(value):
            return False
        if self._plain is not None and self._plain.matches(value):
            return True
        return self._check is None or self._check(value)


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


def _texts(values: Sequence[Any]) -> Iterator[str]:
    return (value for value in values if type(value) is str)
