"""XML files: each element of the root is an item, sent as it stands in the file."""

from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from ingest.formats.charsets import check_charset
from ingest.formats.negotiation import XML
from ingest.formats.xml import invalid_xml, open_parser
from ingest.formats.xml_elements import document_type
from ingest.load.errors import LoadError
from ingest.load.feed import MAX_ROW, Feed, Row

_UNKNOWN_LINE = 65_535  # older releases of libxml2 count no further


def read_xml(chunks: Iterable[bytes], *, charset: str | None) -> Feed:
    """The items of an XML file.

    Reading the rows raises LoadError or RequestError where it is not valid XML, or in a charset
    that is not read.
    """
    return Feed(XML, _rows(chunks, charset), head=b"<items>", tail=b"</items>")


def _rows(chunks: Iterable[bytes], charset: str | None) -> Iterator[Row]:
    charset = None if charset is None else check_charset(charset)
    parser, chunks = open_parser(etree.XMLPullParser, chunks, charset, events=("start", "end"))
    size = depth = 0
    item_depth = 2
    try:
        for chunk in chunks:
            parser.feed(chunk)
            size += len(chunk)
            for event, element in parser.read_events():
                if event == "start":
                    depth += 1
                    if depth == 1:
                        item_depth = _item_depth(element)
                    continue
                if depth == item_depth:
                    _forget_before(element)
                    size = 0
                    yield _row(element)
                elif depth == 1:
                    _check_blank(element.text)
                depth -= 1
            if size > MAX_ROW + len(chunk):
                raise LoadError(f"an item has more than {MAX_ROW} bytes")
        parser.close()
    except etree.XMLSyntaxError as error:
        raise invalid_xml(error) from None


def _item_depth(root: Any) -> int:
    if root.getroottree().docinfo.doctype:
        raise document_type()
    return 1 if root.get("type") == "object" else 2  # 1: the root is one item alone


def _forget_before(item: Any) -> None:
    """Remove the item before this one from the tree; what follows it is known only now."""
    before = item.getprevious()
    if before is not None:
        _check_blank(before.tail)
        item.getparent().remove(before)


def _row(item: Any) -> Row:
    line = item.sourceline
    data = etree.tostring(item, encoding="utf-8", with_tail=False)
    return Row(None if line is None or line >= _UNKNOWN_LINE else line, data)


def _check_blank(text: str | None) -> None:
    if text and text.strip():
        raise LoadError(
            f"the text {text.strip()[:50]!r} stands beside the items, and in none of them"
        )
