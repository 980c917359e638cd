"""Workbooks: the rows that a sheet becomes, and what is wrong with one."""

import datetime as dt
import io
import sys
from pathlib import Path
from typing import Any

import pytest

from ingest.formats.csv_notation import DateOrder
from ingest.formats.failure_files import ERROR_COLUMNS, csv_lines
from ingest.load.cell_errors import column_name
from ingest.load.cell_texts import text_of
from ingest.load.csv_reader import parse_row
from ingest.load.errors import LoadError
from ingest.load.failed_rows import writer_for
from ingest.load.feed import Feed, Row
from ingest.load.kinds import FileFormat, FileOptions
from ingest.load.readers import open_feed
from ingest.load.sheet_process import lines_of
from ingest.load.source import open_source
from ingest.load.workbook import sheet_of
from tests.unit.load.files import feed_of
from tests.unit.load.workbooks import changed, ods, xlsx

MOMENT = dt.datetime(2026, 11, 22, 10, 30, 5)  # noqa: DTZ001 - a spreadsheet has no zones
BAD = {"code": 42204, "message": "Cell B2 is #N/A."}


def loaded(
    folder: Path, workbook: bytes, sheet: str | None = None, **notation: str
) -> tuple[Feed, list[Any]]:
    """What a process of its own reads of a workbook, as `rows_of` has it; then the notes."""
    path = folder / "book.csv"  # the name does not matter
    path.write_bytes(workbook)
    notes: list[str] = []
    with (
        open_source(str(path)) as source,
        sheet_of(source, sheet, notes.append, **notation) as rows,
    ):
        feed = open_feed(rows.read(), FileOptions(FileFormat.WORKBOOK))
        return feed, [*map(told, feed.rows), *notes]


def rows_of(workbook: bytes, sheet: str = "") -> list[Any]:
    """The rows of a workbook: number, cells as CSV and problem."""
    lines = b"".join(lines_of(io.BytesIO(workbook), sheet))
    return [*map(told, feed_of(lines, FileOptions(FileFormat.WORKBOOK)).rows)]


def test_cells_are_written_as_the_texts_beside_them(tmp_path: Path) -> None:
    """So that a column may have both."""
    rows = [["when", "n"], ["24/12/2026", "1,5"], [MOMENT, 1.5], [dt.date(2026, 2, 1), 2]]
    _, found = loaded(tmp_path, xlsx(First=rows), dates="D/M/YYYY", decimal="comma")
    assert [cells for _, cells, _ in found] == [
        '24/12/2026,"1,5"',
        '22/11/2026 10:30:05,"1,5"',
        "1/2/2026,2",
    ]
    assert DateOrder.of("D/M/YYYY").moment("22/11/2026 10:30:05") == "2026-11-22T10:30:05"


def test_a_sheet_may_have_no_header() -> None:
    lines = b"".join(lines_of(io.BytesIO(xlsx(First=[["x", "#N/A"], [1, 2]])), ""))
    feed = feed_of(lines, FileOptions(FileFormat.WORKBOOK, columns=("a", "b")))
    assert feed.header == ["a", "b"]
    assert [row.problem for row in feed.rows] == ["Cell B1 is #N/A.", None]


def told(row: Row) -> tuple[int | None, str, str | None]:
    return row.line, row.data.decode().rstrip(), row.problem


def test_cells_become_texts_that_the_schema_reads(tmp_path: Path) -> None:
    rows = [
        [],
        ["zip", "n", "when", "at", "share", "yes"],
        ["00123", 1, dt.date(2026, 11, 22), dt.time(10, 30), 0.1 + 0.2, True],
        [],
        [7, 1.0, MOMENT, dt.timedelta(hours=36), 1e-7, False],
        ['é, "x"\ny', -0.0, None, None, 12.5, None],
    ]
    feed, found = loaded(tmp_path, xlsx(First=rows, Second=[["x"]]))
    assert feed.head == b"zip,n,when,at,share,yes\r\n"
    assert (feed.header, feed.unit) == (["zip", "n", "when", "at", "share", "yes"], "row")
    assert found == [
        (3, "00123,1,2026-11-22,10:30:00,0.3,true", None),
        (5, "7,1,2026-11-22T10:30:05,36:00:00,0.0000001,false", None),
        (6, '"é, ""x""\ny",0,,,12.5,', None),
        f"{tmp_path}/book.csv: this loads its sheet 'First', the first of 2; --sheet names another",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9007199254740991.0, "9007199254740991"),
        (59.970000000000006, "59.97"),
        (1e22, "1E+22"),
        (52.123456789, "52.123456789"),
        (dt.timedelta(days=-1, microseconds=5), "-23:59:59.999995"),
        (5, "5"),
    ],
)
def test_numbers_have_the_digits_that_a_spreadsheet_shows(value: Any, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(("sheet", "cell"), [("", "a"), ("2", "b"), ("3", "d"), ("Hidden", "c")])
def test_a_sheet_is_named_or_numbered(sheet: str, cell: str) -> None:
    names = {"First": "a", "Second": "b", "Hidden": "c", "Last": "d"}
    book = xlsx(**{name: [["x"], [each]] for name, each in names.items()})
    book = changed(
        book,
        "xl/workbook.xml",
        b'name="Hidden" sheetId="3" state="visible"',
        b'name="Hidden" sheetId="3" state="hidden"',
    )
    assert rows_of(book, sheet) == [(2, cell, None)]


def test_cells_without_a_value_are_named() -> None:
    rows = [["a", "b"], ["x", "#N/A"], [12345678901234567890, "=1/0"], ["=A2", "y"], ["z", ""]]
    book = changed(
        xlsx(First=rows),
        "xl/worksheets/sheet1.xml",
        b'<c r="B3"><f>1/0</f><v></v></c>',
        b'<c t="e" s="0" r="B3"><f>1/0</f><v>#DIV/0!</v></c>',
    )
    errors, division, formula, plain = rows_of(book)
    assert errors == (2, "x,#N/A,Cell B2 is #N/A.", "Cell B2 is #N/A.")
    number, cells, problem = division
    assert number == 3
    assert cells.startswith("1.23456789012346E+19,#DIV/0!,")
    assert "Cell A3 is a number of more than 15 digits" in problem
    assert "Cell B3 is #DIV/0!" in problem
    assert "Cell A4 is a formula without a result" in formula[2]
    assert plain == (5, "z,", None)


def test_ods_cells_are_read_and_counted() -> None:
    text = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = [
        '<table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>',
        "<table:table-row>" + text.format("a") + text.format("b") + "</table:table-row>",
        '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>',
        "<table:table-row>"
        + text.format("007")
        + '<table:table-cell table:formula="of:=NA()" office:value-type="string" '
        'office:string-value="" calcext:value-type="error"><text:p>#N/A</text:p>'
        "</table:table-cell></table:table-row>",
        '<table:table-row><table:table-cell office:value-type="float" office:value="3"/>'
        '<table:table-cell office:value-type="date" office:date-value="2026-11-22"/>'
        '<table:table-cell table:number-columns-repeated="16382"/></table:table-row>',
        '<table:table-row table:number-rows-repeated="1048571"><table:table-cell/>'
        "</table:table-row>",
    ]
    assert rows_of(ods("".join(rows))) == [
        (7, "007,#N/A,Cell B7 is #N/A.", "Cell B7 is #N/A."),
        (8, "3,2026-11-22", None),
    ]


def test_a_failed_row_fails_again_until_its_cell_is_changed() -> None:
    lines = b"".join(lines_of(io.BytesIO(xlsx(**{"Q & A": [["a", "b"], ["x", "#N/A"]]})), ""))
    feed_options = FileOptions(FileFormat.WORKBOOK)
    feed = feed_of(lines, feed_options)
    (row,) = feed.rows
    writer = writer_for(feed)
    failed = writer.head + writer.row(0, row, [BAD])
    assert failed == csv_lines(
        [
            ["a", "b", "error_field", "error_code", "error_message", "error_row"],
            ["x", "#N/A", "", "42204", "row 2: Cell B2 is #N/A.", '["x","#N/A"]'],
        ]
    )
    # Saved as a workbook by a spreadsheet program, it still has its columns of errors.
    rows = [["a", "b", "error_field", "error_message"], ["'=x", "#N/A", "b", "row 2: bad"]]
    feed = feed_of(b"".join(lines_of(io.BytesIO(xlsx(First=rows)), "")), feed_options)
    (row,) = feed.rows
    writer = writer_for(feed)
    again = feed_of(writer.head + writer.row(0, row, [BAD]), FileOptions(FileFormat.CSV))
    assert again.header == ["a", "b", *ERROR_COLUMNS]
    (row,) = again.rows
    assert parse_row(row.data, ",") == [
        *("'=x", "#N/A", "", "42204", "row 2: Cell B2 is #N/A."),
        '["=x","#N/A"]',
    ]


def bomb() -> bytes:
    """A workbook of two cells, as far from each other as they can be."""
    book = xlsx(First=[["x"], ["y"]])
    return changed(book, "xl/worksheets/sheet1.xml", b'r="A2"', b'r="XFD1048576"')


@pytest.mark.parametrize(
    ("book", "sheet", "said"),
    [
        (xlsx(First=[]), None, "the sheet 'First' is empty; its first row must name the columns"),
        (
            xlsx(First=[["a", "#REF!"]]),
            None,
            "row 1 of the sheet 'First' must name the columns: Cell B1 is #REF!",
        ),
        (xlsx(First=[["a"]]), "5", "there is no sheet '5'; there are 1: 'First'"),
        (bomb(), None, "more than 2147483648 bytes of memory; is there a cell far below"),
        (
            changed(xlsx(First=[["a"]]), "xl/workbook.xml", b"<sheets>", b"<sheets"),
            None,
            "the workbook cannot be read",
        ),
    ],
)
def test_what_is_wrong_with_a_workbook_is_named(
    tmp_path: Path, book: bytes, sheet: str | None, said: str
) -> None:
    with pytest.raises(LoadError) as caught:
        loaded(tmp_path, book, sheet)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}/book.csv: ")


def test_what_reads_workbooks_may_not_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(LoadError, match=r"run: pip install 'ingest-service\[sheets\]'"):
        loaded(tmp_path, xlsx(First=[["a"]]))


def test_columns_have_letters() -> None:
    assert [*map(column_name, (1, 26, 27, 702, 703, 16384))] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]
