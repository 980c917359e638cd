"""XML out: documents of JSON values, in the mapping that `ingest.formats.xml` reads."""

import base64
import re
from typing import Any

from lxml import etree

from ingest.exactjson import dump_exact
from ingest.formats.xml_elements import ELEMENT, FIELD

_NAME = re.compile(r"(?!(?i:xml))[A-Za-z_][A-Za-z0-9_.-]*")
# What no XML document can hold, not even as a character reference.
_UNSAID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def encode(document: Any, root: str = "response") -> bytes:
    """A document of JSON values as XML."""
    element = etree.Element(root)
    _fill(element, document)
    text: bytes = etree.tostring(element, encoding="utf-8", xml_declaration=True)
    return text


def _fill(element: Any, value: Any) -> None:
    if isinstance(value, str):
        _fill_text(element, value)
    elif value is None:
        element.set("type", "null")
    elif isinstance(value, bool):
        element.set("type", "boolean")
        element.text = "true" if value else "false"
    elif isinstance(value, dict):
        if all(name == ELEMENT for name in value):
            element.set("type", "object")
        for name, each in value.items():
            _fill(_named(element, name), each)
    elif isinstance(value, list):
        element.set("type", "array")
        for each in value:
            _fill(etree.SubElement(element, ELEMENT), each)
    else:
        element.set("type", "number")
        element.text = dump_exact(value).decode()


def _fill_text(element: Any, text: str) -> None:
    if _UNSAID.search(text) is None:
        element.text = text
    else:
        element.set("encoding", "base64")
        element.text = base64.b64encode(text.encode()).decode()


def _named(parent: Any, name: str) -> Any:
    if _NAME.fullmatch(name):
        return etree.SubElement(parent, name)
    element = etree.SubElement(parent, FIELD)
    element.set("name", _UNSAID.sub("\ufffd", name))
    return element
