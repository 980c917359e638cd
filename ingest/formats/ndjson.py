"""NDJSON bodies: one JSON value a line, read while they arrive."""

from codecs import BOM_UTF8
from collections.abc import Iterable
from typing import Any

import orjson

from ingest.exactjson import dump_exact, keep_digits, may_round
from ingest.formats.failed_lines import as_sent, is_failed_row
from ingest.formats.limits import Limits, item_too_large, no_body, unreadable
from ingest.formats.nesting import may_nest_deeper, nests_deeper
from ingest.formats.typed import Typed
from ingest.model import Unreadable

_MAX_SHOWN = 40_000  # bytes of a line that cannot be read: no excerpt has more


class NdjsonDecoder:
    """Makes items of lines. Blank lines do not count; a line that is not JSON is a failed item.

    No more than one unfinished line is kept between two calls.
    """

    columns: None = None
    single = False

    def __init__(
        self, limits: Limits, *, failed_rows: bool = True, typed: Typed | None = None
    ) -> None:
        """
        Args:
            typed: reads the lines that it can.
            failed_rows: whether lines of a file of failed rows are what failed.
        """
        self._limits = limits
        self._failed_rows = failed_rows
        self._typed = typed
        self._rest = bytearray()  # the unfinished line
        self._empty = True
        self._line = 1  # the number of the unfinished line

    @property
    def line(self) -> int:
        return self._line

    def feed(self, piece: bytes) -> list[Any]:
        end = piece.rfind(b"\n") + 1
        if not end:
            self._keep(piece)
            return []
        lines = bytes(self._rest) + piece[:end]
        self._rest.clear()
        found = self._read(lines)
        self._keep(piece[end:])
        return found

    def end(self) -> list[Any]:
        lines = bytes(self._rest)
        self._rest.clear()
        found = self._read(lines) if lines else []
        if self._empty:
            raise no_body()
        return found

    def _keep(self, part: bytes) -> None:
        if len(self._rest) + len(part) > self._limits.max_item:
            raise item_too_large(self._limits.max_item, self._line, "line")
        self._rest += part

    def _read(self, text: bytes) -> list[Any]:
        if self._line == 1:
            text = text.removeprefix(BOM_UTF8)
        typed = self._read_typed(text)
        if typed is not None:
            self._line += text.count(b"\n")
            self._empty = self._empty and not typed
            return typed
        # One test for many lines; each of them is tested only where it finds something.
        suspicious = may_round(text) or self._may_be_odd(text)
        found: list[Any] = []
        add, loads, limit = found.append, orjson.loads, self._limits.max_item
        for number, line in enumerate(text.split(b"\n"), self._line):
            if len(line) > limit:
                raise item_too_large(limit, number, "line")
            # To try it would take twenty times as long as to see that there is nothing.
            if not line or line.isspace():
                continue
            try:
                item = loads(line)
            except orjson.JSONDecodeError as error:
                add(_unreadable(line, number, _reason(line, error)))
                continue
            add(self._checked(line, number, item) if suspicious else item)
        self._line = number
        self._empty = self._empty and not found
        return found

    def _read_typed(self, text: bytes) -> list[Any] | None:
        """The items of lines, where nothing has to be looked at in any other."""
        if self._typed is None or len(text) > self._limits.max_item:
            return None
        found = self._typed.decode_lines(text)
        if found is None or all(map(self._typed.is_typed, found)) or not self._may_be_odd(text):
            return found
        return None

    def _may_be_odd(self, text: bytes) -> bool:
        """Whether a line might nest too deep, or be one of failed rows."""
        return may_nest_deeper(text, self._limits.max_nesting - 1) or (
            self._failed_rows and b'"errors"' in text
        )

    def _checked(self, line: bytes, number: int, item: Any) -> Any:
        limit = self._limits.max_nesting
        if nests_deeper(line, limit - 1):
            return _unreadable(line, number, f"it nests deeper than {limit - 1} levels")
        item = keep_digits(line, item)
        if self._failed_rows and is_failed_row(item):
            return as_sent(item, f"Line {number}.", limit - 1)
        return item


def ndjson_lines(values: Iterable[Any]) -> bytes:
    """Values as lines."""
    return b"".join(dump_exact(value) + b"\n" for value in values)


def _unreadable(line: bytes, number: int, reason: str) -> Unreadable:
    text = line[:_MAX_SHOWN].decode(errors="replace").strip()
    return unreadable(text, "This line is not valid JSON.", f"Line {number}: {reason}.")


def _reason(line: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        line.decode()
    except UnicodeDecodeError as not_utf8:
        place = not_utf8.start
        return f"byte {place} (0x{line[place]:02x}) is not UTF-8: {not_utf8.reason}"
    return f"column {error.colno}: {error.msg}"
