"""Where the body of a call of document 001 has its token: in its outermost object, and only there.

What is looked at has been decoded before, and so is well-formed.
"""

import re
from collections.abc import Iterator

Span = tuple[int, int]
"""The bytes of a value: where they begin, and where they end."""

# Letters of a name may be escaped (RFC 8259, 7).
_JSON_KEY = re.compile(
    rb'"(?:t|\\u0074)(?:o|\\u006[fF])(?:k|\\u006[bB])(?:e|\\u0065)(?:n|\\u006[eE])"\s*:\s*'
)
_JSON_MARK = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
_JSON_VALUE = re.compile(rb'"(?:[^"\\]|\\.)*"|[^\s,}]+', re.DOTALL)
_XML_MARK = re.compile(
    rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
    rb"|<(?P<end>/?)(?P<name>[^\s/>]+)(?:\"[^\"]*\"|'[^']*'|[^>\"'])*?(?P<empty>/?)>",
    re.DOTALL,
)


def token_spans(sent: bytes, *, is_xml: bool) -> list[Span]:
    """The values of the parameter `token`; several where it is given more than once."""
    return [*(_in_xml(sent) if is_xml else _in_json(sent))]


def _in_json(sent: bytes) -> Iterator[Span]:
    # Nearly always there is no such name at all inside of the items, or none anywhere.
    if _JSON_KEY.search(sent) is None:
        return
    depth = 0
    for mark in _JSON_MARK.finditer(sent):
        if mark[0] in b"{[":
            depth += 1
        elif mark[0] in b"}]":
            depth -= 1
        elif depth == 1 and (key := _JSON_KEY.match(sent, mark.start())):
            value = _JSON_VALUE.match(sent, key.end())
            if value is not None:
                yield value.span()


def _in_xml(sent: bytes) -> Iterator[Span]:
    if b"<token" not in sent:
        return
    depth, begins = 0, 0
    for mark in _XML_MARK.finditer(sent):
        if mark["name"] is None or mark["empty"]:
            continue
        depth += -1 if mark["end"] else 1
        if mark["name"] != b"token":
            continue
        if not mark["end"] and depth == 2:
            begins = mark.end()
        elif mark["end"] and depth == 1:
            yield begins, mark.start()
