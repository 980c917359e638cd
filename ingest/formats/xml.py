"""XML, in and out, by the mapping of docs/formats.md.

::

    <contacts>                                   the collection, whatever its name
      <item>                                     an item, whatever its name
        <email>ann@example.com</email>           a field; the schema says what its text is
        <tags><item>a</item><item>b</item></tags>        a list
        <address><city>Rome</city></address>             a nested item
        <company type="null"/>                           null
        <anything type="number">5</anything>             where the schema does not say it
        <field name="the text">…</field>                 a name that no element can have
      </item>
    </contacts>

Elements become values while they are parsed, so that there is never a tree of them. A document
type is refused, and with it entities and everything external.
"""

import base64
import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, cast

from lxml import etree

from ingest.errors import MalformedBody, UnsupportedMediaType
from ingest.exactjson import dump_exact
from ingest.formats.charsets import TextReader, check_charset, is_meant
from ingest.formats.limits import Limits, no_body
from ingest.formats.shapes import ANY, Shape
from ingest.formats.xml_elements import FIELD, ITEM, Events, Target

_SAFE: dict[str, Any] = {
    # Not False, with which libxml2 leaves `&amp;` in attributes as it is. There are no entities but
    # XML's own five: a document type is refused before it can declare one.
    "resolve_entities": "internal",
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
_STEP = 64 * 1024
_ENOUGH = 4  # bytes that tell UTF-8, and what resembles it, from UTF-16 and UTF-32
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)  # that of UTF-32LE: UTF-16
_NAME = re.compile(r"(?!(?i:xml))[A-Za-z_][A-Za-z0-9_.-]*")
_NOTHING = re.compile(
    rb"(?:\xef\xbb\xbf|\xff\xfe(?:\0\0)?|\xfe\xff|\0\0\xfe\xff)?"
    rb"(?s:\s++|<\?.*?\?>|<!--.*?-->)*+"
)
"""A byte order mark, a declaration, comments and processing instructions, and no element."""
_DECLARATION = re.compile(
    rb"""<\?xml[^>]{1,100}?\sencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']"""
)
# What no XML document can hold, not even as a character reference.
_UNSAID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def decode(body: bytes, target: Events, limits: Limits, charset: str | None = None) -> Any:
    """The items of an XML body, not yet validated, or the one value that it is.

    Args:
        target: what makes values of the parser's events.
        charset: as `check_charset` names it; None for what the document says.

    Raises:
        MalformedBody: not XML, or XML that the mapping has no place for; the place is named.
        TooManyItems, BodyTooLarge
    """
    if not body.strip():
        raise no_body()
    _parse(body, target, charset, limits)
    return target.document


def decode_object(body: bytes, shape: Shape, limits: Limits) -> Any:
    """The value of a document of UTF-8 that is one object, whatever the name of its root.

    Raises: as `decode`.
    """
    deeper = replace(limits, max_nesting=limits.max_nesting + 1)
    target = Target(shape, ANY, deeper)
    target.start("root", {})  # whose one item it is
    _parse(body, target, "utf-8", limits)
    target.end("root")
    return target.document[0]


def _parse(body: bytes, target: Events, charset: str | None, limits: Limits) -> None:
    sent = (body[start : start + _STEP] for start in range(0, len(body), _STEP))
    parser, pieces = open_parser(etree.XMLParser, sent, charset, target=cast("Any", target))
    try:
        for piece in pieces:
            limits.check()
            parser.feed(piece)
        parser.close()
    except etree.XMLSyntaxError as error:
        raise (no_body() if is_nothing(body) else invalid_xml(error)) from None


def is_nothing(document: bytes | bytearray) -> bool:
    """Whether there is no element in a document, nor anything else that means something."""
    return _NOTHING.fullmatch(document) is not None


def open_parser(
    kind: Any, pieces: Iterable[bytes], charset: str | None, **options: Any
) -> tuple[Any, Iterable[bytes]]:
    """A parser for untrusted XML, and the pieces of the document that it is to be fed.

    Its user must refuse document types.

    Args:
        kind: a parser of lxml; it gets `options`.
        charset: as `check_charset` names it; None for what the document says.

    Raises:
        MalformedBody: also from the pieces: a byte is no text in the charset.
    """
    left = iter(pieces)
    head = b""
    for piece in left:
        head += piece
        if len(head) >= _ENOUGH:
            break
    pieces = chain([head], left)
    charset = charset or _declared(head)
    if charset not in (None, "utf-8") or (charset is None and head.startswith(_MARKS)):
        pieces, charset = _as_utf8(pieces, charset), "utf-8"
    if charset is not None or b"\0" not in head[:_ENOUGH]:
        pieces = _with_line_feeds(pieces)
    return kind(encoding=charset and "utf-8", **options, **_SAFE), pieces


def _with_line_feeds(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same with LF at every end of a line, as XML reads them: the parser counts no others."""
    split = False  # whether a line feed would be the other half of the line end before
    for piece in pieces:
        rest = piece[1:] if split and piece.startswith(b"\n") else piece
        split = piece.endswith(b"\r") if piece else split
        yield rest.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in rest else rest


def _declared(head: bytes) -> str | None:
    """The charset that a document declares, where the parser would read it as a smaller one."""
    found = _DECLARATION.match(head)
    try:
        charset = None if found is None else check_charset(found[1].decode())
    except UnsupportedMediaType:
        return None
    return charset if charset is not None and is_meant(charset) else None


def _as_utf8(pieces: Iterable[bytes], charset: str | None) -> Iterator[bytes]:
    reader = TextReader(charset, "application/xml")
    for piece in pieces:
        yield reader.feed(piece).encode()
    yield reader.end().encode()


def invalid_xml(error: etree.XMLSyntaxError) -> MalformedBody:
    line, column = error.position
    reason = (error.msg or "no element was found").partition(", line ")[0].strip()
    return MalformedBody(
        "The body is not valid XML", f"Line {line}, column {column}: {reason[:200]}."
    )


def encode_item(item: Mapping[str, Any]) -> bytes:
    """One item alone, as it is sent."""
    element = etree.Element("item", type="object")
    _fill(element, item)
    text: bytes = etree.tostring(element, encoding="utf-8", xml_declaration=True)
    return text


def encode(document: Any) -> bytes:
    """A document of JSON values as XML.

    One object as its `data` is said to be one, so that it can be sent as a document of one item.
    """
    element = etree.Element("response")
    _fill(element, document)
    data = element.find("data")
    if data is not None and isinstance(document["data"], dict):
        data.set("type", "object")
    text: bytes = etree.tostring(element, encoding="utf-8", xml_declaration=True)
    return text


def _fill(element: Any, value: Any) -> None:
    if isinstance(value, str):
        if _UNSAID.search(value) is None:
            element.text = value
        else:
            element.set("encoding", "base64")
            element.text = base64.b64encode(value.encode()).decode()
    elif value is None:
        element.set("type", "null")
    elif isinstance(value, bool):
        element.set("type", "boolean")
        element.text = "true" if value else "false"
    elif isinstance(value, dict):
        if all(name == ITEM for name in value):
            element.set("type", "object")
        for name, each in value.items():
            _fill(_named(element, name), each)
    elif isinstance(value, list):
        element.set("type", "array")
        for each in value:
            _fill(etree.SubElement(element, ITEM), each)
    else:
        element.set("type", "number")
        element.text = dump_exact(value).decode()


def _named(parent: Any, name: str) -> Any:
    if _NAME.fullmatch(name):
        return etree.SubElement(parent, name)
    element = etree.SubElement(parent, FIELD)
    element.set("name", _UNSAID.sub("\ufffd", name))
    return element
