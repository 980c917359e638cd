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
