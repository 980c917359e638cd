"""Files of failed rows in CSV: they come back as they were, and hold no formulas."""

from typing import Any

import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.errors import BAD_FORMAT
from ingest.formats.csv import CsvDecoder
from ingest.formats.failure_columns import Columns
from ingest.formats.failure_files import (
    CsvWriter,
    WholeCsvWriter,
    defuse,
    undefuse,
    whole_column,
)
from ingest.formats.negotiation import CSV, BodyFormat
from ingest.formats.shapes import item_shape
from ingest.model import Failure, ItemError, Unreadable
from tests.unit.formats.things import LIMITS, decoded, decoder_of


def test_failed_rows_come_back_as_they_were() -> None:
    body = (
        "the text,number,error_field,error_code,error_message\n"
        "'=1+1,-5,number,42203,Not a valid number.\n''=x,1,a,b,c\n'x,'x,,,\n"
    )
    decoder = decoder_of()
    found = decoder.feed(body.encode()) + decoder.end()
    assert found == [
        {"the text": "=1+1", "number": -5},
        {"the text": "'=x", "number": 1},
        {"the text": "'x", "number": "'x"},
    ]
    assert decoder.columns == ("the text", "number")
    assert decoded("the text\n'=1+1\n") == [{"the text": "'=1+1"}]


def test_names_of_columns_come_back_as_they_were() -> None:
    class Linked(Schema):
        id = fields.Integer(data_key="@id", strict=True)

    shape = item_shape(Resource("linked", Linked))
    raw = {"@id": "=1", "'-x": "y", "=a.b": "z"}
    failures = [Failure(0, raw, [])]
    columns = Columns("@id")
    columns.add(each.raw for each in failures)
    writer = CsvWriter(columns.names)
    body = writer.head + writer.page(failures) + writer.tail
    assert body.startswith(b"'@id,''-x,'=a.b,error_field,")
    decoder = CsvDecoder(shape, LIMITS, BodyFormat(CSV))
    assert decoder.feed(body) + decoder.end() == [raw]
    assert decoder.columns == tuple(raw)
    unmarked = CsvDecoder(shape, LIMITS, BodyFormat(CSV))
    assert unmarked.feed(b"'@id\n5\n") + unmarked.end() == [{"'@id": "5"}]


def test_a_column_of_whole_items_has_no_fields_name() -> None:
    class Trap(Schema):
        item = fields.String()
        error_item = fields.String()

    shape = item_shape(Resource("traps", Trap))
    column = whole_column(shape.names)
    assert column == "error_item_"
    items = [{"error_item": "x", "item": ["=1", 2.50]}, ["a", {}], "text", -5, None, {}]
    failures = [Failure(index, item, []) for index, item in enumerate(items)]
    writer = WholeCsvWriter([column])
    body = writer.head + writer.page(failures) + writer.tail
    decoder = CsvDecoder(shape, LIMITS, BodyFormat(CSV))
    assert decoder.feed(body) + decoder.end() == items
    assert decoder.columns == ()
    fields_of_that_name = CsvDecoder(shape, LIMITS, BodyFormat(CSV))
    body = b"error_item,error_code\n[],x\n"
    assert fields_of_that_name.feed(body) + fields_of_that_name.end() == [{"error_item": "[]"}]


@pytest.mark.parametrize("cell", ["{", "x", "[[[[[[]]]]]]", "1e999", "[" * 500_000], ids=range(5))
def test_a_cell_that_is_no_whole_item(cell: str) -> None:
    body = f'error_code,error_item\n1,"{cell}"\n,\n1,"{{}}"\n'
    found = decoded(body, 70)
    assert found[1:] == [{}]
    assert isinstance(found[0], Unreadable)
    assert found[0].raw[:100] == cell[:100]
    [error] = found[0].errors
    assert error.message == "The cell `error_item` of this row is not an item as JSON."
    assert str(error.description).startswith("Line 2: ")


def test_error_columns_of_the_schema_are_its_own() -> None:
    class Errors(Schema):
        error_code = fields.Integer(strict=True)

    shape = item_shape(Resource("errors", Errors))
    decoder = CsvDecoder(shape, LIMITS, BodyFormat(CSV))
    assert decoder.feed(b"error_code\n5\n") + decoder.end() == [{"error_code": 5}]


def test_defusing_is_exact() -> None:
    harmless = ["", "a", "'", "''a", "-5", "+49", "-1.5e-3", "a=b"]
    formulas = [
        "=1+1",
        "@x",
        "\tx",
        "\rx",
        "-2+3",
        "+1-1",
        "-",
        "=",
        "'=x",
        "''@",
        "+49 30 1",
        "-x",
    ]
    for cell in harmless:
        assert defuse(cell) == cell == undefuse(cell)
    for cell in formulas:
        assert defuse(cell) == "'" + cell
        assert undefuse(defuse(cell)) == cell


@pytest.mark.parametrize(
    ("items", "names"),
    [
        ([{"address": None}, {"address": {"city": "Rome"}}], ("address.city",)),
        ([{"address": {"city": "Rome"}}, {"address": {}}], ("address",)),
        ([{"tags": []}, {"tags": ["a", "b"]}, {"tags": None}], ("tags",)),
        (
            [{"addresses": [{"city": "x"}, "y"]}, {"addresses": [{}]}],
            ("addresses.1", "addresses.0"),
        ),
        ([{"anything": {"a": {"b": 1}}}, {"anything": {"a": "x"}}], ("anything.a",)),
        ([{"x": "1", "x.y": "2"}], ("x", "x.y")),
    ],
)
def test_whatever_is_written_is_read(items: list[Any], names: tuple[str, ...]) -> None:
    """Where a value is nested in one item, and null, empty or a text in another."""
    error = ItemError(BAD_FORMAT, "Not valid.", "a field")
    failures = [Failure(index, item, [error]) for index, item in enumerate(items)]
    columns = Columns("id")
    columns.add(each.raw for each in failures)
    assert columns.names == names
    writer = CsvWriter(columns.names)
    assert decoded(writer.head + writer.page(failures)) == [
        {name: value for name, value in item.items() if value is not None} for item in items
    ]
