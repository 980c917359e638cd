"""What a request says of its XML body: empty elements, and where the items are."""

from dataclasses import replace
from typing import Any

import pytest

from ingest.errors import BodyTooLarge, InvalidParameter, MalformedBody
from ingest.formats.decoding import open_decoder
from ingest.formats.limits import Limits
from ingest.formats.negotiation import XML
from ingest.formats.xml_options import xml_format
from tests.unit.formats.things import LIMITS, RESOURCE

FEED = """<?xml version="1.0"?>
<a:feed xmlns:a="urn:a" version="2">
  <title>Prices <b>today</b></title>
  <entries page="1"><entry><strict>1</strict></entry><other x="y"><entry/></other></entries>
  <entries><a:entry><strict>2</strict><entry>x</entry></a:entry></entries>
  <entry><strict>3</strict></entry>
</a:feed>"""


def read(body: str, limits: Limits = LIMITS, **parameters: str) -> list[Any]:
    decoder = open_decoder(xml_format(None, parameters), RESOURCE, None, limits)
    return decoder.feed(body.encode()) + decoder.end()


def said(body: str, **parameters: str) -> str:
    with pytest.raises(MalformedBody) as refused:
        read(body, **parameters)
    return f"{refused.value.message}. {refused.value.description}"


@pytest.mark.parametrize(
    "name", ["strict", "integer", "number", "decimal", "boolean", "size", "rank"]
)
def test_an_empty_element_where_no_text_stands(name: str) -> None:
    for element in (f"<{name}/>", f"<{name}></{name}>", f"<{name}> \n</{name}>"):
        body = f"<things><thing>{element}</thing></things>"
        (found,) = read(body)
        assert found.keys() == {name}
        assert not found[name].strip()
        assert read(body, emptyAs="absent") == [{}]
        assert read(body, emptyAs="null") == [{name: None}]


def test_an_empty_element_of_a_text_a_list_or_an_object_is_that() -> None:
    inside = "<field name='the text'/><tags/><address/><scores/><anything/><unknown/><a.b/>"
    wanted = {"the text": "", "tags": [], "address": {}, "scores": {}, "anything": ""}
    for parameters, more in (({}, {"a.b": ""}), ({"emptyAs": "absent"}, {})):
        (found,) = read(f"<things><thing>{inside}</thing></things>", **parameters)
        assert found == {**wanted, "unknown": "", **more}


def test_empty_elements_in_lists_and_objects() -> None:
    inside = (
        "<counts><item/><item>5</item></counts><address><zip/><city/></address>"
        "<addresses><zip/></addresses><scores><a/></scores><tags><item/></tags>"
        "<number type='string'/><strict type='null'/><meta><version/></meta>"
    )
    body = f"<things><thing>{inside}</thing></things>"
    same = {"tags": [""], "number": "", "strict": None, "meta": {"version": ""}}
    assert read(body, emptyAs="absent") == [
        {**same, "counts": [5], "address": {"city": ""}, "addresses": [{}], "scores": {}}
    ]
    nothing = {"zip": None}
    assert read(body, emptyAs="null") == [
        {
            **same,
            "counts": [None, 5],
            "address": {**nothing, "city": ""},
            "addresses": [nothing],
            "scores": {"a": None},
        }
    ]


def test_items_at_a_path() -> None:
    assert read(FEED, items="feed/entries/entry") == [{"strict": 1}, {"strict": 2, "entry": "x"}]
    assert read(FEED, items="/feed/entry") == [{"strict": 3}]
    assert read(FEED, items="feed/entries/other/entry") == [{}]
    assert read("<one><strict>1</strict></one>", items="one") == [{"strict": 1}]
    assert read("<a><keys><key>5</key><key>6</key></keys></a>", items="a/keys/key") == ["5", "6"]
    empty = "<a><b><strict/></b></a>"
    assert read(empty, items="a/b", emptyAs="null") == [{"strict": None}]


def test_a_path_that_matches_nothing_names_what_there_is() -> None:
    found = said(FEED, items="feed/entries/item")
    assert "The body has no element 'feed/entries/item'" in found
    assert "Found: feed, feed/title, feed/title/b, feed/entries, feed/entries/entry, " in found
    many = "<a>" + "".join(f"<b{number}/>" for number in range(30)) + "</a>"
    assert said(many, items="a/c").endswith("a/b18 and others.")
    found = said(FEED, items="Feed/entries/entry")
    assert found.endswith("feed/entries/other, feed/entry, feed/entry/strict.")
    assert "no element" in said("<a/>", items="a/b")


def test_places_in_items_at_a_path() -> None:
    body = "<a><b><c><strict>1</strict></c><c><strict x='y'/></c></b></a>"
    assert "'x' of a/b/c[1]/strict is not read" in said(body, items="a/b/c")
    assert "document type" in said("<!DOCTYPE a><a><b/></a>", items="a/b")
    limits = replace(LIMITS, max_values=1000)
    with pytest.raises(BodyTooLarge):
        read("<a>" + "<x/>" * 1001 + "<b/></a>", limits, items="a/b")
    deep = "<strict>" * 7 + "</strict>" * 7
    assert "nests deeper than 6" in said(f"<a><b><c>{deep}</c></b></a>", items="a/b/c")


def test_a_parameter_that_cannot_be_read_says_what_it_takes() -> None:
    for path in ("", "/", "a//b", "a/", "a:feed/b", "/".join("a" * 33)):
        with pytest.raises(InvalidParameter, match="items"):
            xml_format(None, {"items": path})
    with pytest.raises(InvalidParameter, match="emptyAs"):
        xml_format(None, {"emptyAs": "x"})
    assert xml_format(None, {}).media_type == XML
