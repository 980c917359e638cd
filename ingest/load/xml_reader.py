"""XML files: each element of the root is an item, sent as it stands in the file."""

from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from ingest.formats.negotiation import XML
from ingest.formats.xml import SAFE
from ingest.load.feed import MAX_ROW, Feed, LoadError, Row

_UNKNOWN_LINE = 65_535  # older releases of libxml2 count no further


def read_xml(chunks: Iterable[bytes], name: str, *, charset: str | None) -> Feed:
    """The items of an XML file.

    Reading the rows raises LoadError where it is not valid XML, or in a charset that is not read.
    """
    return Feed(XML, _rows(chunks, name, charset), head=b"<items>", tail=b"</items>")


def _rows(chunks: Iterable[bytes], name: str, charset: str | None) -> Iterator[Row]:
    parser = _parser(name, charset)
    items = _Items(name)
    size = 0
    try:
        for chunk in chunks:
            parser.feed(chunk)
            size += len(chunk)
            for event, element in parser.read_events():
                row = items.take(event, element)
                if row is not None:
                    size = 0
                    yield row
            if size > MAX_ROW + len(chunk):
                raise LoadError(f"{name}: an item has more than {MAX_ROW} bytes")
        parser.close()
    except etree.XMLSyntaxError as error:
        line, column = error.position
        reason = (error.msg or "no element was found").partition(", line ")[0].strip()
        raise LoadError(
            f"{name}: not valid XML on line {line}, column {column}: {reason[:200]}"
        ) from None


def _parser(name: str, charset: str | None) -> Any:
    try:
        return etree.XMLPullParser(
            ("start", "end"),
            encoding=charset,
            **SAFE,
        )
    except LookupError:
        raise LoadError(
            f"{name}: XML in the charset {str(charset)[:100]!r} is not read; make it UTF-8"
        ) from None


class _Items:
    """Takes the parser's events, and the items out of its tree."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._depth = 0
        self._item_depth = 2
        self._last: Any = None

    def take(self, event: str, element: Any) -> Row | None:
        if event == "start":
            self._depth += 1
            if self._depth == 1:
                self._start(element)
            return None
        self._depth -= 1
        if self._depth == 0:
            self._no_text(element.text if self._item_depth == 2 else None)
        if self._depth + 1 != self._item_depth:
            return None
        self._forget()
        self._last = element
        line = element.sourceline
        data = etree.tostring(element, encoding="utf-8", with_tail=False)
        return Row(None if line is None or line >= _UNKNOWN_LINE else line, data)

    def _start(self, root: Any) -> None:
        if root.getroottree().docinfo.doctype:
            raise LoadError(
                f"{self._name}: the file has a document type; neither DOCTYPE nor entities are "
                "read, leave it out"
            )
        if root.get("type") == "object":  # one item alone
            self._item_depth = 1

    def _forget(self) -> None:
        """Remove the last item, whose tail is known only now."""
        last, self._last = self._last, None
        if last is not None:
            self._no_text(last.tail)
            last.getparent().remove(last)

    def _no_text(self, text: str | None) -> None:
        if text and text.strip():
            raise LoadError(
                f"{self._name}: the text {text.strip()[:50]!r} stands beside the items, and in none"
            )
