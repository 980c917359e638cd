"""XML files: each element of the root is an item, sent as it stands in the file."""

from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from ingest.formats.negotiation import XML
from ingest.formats.xml import invalid_xml, safe_parser
from ingest.formats.xml_elements import document_type
from ingest.load.feed import MAX_ROW, Feed, FileError, Row

_UNKNOWN_LINE = 65_535  # older releases of libxml2 count no further


def read_xml(chunks: Iterable[bytes], *, charset: str | None) -> Feed:
    """The items of an XML file.

    Reading the rows raises FileError or RequestError where it is not valid XML, or in a charset
    that is not read.
    """
    return Feed(XML, _rows(chunks, charset), head=b"<items>", tail=b"</items>")


def _rows(chunks: Iterable[bytes], charset: str | None) -> Iterator[Row]:
    parser = safe_parser(etree.XMLPullParser, charset, events=("start", "end"))
    items = _Items()
    size = 0
    try:
        for chunk in chunks:
            parser.feed(chunk)
            size += len(chunk)
            for event, element in parser.read_events():
                if event == "start":
                    items.start(element)
                elif (row := items.end(element)) is not None:
                    size = 0
                    yield row
            if size > MAX_ROW + len(chunk):
                raise FileError(f"an item has more than {MAX_ROW} bytes")
        parser.close()
    except etree.XMLSyntaxError as error:
        raise invalid_xml(error) from None


class _Items:
    """Takes the parser's events, and the items out of its tree."""

    def __init__(self) -> None:
        self._depth = 0
        self._item_depth = 2
        self._last: Any = None

    def start(self, element: Any) -> None:
        self._depth += 1
        if self._depth > 1:
            return
        if element.getroottree().docinfo.doctype:
            raise document_type()
        if element.get("type") == "object":  # one item alone
            self._item_depth = 1

    def end(self, element: Any) -> Row | None:
        """The item that ends with `element`, if one does."""
        depth = self._depth
        self._depth -= 1
        if depth == 1 and self._item_depth == 2:
            _check_blank(element.text)
        if depth != self._item_depth:
            return None
        self._forget()
        self._last = element
        line = element.sourceline
        data = etree.tostring(element, encoding="utf-8", with_tail=False)
        return Row(None if line is None or line >= _UNKNOWN_LINE else line, data)

    def _forget(self) -> None:
        """Remove the last item, whose tail is known only now."""
        last, self._last = self._last, None
        if last is not None:
            _check_blank(last.tail)
            last.getparent().remove(last)


def _check_blank(text: str | None) -> None:
    if text and text.strip():
        raise FileError(
            f"the text {text.strip()[:50]!r} stands beside the items, and in none of them"
        )
