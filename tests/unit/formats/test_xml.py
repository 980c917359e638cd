"""XML in and out: the mapping, what it refuses, and payloads that hurt other parsers."""

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, fields

from ingest import Resource
from ingest.errors import BodyTooLarge, MalformedBody, TooManyItems
from ingest.formats import xml
from ingest.formats.charsets import check_charset
from ingest.formats.limits import Limits
from ingest.formats.shapes import ANY, Kind, Shape, any_integer, item_shape
from ingest.formats.xml_elements import Target
from tests.effort import assert_linear
from tests.unit.values import DOCUMENTS

LIMITS = Limits(max_item=2**20, max_items=10, max_nesting=6)
WIDE = Limits(max_item=2**24, max_items=10**6, max_nesting=32)


class Address(Schema):
    city = fields.String()
    zip = fields.Integer(strict=True)


class Thing(Schema):
    text = fields.String(data_key="the text")
    number = fields.Integer(strict=True)
    ratio = fields.Float()
    flag = fields.Boolean()
    tags = fields.List(fields.String())
    counts = fields.List(fields.Integer(strict=True))
    address = fields.Nested(Address)
    addresses = fields.List(fields.Nested(Address))
    scores = fields.Dict(values=fields.Integer(strict=True))
    anything = fields.Raw(allow_none=True)
    field = fields.String()


THING = Resource("things", Thing)
SHAPE = item_shape(THING)
KEY = Shape(Kind.SCALAR, any_integer)


def decoded(body: str | bytes, limits: Limits = LIMITS, charset: str | None = None) -> list[Any]:
    data = body.encode() if isinstance(body, str) else body
    document = xml.decode(data, Target(SHAPE, KEY, limits), limits, charset)
    return document if isinstance(document, list) else [document]


def item(inside: str) -> Any:
    (found,) = decoded(f"<things><thing>{inside}</thing></things>")
    return found


def refused(body: str | bytes, limits: Limits = LIMITS, charset: str | None = None) -> str:
    with pytest.raises(MalformedBody) as error:
        decoded(body, limits, charset)
    return f"{error.value.message} | {error.value.description}"


def test_elements_become_items() -> None:
    body = """<?xml version="1.0" encoding="UTF-8"?>
    <!-- what an ERP system sends -->
    <things xmlns="urn:erp" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="2"
            xsi:schemaLocation="urn:erp erp.xsd">
      <thing>
        <number> 42 </number><ratio>1.5</ratio><flag>true</flag>
        <field name="the text"> Zo&#235; &amp; <![CDATA[<b>]]> </field>
        <tags><item>a</item><item>b</item></tags>
        <address><city>Rome</city><zip>5</zip></address>
        <scores><a>1</a><item>2</item></scores>
        <anything xsi:nil="true"/>
      </thing>
      <thing xml:lang="de"/>
    </things>"""
    assert decoded(body) == [
        {
            "number": 42,
            "ratio": 1.5,
            "flag": True,
            "the text": " Zoë & <b> ",
            "tags": ["a", "b"],
            "address": {"city": "Rome", "zip": 5},
            "scores": {"a": 1, "item": 2},
            "anything": None,
        },
        {},
    ]


def test_an_empty_collection_and_one_item_alone() -> None:
    assert decoded("<things/>") == decoded("<things>\n</things>") == []
    one = '<thing type="object"><number>5</number><ratio>0.5</ratio><flag>true</flag></thing>'
    assert decoded(one) == [{"number": 5, "ratio": 0.5, "flag": True}]
    text = '<thing type="object"><field name="the text">5</field></thing>'
    assert decoded(text) == [{"the text": "5"}]


def test_bare_keys() -> None:
    assert decoded("<ids><id>5</id><id>6</id></ids>") == [5, 6]


LISTS = [
    ("<tags/>", {"tags": []}),
    ("<tags>a</tags>", {"tags": ["a"]}),
    ("<tags>a</tags><number>1</number><tags>b</tags>", {"tags": ["a", "b"], "number": 1}),
    ("<tags type='null'/><tags>a</tags><tags>b</tags>", {"tags": [None, ["a"], ["b"]]}),
    ("<tags type='string'>abc</tags><tags>x</tags>", {"tags": ["abc", ["x"]]}),
    ("<tags>a</tags><tags type='null'/><tags>b</tags>", {"tags": [["a"], None, ["b"]]}),
    ("<tags><tag>a</tag><tag>b</tag></tags>", {"tags": ["a", "b"]}),
    ("<tags><item/><item type='null'/></tags>", {"tags": ["", None]}),
    ("<counts>5</counts><counts>6</counts>", {"counts": [5, 6]}),
    ("<addresses><item><zip>1</zip></item></addresses>", {"addresses": [{"zip": 1}]}),
    (
        "<addresses><zip>1</zip></addresses><addresses><city>x</city></addresses>",
        {"addresses": [{"zip": 1}, {"city": "x"}]},
    ),
    ("<anything><item>1</item><item><a>2</a></item></anything>", {"anything": ["1", {"a": "2"}]}),
    ("<anything><a>1</a><a>2</a><a>3</a></anything>", {"anything": {"a": ["1", "2", "3"]}}),
    ("<number>1</number><number>2</number>", {"number": [1, 2]}),
    ("<address/><scores> </scores>", {"address": {}, "scores": {}}),
    ("<anything type='array'/>", {"anything": []}),
    ("<anything type='object'><item>1</item></anything>", {"anything": {"item": "1"}}),
    ("<field>x</field>", {"field": "x"}),
    ("<unknown>5</unknown>", {"unknown": "5"}),
    ("<number type='string'>5</number>", {"number": "5"}),
    ("<anything type='number'>-1.5</anything>", {"anything": -1.5}),
    (
        "<anything type='number'>12345678901234567890123</anything>",
        {"anything": 12345678901234567890123},
    ),
    (
        "<anything type='number'>0.10000000000000000001</anything>",
        {"anything": Decimal("0.10000000000000000001")},
    ),
    ("<anything type='boolean'>0</anything>", {"anything": False}),
    ("<meta><version>7</version></meta>", {"meta": {"version": 7}}),
    ("<number>x</number>", {"number": "x"}),
    ("<number/>", {"number": ""}),
]


@pytest.mark.parametrize(("inside", "wanted"), LISTS)
def test_values(inside: str, wanted: Any) -> None:
    found = item(inside)
    assert found == wanted
    assert [type(value) for value in found.values()] == [type(value) for value in wanted.values()]


REFUSED = [
    ("", "no body"),
    ("  \n", "no body"),
    ("[]", "Line 1, column 1"),
    ("<a><b></a>", "Line 1"),
    ("<a>\n<b>\x01</b></a>", "Line 2"),
    ("<a/><b/>", "Line 1, column 5"),
    ("<a>text</a>", "text and no elements"),
    ("<a><b><c>1</c>text</b></a>", "a/b[0] has text beside"),
    ("<a><b/><b id='5'/></a>", "'id' of a/b[1]"),
    ("<a><b><c type='int'>5</c></b></a>", "'type' of a/b[0]/c"),
    ("<a><b><c name='x'>5</c></b></a>", "'name' of a/b[0]/c"),
    ("<a><b><c type='number'>five</c></b></a>", "a/b[0]/c is no number"),
    ("<a><b><c type='number'>1e400</c></b></a>", "is no number"),
    ("<a><b><c type='boolean'>yes</c></b></a>", "is no boolean"),
    ("<a><b><c type='null'>x</c></b></a>", "is no null"),
    ("<a><b><c encoding='base64'>=</c></b></a>", "is not base64"),
    ("<a><b>&undefined;</b></a>", "Line 1"),
    (b"<a><b>caf\xe9</b></a>", "Line 1, column 10"),
    (b"<?xml version='1.0' encoding='x-unheard'?><a/>", "Line 1"),
    ("<a>" + "<b>" * 10, "deeper than 6"),
]


@pytest.mark.parametrize(("body", "place"), REFUSED)
def test_what_is_refused_is_named(body: str | bytes, place: str) -> None:
    assert place in refused(body)


def test_limits() -> None:
    assert len(decoded("<a>" + "<b/>" * 10 + "</a>")) == 10
    with pytest.raises(TooManyItems):
        decoded("<a>" + "<b/>" * 11 + "</a>")
    deep = "<a><b><anything>" + "<x>" * 5 + "1" + "</x>" * 5 + "</anything></b></a>"
    assert item("<anything>" + "<x>" * 4 + "1" + "</x>" * 4 + "</anything>")
    assert "deeper than 6" in refused(deep)
    with pytest.raises(BodyTooLarge):
        decoded("<a><b><tags>" + "<x/>" * 1001 + "</tags></b></a>", replace(WIDE, max_values=1000))


def test_charsets() -> None:
    text = "<a><b><city>Zoë</city></b></a>"
    declared = "<?xml version='1.0' encoding='ISO-8859-1'?>" + text
    assert decoded(declared.encode("latin-1")) == [{"city": "Zoë"}]
    assert decoded(text.encode("cp1252"), charset="cp1252") == [{"city": "Zoë"}]
    assert decoded(text.encode("utf-16")) == decoded(text.encode("utf-8-sig")) == [{"city": "Zoë"}]


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-32", "windows-1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_whatever_ends_them(end: str, charset: str) -> None:
    said = "windows-1252" if charset == "windows-1252" else None
    assert "Line 3" in refused(f"<a>{end}<b/>{end}<b></a>".encode(charset), charset=said)
    (found,) = decoded(f"<a><b><c>1{end}2&#13;</c></b></a>".encode(charset), charset=said)
    assert found == {"c": "1\n2\r"}


@pytest.mark.parametrize("name", ["utf-8-sig", "cp437", "mac-roman", "utf-16", "utf-32-be"])
def test_a_charset_that_only_python_knows_is_read(name: str) -> None:
    body = "<?xml version='1.0' encoding='x'?>\n<a><b><city>Zoë</city></b></a>"
    assert decoded(body.encode(name), charset=check_charset(name)) == [{"city": "Zoë"}]
    assert "Line 3, byte 8 " in refused(b"<a>\n\n<b>\xff</b></a>", charset="cp1253")


def test_latin_1_is_read_as_windows_1252() -> None:
    text = b"<a><b><city>\x80 10 \x93x\x94 \x81</city></b></a>"
    wanted = [{"city": "€ 10 “x” \x81"}]
    for name in ("iso-8859-1", "latin1", "us-ascii", "windows-1252"):
        assert decoded(text, charset=check_charset(name)) == wanted
        for quote in "'\"":
            declared = f"<?xml version={quote}1.0{quote} encoding={quote}{name}{quote}?>"
            assert decoded(declared.encode() + text) == wanted
    utf8 = "<?xml version='1.0' encoding='ISO-8859-1'?><a><b><city>ë</city></b></a>".encode()
    assert decoded(utf8, charset="utf-8") == [{"city": "ë"}]


LAUGHS = "<!ENTITY a 'lol'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9)
)
DTDS = [
    f"<!DOCTYPE x [{LAUGHS}]><x><i><t>&j;</t></i></x>",
    f"<!DOCTYPE x [<!ENTITY a '{'x' * 10**5}'>]><x><i>{'&a;' * 10**5}</i></x>",
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x><i>&a;</i></x>',
    '<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x.dtd"> %a;]><x/>',
    '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><x/>',
    '<!DOCTYPE x PUBLIC "-//x" "file:///etc/passwd"><x/>',
    '<?xml version="1.0"?>\n<!-- c --><!DOCTYPE x [<!ATTLIST i t CDATA "y">]><x><i/></x>',
    "<!DOCTYPE x>\n<x/>",
]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
@pytest.mark.parametrize("body", DTDS, ids=range(len(DTDS)))
def test_a_document_type_is_refused(body: str, codec: str) -> None:
    assert "DOCTYPE" in refused(body.encode(codec))


def test_entities_without_a_document_type_are_unknown() -> None:
    for name in ("a", "nbsp", "xxe"):
        refused(f"<x><i>&{name};</i></x>")


def test_includes_and_stylesheets_are_mere_text() -> None:
    body = (
        '<?xml-stylesheet href="file:///etc/passwd"?><x xmlns:xi="http://www.w3.org/2001/XInclude">'
        '<i><xi:include href="file:///etc/passwd"/></i></x>'
    )
    assert "'href'" in refused(body)


# Each of a size that may be a million.
HOSTILE: list[Callable[[int], str]] = [
    lambda size: "<a>" * size,
    lambda size: "<a><b>" * size,
    lambda size: "<a><b><c " + " ".join(f"a{n}='1'" for n in range(size // 10)) + "/></b></a>",
    lambda size: "<a><b>" + "x" * (16 * size) + "</b></a>",
    lambda size: "<a><b><!--" + "-" * size + "</b></a>",
    lambda size: "<a><b><![CDATA[" + "]" * size,
    lambda size: "<" + "a" * size + "/>",
    lambda size: "<a " + "x" * size,
    lambda size: "<a>" + "&#x41;" * size,
    lambda size: "<a><b>" + "&lt;" * size + "</b></a>",
    lambda size: f"<a:b{':c' * size}/>",
    lambda size: "<a xmlns:x='" + "u" * size + "'><x:b/></a>",
    lambda size: "<?" * size,
    lambda size: "<![" * size,
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_bodies_are_read_or_refused_soon(hostile: Callable[[int], str]) -> None:
    def work(size: int) -> Callable[[], None]:
        data = hostile(size).encode()

        def read() -> None:
            with suppress(MalformedBody, BodyTooLarge, TooManyItems):
                xml.decode(data, Target(SHAPE, KEY, WIDE), WIDE)

        return read

    assert_linear(work, 10**5)
    largest = work(10**6)
    tracemalloc.start()
    largest()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * 2**20


def test_many_unknown_fields() -> None:
    inside = "".join(f"<k{number}>1</k{number}>" for number in range(100_000))
    assert len(item(inside)) == 100_000


def test_a_list_of_many_repeated_elements_is_not_copied_again_and_again() -> None:
    def work(size: int) -> Callable[[], None]:
        def read() -> None:
            assert len(item("<tags>a</tags>" * size)["tags"]) == size

        return read

    assert_linear(work, 10_000)


@given(DOCUMENTS)
def test_what_is_written_reads_back(document: Any) -> None:
    body = xml.encode([document])
    assert xml.decode(body, Target(ANY, ANY, WIDE), WIDE) == [document]


@given(st.binary(max_size=200), st.integers(0, 60))
def test_any_bytes_are_read_or_refused(noise: bytes, place: int) -> None:
    body = "<things><thing><number>5</number><tags>é</tags></thing></things>".encode()
    for hostile in (noise, body[:place] + noise + body[place:]):
        with suppress(MalformedBody):
            decoded(hostile)


def test_the_work_ends_when_it_is_checked() -> None:
    checks: list[int] = []

    def check() -> None:
        checks.append(1)
        if len(checks) == 3:
            raise MalformedBody("gone")

    body = b"<a>" + b"<b/>" * 100_000 + b"</a>"
    with pytest.raises(MalformedBody, match="gone"):
        decoded(body, replace(LIMITS, max_items=10**6, check=check))
    assert len(checks) == 3
