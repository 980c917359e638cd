"""XML files: elements as they stand."""

import pytest

from ingest.load.errors import LoadError
from tests.unit.load.files import CHUNKS, read


def test_charsets() -> None:
    body = "<?xml version='1.0' encoding='iso-8859-1'?><a><b>ë</b></a>"
    assert read(body.encode("latin-1"), "xml") == [(1, "<b>ë</b>")]
    for name in ("cp437", "mac-roman", "utf-16"):
        assert read(body.encode(name), "xml", charset=name) == [(1, "<b>ë</b>")]
    with pytest.raises(LoadError, match="'x-unheard' is not read"):
        read(body, "xml", charset="x-unheard")


@pytest.mark.parametrize("size", CHUNKS)
def test_items_of_xml_are_the_elements_of_its_root(size: int) -> None:
    content = "<!-- x --><all>\n<one><a>1 &lt; 2</a></one>\n<two a='b'/>\n</all>"
    assert read(content, "xml", size) == [
        (2, "<one><a>1 &lt; 2</a></one>"),
        (3, '<two a="b"/>'),
    ]
    alone = '<contact type="object"><a>1</a></contact>'
    assert read(alone, "xml", size) == [(1, alone)]


@pytest.mark.parametrize("size", CHUNKS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-32", "windows-1252"])
def test_lines_are_counted_whatever_ends_them(charset: str, end: str, size: int) -> None:
    option = None if charset != "windows-1252" else charset
    content = f"<all>{end}{end}<one><a>é{end}b</a></one>{end}<two>&#13;</two>{end}</all>"
    assert read(content.encode(charset), "xml", size, charset=option) == [
        (3, "<one><a>é\nb</a></one>"),
        (5, "<two>&#13;</two>"),
    ]
    with pytest.raises(LoadError, match="Line 3"):
        read(f"<a>{end}<b/>{end}<b></a>".encode(charset), "xml", size, charset=option)


@pytest.mark.parametrize("size", CHUNKS)
def test_a_file_without_an_element_is_empty(size: int) -> None:
    for content in ("<?xml version='1.0'?>\n", "<!-- none --> <?style x?>"):
        with pytest.raises(LoadError, match="the file is empty"):
            read(content, "xml", size)
    with pytest.raises(LoadError, match="not valid XML"):
        read("<!-- none -->text", "xml", size)


@pytest.mark.parametrize("size", CHUNKS)
def test_items_may_be_at_a_path(size: int) -> None:
    content = (
        "<f:feed xmlns:f='f'>about<entry>no</entry>\n<entries>text<note><entry/></note>\n"
        "<entry><a>1</a><entries><entry>in</entry></entries></entry> and <entry/></entries>\n"
        "<entries><entry>x</entry></entries></f:feed>"
    )
    items = ("feed", "entries", "entry")
    found = [
        (line, str(data).replace(' xmlns:f="f"', ""))
        for line, data in read(content, "xml", size, items=items)
    ]
    assert found == [
        (3, "<entry><a>1</a><entries><entry>in</entry></entries></entry>"),
        (3, "<entry/>"),
        (4, "<entry>x</entry>"),
    ]
    with pytest.raises(LoadError, match="no element 'feed/entry/x'; found: feed, feed/entry,"):
        read(content, "xml", size, items=("feed", "entry", "x"))
