"""The format of a file by its name, and what is wrong with a file."""

import gzip
from pathlib import Path

import pytest

from ingest.load.errors import LoadError
from ingest.load.kinds import TEXT_FORMATS, FileFormat, FileOptions
from ingest.load.readers import open_feed
from ingest.load.source import open_source
from tests.unit.load.files import read


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        *(
            (kind, text, "the file is empty")
            for kind in TEXT_FORMATS
            for text in ("", " \n", "\ufeff\n")
        ),
        (
            "csv",
            'a,b\n1,2\n3,"open\n4,5\n',
            "quote of the file is never closed. It is opened on line 3",
        ),
        ("csv", b"a\n1\n\xff\n", "Line 3"),
        ("json", '[{"a": 1},\n {"a" 2}]', "line 2, column 7"),
        ("json", '[{"a": 1}\n{"a": 2}]', "line 2, column 1: expected a comma"),
        ("json", "[1] 2", "column 5: the array has ended"),
        ("json", "[1,]", "column 4"),
        ("json", "[1, 2", "expected a comma or the end"),
        ("json", "[" * 100_000, "nests too deep"),
        ("xml", "<a>\n<b>\n</a>", "not valid XML. Line 3"),
        ("xml", "<a><b/>text<b/></a>", "'text' stands beside the items"),
        ("xml", "<a>text</a>", "'text' stands beside the items"),
        ("xml", '<!DOCTYPE a [<!ENTITY e "x">]><a><b>&e;</b></a>', "document type"),
        ("yaml", "- a: &x 1\n- b: *x\n", "Aliases are not read"),
        ("yaml", "- a: 1\n---\n- b: 1\n", "Line 2"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(
    kind: str, content: str | bytes, said: str
) -> None:
    with pytest.raises(LoadError) as caught:
        read(content, kind)
    assert said in str(caught.value)
    assert str(caught.value).startswith("file: ")


def test_a_broken_compression_is_named_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.ndjson.gz"
    path.write_bytes(gzip.compress(b"1\n" * 1000)[:-9])
    with open_source(str(path)) as source:
        feed = open_feed(source.read(), FileOptions(FileFormat.NDJSON))
        with pytest.raises(LoadError, match=r"broken.ndjson.gz: the file is not valid gzip. After"):
            list(feed.rows)
