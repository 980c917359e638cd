"""Files of failed rows that `ingest load` writes."""

from ingest.load.failed_rows import writer_for
from ingest.load.readers import FileFormat, FileOptions
from tests.unit.load.files import feed_of


def test_a_failed_csv_row_keeps_the_names_of_its_columns() -> None:
    first = feed_of("@id,'=b,c\n1,=2,3\n", FileOptions(FileFormat.CSV))
    (row,) = first.rows
    writer = writer_for(first)
    failed = writer.head + writer.row(0, row, []) + writer.tail
    assert failed.startswith(b"'@id,''=b,c,error_field,error_code,error_message\r\n1,'=2,3,")
    again = feed_of(failed, FileOptions(FileFormat.CSV))
    (row,) = again.rows
    writer = writer_for(again)
    assert writer.head + writer.row(0, row, []) + writer.tail == failed
