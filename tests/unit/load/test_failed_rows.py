"""Files of failed rows that `ingest load` writes."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from ingest.formats.failure_files import csv_lines
from ingest.load.errors import LoadError
from ingest.load.failed_rows import FailedRows, failed_name, writer_for
from ingest.load.kinds import FileFormat, FileOptions
from ingest.load.run import run
from ingest.model import Unreadable
from tests.unit.formats.things import decoded
from tests.unit.load.files import feed_of

BAD = {"code": 42204, "message": "This row has too many cells, or too few."}


def test_a_failed_csv_row_keeps_the_names_of_its_columns() -> None:
    first = feed_of("@id,'=b,c\n1,=2,3\n", FileOptions(FileFormat.CSV))
    (row,) = first.rows
    writer = writer_for(first)
    failed = writer.head + writer.row(0, row, []) + writer.tail
    assert failed.startswith(
        b"'@id,''=b,c,error_field,error_code,error_message,error_row\r\n1,'=2,3,"
    )
    again = feed_of(failed, FileOptions(FileFormat.CSV))
    (row,) = again.rows
    writer = writer_for(again)
    assert writer.head + writer.row(0, row, []) + writer.tail == failed


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("strict,the text,tags", "1,2,Smith, Jim"),
        ("strict,the text,tags", "1,2"),
        ("strict,the text,tags", "1"),
        ("strict,the text,tags", "1,,,,,,"),
        ("strict,the text,tags", "'=1,=2,'x,"),
        ("strict,the text,tags", '1,"a" b,c'),
        ("strict;the text;tags", "1;2;a;;"),
        ("strict;the text;tags", "1,2,3"),
        ("strict;the text;tags", '1;"a" b;c'),
        ("strict;;tags", "1;2;a"),
        ("strict;;tags", "1;2;;;x"),
    ],
)
def test_a_row_that_was_no_item_fails_again(header: str, row: str) -> None:
    (before,) = decoded(f"{header}\n{row}\n")
    (error,) = before.errors
    content: str | bytes = f"{header}\n{row}\n"
    for _ in range(3):
        feed = feed_of(content, FileOptions(FileFormat.CSV))
        (failed,) = feed.rows
        writer = writer_for(feed)
        content = writer.head + writer.row(0, failed, [{"code": 42204, "message": error.message}])
        (again,) = decoded(content)
        assert isinstance(again, Unreadable)
        assert (again.raw, again.errors[0].message) == (before.raw, error.message)


def test_a_row_that_was_no_item_is_read_when_it_is_changed() -> None:
    feed = feed_of("strict,the text\n1,a,b\n2\n", FileOptions(FileFormat.CSV))
    writer = writer_for(feed)
    rows = [writer.row(place, row, [BAD]) for place, row in enumerate(feed.rows)]
    failed = (writer.head + b"".join(rows)).decode()
    cells = list(csv.reader(io.StringIO(failed, newline="")))
    assert [row[:2] for row in cells[1:]] == [["1", "a,b"], ["2", ""]]
    assert [row[5] for row in cells[1:]] == ['["1","a","b"]', '["2"]']
    corrected = failed.replace('1,"a,b"', "1,b").replace("\n2,,", "\n2,c,")
    assert decoded(corrected) == [
        {"strict": 1, "the text": "b"},
        {"strict": 2, "the text": "c"},
    ]
    cells[1][5] = cells[2][5] = ""  # what is shown is right
    assert decoded(csv_lines(cells)) == [{"strict": 1, "the text": "a,b"}, {"strict": 2}]
    cells[1][5] = '["1","a'  # as a spreadsheet cuts what is long
    cells[2][5] = '["2"]'
    with_more = csv_lines([[*row, "", ""] for row in cells], ";")  # as a spreadsheet saves it
    damaged, still = decoded(with_more)
    assert "error_row" in damaged.errors[0].message
    assert still.raw == ["2"]


def test_files_that_differ_in_more_than_their_format_have_failed_rows_of_their_own() -> None:
    names = {
        "plain.csv": "plain.failed.csv",
        "plain.CSV": "plain.CSV.failed.csv",
        "plain.csv.gz": "plain.csv.gz.failed.csv",
        "plain.failed.csv": "plain.failed-2.csv",
        "plain.csv.gz.failed-2.csv": "plain.csv.gz.failed-3.csv",
        "plain": "plain.failed.csv",
    }
    for name, failed in names.items():
        assert failed_name(Path(name), FileFormat.CSV) == failed
    assert failed_name(Path("plain.json"), FileFormat.JSON) == "plain.failed.ndjson"


def test_every_earlier_file_of_failed_rows_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "a.failed.csv"
    for number in range(4):
        feed = feed_of(f"strict\n{number}\n", FileOptions(FileFormat.CSV))
        rows = FailedRows(target, writer_for(feed))
        rows.add(0, next(feed.rows), [])
        rows.finish(complete=True)
    kept = {path.name: path.read_text().splitlines()[1][0] for path in tmp_path.iterdir()}
    assert kept == {
        "a.failed.csv": "3",
        "a.failed.csv.old": "0",
        "a.failed.csv.old-2": "1",
        "a.failed.csv.old-3": "2",
    }


@pytest.mark.parametrize("options", [{"format_": "csv"}, {"format_": None}])
def test_a_folder_is_no_file(options: dict[str, Any], tmp_path: Path) -> None:
    for path in (".", str(tmp_path)):
        with pytest.raises(LoadError, match="this is a folder"):
            run(path, options)
