"""Bodies with nothing in them: one answer for all formats."""

import pytest

from ingest.errors import MalformedBody
from ingest.formats.decoding import open_decoder
from ingest.formats.negotiation import CSV, JSON, REQUESTS, XML, YAML, BodyFormat
from tests.unit.formats.things import LIMITS, RESOURCE

BLANK = ("", " ", "\n", "\r\n\r\n", " \t\r\n \n")
BOM = "\ufeff"
NOTHING = [
    *((each, body.encode()) for each in REQUESTS for body in BLANK),
    *((each, (BOM + body).encode()) for each in REQUESTS for body in ("", "\n")),
    *((each, (BOM + body).encode("utf-16-le")) for each in (CSV, YAML) for body in ("", "\n")),
    (XML, BOM.encode("utf-16-le")),
    (XML, b"<?xml version='1.0' encoding='utf-8'?>\n"),
    (XML, b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- no items\n today --> <?style x?><!---->"),
    (YAML, b"# no items"),
    (YAML, b"%YAML 1.2\n---\n# no items\n...\n"),
    (YAML, b"---"),
    (CSV, b"sep=;\n"),
]
EMPTY = [
    (JSON, b"[]"),
    (CSV, b"strict"),
    (XML, b"<items/>"),
    (XML, b"<items>\n<!-- none --></items>"),
    (YAML, b"[]"),
    (YAML, b"# none\n---\n[]"),
]
SOMETHING = [
    (JSON, b"null"),
    (XML, b"<!-- x -->text"),
    (YAML, b"null"),
    (YAML, b"~"),
    (YAML, b"''"),
    (YAML, b"!!null"),
]


def read(media_type: str, body: bytes, chunk: int) -> list[object]:
    decoder = open_decoder(BodyFormat(media_type), RESOURCE, None, LIMITS)
    pieces = [body[start : start + chunk] for start in range(0, len(body), chunk)]
    return [each for piece in pieces for each in decoder.feed(piece)] + decoder.end()


def said(media_type: str, body: bytes, chunk: int = 100) -> str:
    with pytest.raises(MalformedBody) as refused:
        read(media_type, body, chunk)
    return f"{refused.value.message}. {refused.value.description}"


def test_nothing_is_no_body_in_every_format() -> None:
    for media_type, body in NOTHING:
        found = {said(media_type, body, chunk) for chunk in (1, 3, 100)}
        assert len(found) == 1, (media_type, body)
        assert found.pop().startswith("The request has no body. There is nothing in it"), body


def test_an_empty_collection_is_a_body() -> None:
    for media_type, body in EMPTY:
        for chunk in (1, 100):
            assert read(media_type, body, chunk) == [], (media_type, body)


def test_what_is_no_collection_is_no_empty_one() -> None:
    for media_type, body in SOMETHING:
        assert "no body" not in said(media_type, body), (media_type, body)
