"""Charsets: which are read, byte order marks, and bytes that are no text."""

import pytest

from ingest.errors import MalformedBody, UnsupportedMediaType
from ingest.formats.charsets import check_charset
from tests.unit.formats.things import decoded, refused


def test_charsets() -> None:
    text = "the text,strict\nZoë,5\n"
    wanted = [{"the text": "Zoë", "strict": 5}]
    for charset in ("utf-8", "windows-1252", "iso-8859-1", "utf-16", "utf-16-le", "mac-roman"):
        for chunk in (1, 3, 100):
            found = decoded(text.encode(charset), chunk, charset=check_charset(charset))
            assert found == wanted, charset
    for codec in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        for chunk in (1, 3, 100):
            assert decoded(text.encode(codec), chunk) == wanted, codec
    bom = text.encode("utf-8-sig")
    assert decoded(bom, charset="utf-8") == wanted


@pytest.mark.parametrize(
    "name", ["", "x", "idna", "punycode", "unicode_escape", "rot13", "hex", "utf-7", "a\0b", "é"]
)
def test_other_charsets_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        check_charset(name)


def test_a_byte_that_is_no_text_is_named_with_its_line() -> None:
    body = "the text\nZoë\n".encode() * 3
    for place in range(len(body) + 1):
        damaged = body[:place] + b"\xff" + body[place:]
        error = refused(damaged)
        where = str(error.description)
        before = body[:place]
        if before and before[-1] >= 0xC0:  # it cuts a character: the byte before is at fault
            place -= 1
            assert f"byte {place} of the body (0xc3)" in where
        else:
            assert f"byte {place} of the body (0xff)" in where
        assert f"Line {before.count(10) + 1}," in where
    assert "Line 2, byte 12" in str(refused(b"the text\nabc\xc3").description)
    assert "byte 12 " in str(refused(b"the text\nabc\x81", charset="cp1252").description)
    refused("the text\nabc".encode("utf-16") + b"x")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("charset", [None, "cp1252"])
@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_lines_of_every_kind_are_counted(end: str, charset: str | None, chunk: int) -> None:
    wrong = b"\xff" if charset is None else b"\x81"
    body = f"strict{end}1{end}{end}2{end}".encode() + wrong
    with pytest.raises(MalformedBody) as error:
        decoded(body, chunk, charset=charset)
    assert str(error.value.description).startswith("Line 5, ")
