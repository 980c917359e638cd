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
    assert "byte 12 " in str(refused(b"the text\nabc\xff", charset="cp1253").description)
    refused("the text\nabc".encode("utf-16") + b"x")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("charset", "encoding", "wrong"),
    [
        (None, "utf-8", b"\xff"),
        ("cp1253", "cp1253", b"\xff"),
        ("utf-16-le", "utf-16-le", b"\x00\xd8x\x00"),
        ("utf-16-be", "utf-16-be", b"\xd8\x00\x00x"),
        (None, "bom utf-16-le", b"\x00\xd8x\x00"),
        (None, "bom utf-16-be", b"\xd8\x00\x00x"),
        ("utf-16", "bom utf-16-be", b"\xd8\x00\x00x"),
        ("utf-32", "bom utf-32-be", b"\xff\xff\xff\xff"),
    ],
)
def test_lines_of_every_kind_are_counted(
    end: str, charset: str | None, encoding: str, wrong: bytes
) -> None:
    *marked, codec = encoding.split()
    text = "\ufeff" * len(marked) + f"strict{end}1{end}{end}2{end}"
    body = text.encode(codec) + wrong
    for chunk in (1, 2, 3, 12, 100):
        with pytest.raises(MalformedBody) as error:
            decoded(body, chunk, charset=charset)
        assert str(error.value.description).startswith("Line 5, "), chunk


def test_labels_mean_what_they_mean_on_the_web() -> None:
    for label, data, wanted in (
        ("iso-8859-1", b"\x80\x93\x81\xeb", "€“\x81ë"),
        ("latin1", b"\x80", "€"),
        ("ISO_8859-1:1987", b"\x99", "™"),
        ("us-ascii", b"\xeb", "ë"),
        ("windows-1252", b"\x8d\x8f\x90\x9d", "\x8d\x8f\x90\x9d"),
        ("iso-8859-9", b"\x80\xd0", "€Ğ"),
        ("windows-1251", b"\x98\xc0", "\x98А"),  # noqa: RUF001
        ("gb2312", b"\x81\x30\x81\x30", "\x80"),
        ("euc-kr", b"\x81\x41", "갂"),
        ("shift_jis", b"\x87\x40", "①"),
    ):
        body = b"the text\n" + data + b"\n"
        for chunk in (1, 100):
            (item,) = decoded(body, chunk, charset=check_charset(label))
            assert item == {"the text": wanted}, label
    assert check_charset("iso-8859-2") == "iso8859-2"
    unmarked = "the text\n€\n".encode("utf-16-le")
    assert decoded(unmarked, charset="utf-16") == [{"the text": "€"}]
    assert "not valid utf-32" in refused(unmarked, charset="utf-32").message
