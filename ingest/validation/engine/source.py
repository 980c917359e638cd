"""The text of a generated function, and the function that Python makes of it.

Whatever a user wrote (names of fields, choices, formats) enters the text as a quoted literal or
not at all: every identifier in it is made here.
"""

import itertools
import linecache
import re
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from marshmallow import missing

_INDENT = "    "
_MAX_DEPTH = 60
_MAX_LOOPS = 12  # CPython allows 20 statically nested blocks
_MAX_LITERAL = 10**18
_MAX_LINES = 8000  # nested schemas are written out wherever they are used

_numbers = itertools.count(1)


class Uncompiled(Exception):
    """This part of a schema is left to marshmallow; the message says why."""


class TooLong(Uncompiled):
    """The function would become too long, as would those of most of its parts."""


class Fallback(Exception):
    """Raised and caught inside a generated function that leaves the item to the next engine."""


FALLBACK = object()
"""What a generated function returns for an item that it leaves to the next engine."""
_NAMES = {"Fallback": Fallback, "FALLBACK": FALLBACK, "MISSING": missing}


class Source:
    """Lines of one function, written from top to bottom."""

    def __init__(self, purpose: str, subject: str) -> None:
        """The function is called `purpose_subject`, whatever characters the subject has."""
        self.name = f"{purpose}_" + re.sub(r"\W", "_", subject, flags=re.ASCII)
        self.lines: list[str] = []
        self.names: dict[str, Any] = dict(_NAMES)
        self._depth = 0
        self._loops = 0
        self._counts: dict[str, int] = {}
        self._bound: dict[int, str] = {}
        self._deferred: list[str] = []

    def line(self, text: str) -> None:
        """Add one line at the present depth."""
        self.lines.append(_INDENT * self._depth + text)

    def fall_back_if(self, condition: str) -> None:
        """Leave the item to the next engine where the condition holds."""
        self.line(f"if {condition}:")
        self.lines.append(_INDENT * (self._depth + 1) + "raise Fallback")

    @contextmanager
    def function(self, parameters: str, fallback: str) -> Iterator[None]:
        """The function itself; it returns the expression `fallback` where it returns nothing."""
        with self.block(f"def {self.name}({parameters}):"):
            yield
            # After the handlers, so that what it raises has no other exception as its context.
            self.line(f"return {fallback}")

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """A `try` block; after any exception, the function goes on below."""
        with self.block("try:"):
            yield
        self.line("except Exception:")
        self.line("    pass")

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """Indent what is written inside under `header`."""
        loop = header.startswith("for ")
        if self._depth >= _MAX_DEPTH or self._loops + loop > _MAX_LOOPS:
            raise Uncompiled("nested too deeply")
        self.line(header)
        start = len(self.lines)
        self._depth += 1
        self._loops += loop
        try:
            yield
            if len(self.lines) == start:
                self.line("pass")
        finally:
            self._depth -= 1
            self._loops -= loop

    @contextmanager
    def optional_block(self, header: str) -> Iterator[None]:
        """Like `block`; nothing is left of it where nothing is written inside."""
        start = len(self.lines)
        with self.block(header):
            yield
        if self.lines[start + 1 :] == [_INDENT * (self._depth + 1) + "pass"]:
            del self.lines[start:]

    @contextmanager
    def undone_if_uncompiled(self) -> Iterator[None]:
        """Take back what was written inside where it ends in Uncompiled."""
        start = len(self.lines)
        try:
            yield
        except Uncompiled:
            del self.lines[start:]
            raise

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Keep what is written inside until `write_deferred`, at the same depth."""
        lines, self.lines = self.lines, self._deferred
        try:
            yield
        finally:
            self.lines = lines

    def write_deferred(self) -> None:
        self.lines += self._deferred

    def check_length(self) -> None:
        """Make sure that the function has not become too long by what is nested in it."""
        if len(self.lines) > _MAX_LINES:
            raise TooLong("too much is nested in the schema")

    def fresh(self, hint: str) -> str:
        """A variable that no other line uses."""
        count = self._counts.get(hint, 0) + 1
        self._counts[hint] = count
        return f"{hint}_{count}"

    def bind(self, hint: str, value: object) -> str:
        """A name that stands for an object; the same for the same object."""
        known = self._bound.get(id(value))
        if known is None:
            known = self._bound[id(value)] = self.fresh(hint)
            self.names[known] = value
        return known

    def constant(self, value: object) -> str:
        """A literal where there is an exact one, else a name."""
        if value is None or value is True or value is False:
            return repr(value)
        if type(value) is str:
            return ascii(value)
        if type(value) is int and -_MAX_LITERAL < value < _MAX_LITERAL:
            return repr(value)
        return self.bind("constant", value)

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def compiled(self, **names: Any) -> Callable[..., Any]:
        """The function, shown by tracebacks while it lives.

        Args:
            names: further objects by the names that stand for them in the text.
        """
        text, namespace = self.text(), {**names, **self.names}
        filename = f"<{self.name} {next(_numbers)}>"
        exec(compile(text, filename, "exec"), namespace)  # noqa: S102 - every name in it is ours
        function: Callable[..., Any] = namespace[self.name]
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        weakref.finalize(function, linecache.cache.pop, filename, None).atexit = False
        return function
