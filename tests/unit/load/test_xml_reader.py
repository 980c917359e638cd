"""XML files: elements as they stand."""

import pytest

from ingest.load.errors import LoadError
from tests.unit.load.files import CHUNKS, read


@pytest.mark.parametrize("name", ["utf-8-sig", "cp437", "mac-roman", "x-unheard"])
def test_a_charset_in_which_no_xml_is_read_is_named(name: str) -> None:
    with pytest.raises(LoadError) as caught:
        read("<a><b>x</b></a>", "xml", charset=name)
    assert (
        str(caught.value)
        == f"file: XML in the charset {name!r} is not read. Save the file as UTF-8."
    )


@pytest.mark.parametrize("size", CHUNKS)
def test_items_of_xml_are_the_elements_of_its_root(size: int) -> None:
    content = "<!-- x --><all>\n<one><a>1 &lt; 2</a></one>\n<two a='b'/>\n</all>"
    assert read(content, "xml", size) == [
        (2, "<one><a>1 &lt; 2</a></one>"),
        (3, '<two a="b"/>'),
    ]
    alone = '<contact type="object"><a>1</a></contact>'
    assert read(alone, "xml", size) == [(1, alone)]
