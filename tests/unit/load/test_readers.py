"""What `ingest load` makes of files: rows as they stand there, their lines, and parts."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from ingest.load.csv_reader import parse_row
from ingest.load.failed_rows import writer_for
from ingest.load.feed import Feed, cut
from ingest.load.readers import FileFormat, FileOptions, file_options, open_feed
from ingest.load.source import LoadError, Source, open_source

CHUNKS = (1, 2, 3, 7, 1 << 20)


class Pieces:
    """A reading whose chunks are as small as a test wants."""

    def __init__(self, content: bytes, size: int) -> None:
        self.name = "file"
        self.place = 0
        self._content = content
        self._size = size

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), self._size):
            self.place = start
            yield self._content[start : start + self._size]


def feed_of(content: bytes | str, options: FileOptions, size: int = 1 << 20) -> Feed:
    data = content.encode() if isinstance(content, str) else content
    return open_feed(Pieces(data, size), options)  # type: ignore[arg-type]


def read(content: bytes | str, kind: str, size: int = 1 << 20, **options: object) -> list[object]:
    """Line and data of each row."""
    given = FileOptions(FileFormat(kind), **options)  # type: ignore[arg-type]
    return [(row.line, row.data.decode()) for row in feed_of(content, given, size).rows]


@pytest.mark.parametrize("size", CHUNKS)
def test_csv_rows_are_records_as_they_stand(size: int) -> None:
    content = 'a,b\r\n1,"x\r\ny"\r\n\r\n,\r\n2,é'
    assert read(content, "csv", size) == [(2, '1,"x\r\ny"\r\n'), (6, "2,é\n")]


@pytest.mark.parametrize(
    ("content", "delimiter", "header"),
    [
        ("a;b,c;d\n1;2;3\n", ";", ["a", "b,c", "d"]),
        ("a\tb\n1\t2\n", "\t", ["a", "b"]),
        ('"a,b"|c|d\n1|2|3\n', "|", ["a,b", "c", "d"]),
        ("sep=;\r\na;b\r\n1;2\r\n", ";", ["a", "b"]),
        ("\ufeffa\n1\n", ",", ["a"]),
    ],
)
def test_the_delimiter_is_the_one_of_the_header(
    content: str, delimiter: str, header: list[str]
) -> None:
    feed = feed_of(content, FileOptions(FileFormat.CSV))
    assert (feed.delimiter, feed.header, len(list(feed.rows))) == (delimiter, header, 1)


def test_a_csv_body_repeats_the_header_in_utf8() -> None:
    content = "name;city\nJosé;Málaga\n".encode("cp1252")
    feed = feed_of(content, FileOptions(FileFormat.CSV, charset="windows-1252"))
    assert feed.body(feed.rows).decode() == "name;city\nJosé;Málaga\n"


def test_a_row_that_is_no_csv_is_sent_for_the_service_to_name() -> None:
    content = 'a,b\n1,"x"y\n2,z\n'
    assert read(content, "csv") == [(2, '1,"x"y\n'), (3, "2,z\n")]
    assert parse_row(b'1,"x"y\n', ",") is None


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        ("csv", "", "the file is empty"),
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
        ("json", '[{"a": 1e400}]', "line 1, column"),
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


@pytest.mark.parametrize("name", ["utf-8-sig", "cp437", "mac-roman", "x-unheard"])
def test_a_charset_in_which_no_xml_is_read_is_named(name: str) -> None:
    with pytest.raises(LoadError) as caught:
        read("<a><b>x</b></a>", "xml", charset=name)
    assert str(caught.value) == f"file: XML in the charset {name!r} is not read. Send UTF-8."


@pytest.mark.parametrize("size", CHUNKS)
def test_items_of_a_json_array_keep_their_text(size: int) -> None:
    items = ['{"a": 1.10,\n "b": "]}\\"é"}', "-12.50", '"x"', "[1, [2]]", "null", "{}"]
    content = " [ " + " ,\n".join(items) + "\n] \n"
    rows = read(content, "json", size)
    assert [data for _, data in rows] == items  # type: ignore[misc]
    assert [line for line, _ in rows] == [1, 3, 4, 5, 6, 7]  # type: ignore[misc]


@pytest.mark.parametrize("size", CHUNKS)
def test_json_items_may_follow_each_other(size: int) -> None:
    assert read('{"a":1}\n{"a":2} {"a":3}', "json", size) == [
        (1, '{"a":1}'),
        (2, '{"a":2}'),
        (2, '{"a":3}'),
    ]
    assert read("[]", "json", size) == read(" ", "json", size) == []


@pytest.mark.parametrize("size", CHUNKS)
def test_ndjson_rows_are_lines_without_blank_ones(size: int) -> None:
    content = b'\xef\xbb\xbf{"a":1}\r\n\n  \n{broken\n2'
    assert read(content, "ndjson", size) == [(1, '{"a":1}\n'), (4, "{broken\n"), (5, "2\n")]


def test_a_failed_csv_row_keeps_the_names_of_its_columns() -> None:
    first = feed_of("@id,'=b,c\n1,=2,3\n", FileOptions(FileFormat.CSV))
    (row,) = first.rows
    writer = writer_for(first)
    failed = writer.start() + writer.row(0, row, []) + writer.end()
    assert failed.startswith(b"'@id,''=b,c,error_field,error_code,error_message\r\n1,'=2,3,")
    again = feed_of(failed, FileOptions(FileFormat.CSV))
    (row,) = again.rows
    writer = writer_for(again)
    assert writer.start() + writer.row(0, row, []) + writer.end() == failed


def test_the_items_of_failed_rows_are_what_is_loaded() -> None:
    content = '{"line":7,"item":{"a":1.10000000000000000001},"errors":[]}\n'
    assert read(content, "ndjson", failed_rows=True) == [(1, '{"a":1.10000000000000000001}\n')]
    with pytest.raises(LoadError, match="line 1 has no member 'item'"):
        read('{"a":1}', "ndjson", failed_rows=True)


@pytest.mark.parametrize("size", CHUNKS)
def test_items_of_xml_are_the_elements_of_its_root(size: int) -> None:
    content = "<!-- x --><all>\n<one><a>1 &lt; 2</a></one>\n<two a='b'/>\n</all>"
    assert read(content, "xml", size) == [
        (2, "<one><a>1 &lt; 2</a></one>"),
        (3, '<two a="b"/>'),
    ]
    alone = '<contact type="object"><a>1</a></contact>'
    assert read(alone, "xml", size) == [(1, alone)]


def test_yaml_becomes_json_without_losing_a_digit() -> None:
    content = "- a: 1.10000000000000000001\n  b: no\n- {a: 2026-11-22}\n"
    assert read(content, "yaml") == [
        (None, '{"a":1.10000000000000000001,"b":"no"}'),
        (None, '{"a":"2026-11-22"}'),
    ]


def test_parts_are_as_large_as_they_may_be() -> None:
    feed = feed_of("\n".join(map(str, range(10))), FileOptions(FileFormat.NDJSON))
    parts = list(cut(feed, Pieces(b"", 1), 4))  # type: ignore[arg-type]
    assert [(part.number, part.first, len(part.rows)) for part in parts] == [
        (0, 0, 4),
        (1, 4, 4),
        (2, 8, 2),
    ]
    feed = feed_of("11\n22\n333333\n4\n", FileOptions(FileFormat.NDJSON))
    parts = list(cut(feed, Pieces(b"", 1), 100, max_bytes=6))  # type: ignore[arg-type]
    assert [[row.data for row in part.rows] for part in parts] == [
        [b"11\n", b"22\n"],
        [b"333333\n"],
        [b"4\n"],
    ]


@pytest.mark.parametrize("compress", [None, gzip.compress])
def test_a_source_is_read_as_often_as_wanted(tmp_path: Path, compress: object) -> None:
    content = orjson.dumps(list(range(100_000)))
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if compress else content)
    with open_source(str(path)) as source:
        assert b"".join(source.read()) == b"".join(source.read()) == content
        reading = source.read()
        list(reading)
        assert reading.place == source.size == path.stat().st_size


def test_a_source_that_changes_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1\n")
    with path.open("rb") as file:
        source = Source(file, "file")
        path.write_bytes(b"1\n2\n")
        with pytest.raises(LoadError, match="was changed while"):
            list(source.read())


def test_the_content_of_a_source_identifies_it(tmp_path: Path) -> None:
    digests = []
    for content in (b"1\n", b"1\n", b"2\n"):
        path = tmp_path / "file"
        path.write_bytes(content)
        with open_source(str(path)) as source:
            digests.append(source.digest)
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", FileOptions(FileFormat.CSV)),
        ("A.TSV.GZ", FileOptions(FileFormat.CSV, delimiter="\t")),
        ("a.jsonl.zst", FileOptions(FileFormat.NDJSON)),
        ("a.failed-2.ndjson", FileOptions(FileFormat.NDJSON, failed_rows=True)),
        ("a.failed.csv", FileOptions(FileFormat.CSV)),
        ("a.yml", FileOptions(FileFormat.YAML)),
    ],
)
def test_the_name_says_the_format(name: str, expected: FileOptions) -> None:
    assert file_options(name, None, None, None) == expected


def test_a_name_may_say_nothing() -> None:
    with pytest.raises(LoadError, match="give --format"):
        file_options("a.txt", None, None, None)
    assert file_options("a.txt", FileFormat.XML, None, None).format is FileFormat.XML


def test_a_row_has_line_ends_that_only_csv_knows() -> None:
    assert parse_row("a\u2028b\x0b,c\n".encode(), ",") == ["a\u2028b\x0b", "c"]
