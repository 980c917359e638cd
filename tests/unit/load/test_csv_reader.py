"""CSV files: records as they stand in the file, their lines, and delimiters."""

import pytest

from ingest.load.csv_reader import parse_row
from ingest.load.kinds import FileFormat, FileOptions
from tests.unit.load.files import CHUNKS, feed_of, read


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


def test_a_row_has_line_ends_that_only_csv_knows() -> None:
    assert parse_row("a\u2028b\x0b,c\n".encode(), ",") == ["a\u2028b\x0b", "c"]


def test_a_file_may_have_no_header() -> None:
    options = FileOptions(FileFormat.CSV, columns=("a b", "c,d"))
    feed = feed_of("1|2\n\n3|4\n", options)
    assert (feed.head, feed.header, feed.delimiter) == (b"a b|c,d\r\n", ["a b", "c,d"], "|")
    assert [(row.line, row.data) for row in feed.rows] == [(1, b"1|2\n"), (3, b"3|4\n")]
