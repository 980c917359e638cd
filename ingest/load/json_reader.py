"""JSON and YAML files, both sent as JSON.

A JSON file is an array of items, or items one after the other, which is how many tools export. The
standard library's scanner finds where an item ends; bodies hold its text as it stands in the file,
so that no number loses a digit. A YAML file is one document, and read as a whole.
"""

import json
import re
from collections.abc import Iterable, Iterator
from io import IncrementalNewlineDecoder
from typing import Any

import orjson

from ingest.exactjson import dump_exact, load_exact
from ingest.formats import yaml
from ingest.formats.charsets import decoded
from ingest.formats.failed_lines import is_document
from ingest.formats.limits import Limits
from ingest.formats.negotiation import JSON
from ingest.load.errors import LoadError
from ingest.load.feed import MAX_ROW, Feed, Row

_SPACE = re.compile(r"[ \t\n\r]*")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")


# Numbers stay texts: what is wanted is where a value ends. The service says which it cannot keep.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse)
# The service's own limit of nesting is lower, and its message says so.
_YAML_LIMITS = Limits(max_item=MAX_ROW, max_items=1_000_000, max_nesting=1000)


def read_json(chunks: Iterable[bytes]) -> Feed:
    """The items of a JSON file.

    Reading the rows raises LoadError with line and column where the file is not valid JSON.
    """
    return _feed(_items(_Scanner(_with_line_feeds(decoded(chunks, None)))))


def read_yaml(chunks: Iterable[bytes]) -> Feed:
    """The items of a YAML file of at most 16 MiB.

    Raises:
        LoadError: it is larger.
        RequestError: it is not valid YAML; the place is named.
    """
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_ROW:
            raise LoadError(
                f"a YAML file of more than {MAX_ROW} bytes is not read; convert it to NDJSON"
            )
    document = yaml.decode(bytes(body), _YAML_LIMITS)
    items = document if isinstance(document, list) else [document]
    return _feed(Row(None, dump_exact(item)) for item in items)


def _feed(rows: Iterator[Row]) -> Feed:
    return Feed(JSON, rows, head=b"[", separator=b",", tail=b"]")


def _with_line_feeds(texts: Iterable[str]) -> Iterator[str]:
    """The same with LF at every end of a line: such are white space in JSON, and counted."""
    lines = IncrementalNewlineDecoder(None, translate=True)
    for text in texts:
        yield lines.decode(text)
    yield lines.decode("", final=True)


def _items(scanner: "_Scanner") -> Iterator[Row]:
    if not scanner.take("["):
        while scanner.peek():
            yield from _failed_in(scanner.value())
        return
    if not scanner.take("]"):
        yield scanner.value()
        while scanner.take(","):
            yield scanner.value()
        if not scanner.take("]"):
            raise scanner.error("expected a comma or the end of the array")
    if scanner.peek():
        raise scanner.error("the array has ended, and nothing may follow it")


def _failed_in(row: Row) -> Iterable[Row]:
    """The failed rows in the document that `/failures` answers; else the row itself.

    The service reads each again: as text, one that is no JSON would spoil the array around it.
    """
    if b'"failures"' not in row.data:
        return [row]
    try:
        document = load_exact(row.data)
    except orjson.JSONDecodeError:
        return [row]
    if not is_document(document):
        return [row]
    return [Row(row.line, dump_exact(each)) for each in document["failures"]]


class _Scanner:
    """Reads values of a text that arrives in pieces; no more than one of them is kept."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._text = ""
        self._at = 0
        self._line = 1
        self._column = 1

    def peek(self) -> str:
        """The next character that is not white space; none at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._advance(match.end() if match else self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._grow():
                return ""

    def take(self, character: str) -> bool:
        """Go past the next character, if it is this one."""
        found = self.peek() == character
        if found:
            self._advance(self._at + 1)
        return found

    def value(self) -> Row:
        self.peek()
        end = self._end()
        row = Row(self._line, self._text[self._at : end].encode())
        self._advance(end)
        return row

    def error(self, reason: str, place: int | None = None) -> LoadError:
        """That the text is no JSON, at `place` or where reading stopped."""
        line, column = self._position(self._at if place is None else place)
        return LoadError(f"not valid JSON on line {line}, column {column}: {reason}")

    def _end(self) -> int:
        """Where the value ends. A number that ends with the text read so far may go on."""
        while True:
            error: LoadError | None = None
            end = len(self._text)
            try:
                _, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as reason:
                error = self.error(reason.msg, reason.pos)
            except ValueError as reason:
                raise self.error(f"in the item that begins here, {reason}") from None
            except RecursionError:
                raise self.error("an item nests too deep") from None
            if end < len(self._text):
                return end
            if not self._grow():
                if error is not None:
                    raise error
                return len(self._text)

    def _grow(self) -> bool:
        """Read on until there is twice as much; returns whether there was more.

        Doubling, because a value that is not whole yet is read again from its start.
        """
        parts = [self._text[self._at :]]
        self._at = 0
        before = size = len(parts[0])
        if before > MAX_ROW:
            raise self.error(f"an item has more than {MAX_ROW} characters")
        for text in self._texts:
            parts.append(text)
            size += len(text)
            if size > 2 * before:
                break
        self._text = "".join(parts)
        return size > before

    def _advance(self, place: int) -> None:
        self._line, self._column = self._position(place)
        self._at = place

    def _position(self, place: int) -> tuple[int, int]:
        """Line and column of a place that has not been passed."""
        lines = self._text.count("\n", self._at, place)
        if not lines:
            return self._line, self._column + place - self._at
        return self._line + lines, place - self._text.rfind("\n", self._at, place)
