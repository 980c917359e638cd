"""XML files: each element of the root is an item, sent as it stands in the file."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lxml import etree

from ingest.formats.charsets import check_charset
from ingest.formats.limits import no_body
from ingest.formats.negotiation import XML
from ingest.formats.xml import invalid_xml, is_nothing, open_parser
from ingest.formats.xml_elements import document_type
from ingest.load.errors import LoadError
from ingest.load.feed import MAX_ROW, Feed, Row

_SHOWN = 20  # paths in a message
_UNKNOWN_LINE = 65_535  # older releases of libxml2 count no further


def read_xml(chunks: Iterable[bytes], *, charset: str | None, items: Sequence[str] = ()) -> Feed:
    """The items of an XML file.

    Args:
        items: the names of the elements on the way to an item, from the root's own to the item's;
            none where items are the elements of the root.

    Raises:
        RequestError: the charset is not read.

    Reading the rows raises LoadError or RequestError where it is not valid XML, or holds no item at
    the path.
    """
    elements = _Elements(chunks, charset)
    rows = _rows_at(elements, [*items]) if items else _rows(elements)
    return Feed(XML, rows, head=b"<items>", tail=b"</items>")


def _rows(elements: "_Elements") -> Iterator[Row]:
    depth = 0
    item_depth = 2
    for event, element in elements:
        if event == "start":
            depth += 1
            if depth == 1:
                item_depth = 1 if element.get("type") == "object" else 2  # 1: one item alone
            continue
        if depth == item_depth:
            _forget_before(element)
            elements.let_go()
            yield _row(element)
        elif depth == 1:
            _check_blank(element.text)
        depth -= 1


def _rows_at(elements: "_Elements", path: list[str]) -> Iterator[Row]:
    """The elements at a path; those around them say nothing."""
    around: list[str] = []
    inside = 0
    others: dict[str, None] = {}
    found = False
    for event, element in elements:
        if event == "start":
            if not inside:
                around.append(etree.QName(element).localname)
            inside += inside > 0 or around == path
            if not inside and len(others) < _SHOWN and len(around) <= len(path):
                others["/".join(around)] = None
            continue
        inside -= inside > 0
        if inside:
            continue
        if around == path:
            found = True
            yield _row(element)
        around.pop()
        elements.let_go()
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
    if not found:
        raise LoadError(
            f"there is no element {'/'.join(path)[:100]!r}; found: {', '.join(others)[:500]}"
        )


class _Elements:
    """Where the elements of a file begin and end."""

    def __init__(self, chunks: Iterable[bytes], charset: str | None) -> None:
        charset = None if charset is None else check_charset(charset)
        self._parser, self._chunks = open_parser(
            etree.XMLPullParser, chunks, charset, events=("start", "end")
        )
        self._size = 0

    def let_go(self) -> None:
        """What was read is no longer kept: an item may have `MAX_ROW` bytes from here on."""
        self._size = 0

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        checked = False
        start = bytearray()  # of which no element may come
        try:
            for chunk in self._chunks:
                if not checked and len(start) < MAX_ROW:
                    start += chunk
                self._parser.feed(chunk)
                self._size += len(chunk)
                for event, element in self._parser.read_events():
                    if not checked and element.getroottree().docinfo.doctype:
                        raise document_type()
                    checked = True
                    yield event, element
                if self._size > MAX_ROW + len(chunk):
                    raise LoadError(f"an item has more than {MAX_ROW} bytes")
            self._parser.close()
        except etree.XMLSyntaxError as error:
            raise (no_body() if not checked and is_nothing(start) else invalid_xml(error)) from None


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
