"""CSV: headers, cells and their types, rows that are wrong, however the body is cut."""

import random
import tracemalloc
from collections.abc import Callable
from enum import Enum
from typing import Any, ClassVar

import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from ingest.formats.charsets import check_charset
from ingest.formats.csv import CsvDecoder, CsvOptions
from ingest.formats.failure_files import (
    Columns,
    CsvWriter,
    WholeCsvWriter,
    defuse,
    undefuse,
    whole_column,
)
from ingest.formats.limits import Limits
from ingest.formats.shapes import item_shape
from ingest.model import Failure, Unreadable
from tests.effort import assert_linear

LIMITS = Limits(max_item=2**20, max_items=10, max_nesting=6)


class Size(Enum):
    small = 1
    large = "L"


class Rank(Enum):
    first = 1
    last = 9


class Inner(Schema):
    city = fields.String()
    zip = fields.Integer(strict=True)
    inner = fields.Nested(lambda: Inner())


class Everything(Schema):
    text = fields.String(data_key="the text")
    strict = fields.Integer(strict=True)
    integer = fields.Integer()
    number = fields.Float()
    decimal = fields.Decimal()
    boolean = fields.Boolean()
    size = fields.Enum(Size, by_value=True)
    rank = fields.Enum(Rank, by_value=fields.Integer(strict=True))
    tags = fields.List(fields.String())
    counts = fields.List(fields.Integer(strict=True))
    pair = fields.Tuple((fields.String(), fields.Integer(strict=True)))
    scores = fields.Dict(keys=fields.String(), values=fields.Integer(strict=True))
    address = fields.Nested(Inner)
    addresses = fields.List(fields.Nested(Inner))
    many = fields.Nested(Inner, many=True)
    cities = fields.Pluck(Inner, "zip", many=True)
    anything = fields.Raw()

    class Meta:
        include: ClassVar = {"a.b": fields.Integer(strict=True)}


RESOURCE = Resource("things", Everything)
SHAPE = item_shape(RESOURCE)


def decoder_of(limits: Limits = LIMITS, **options: Any) -> CsvDecoder:
    return CsvDecoder(SHAPE, limits, CsvOptions(**options))


def decoded(
    body: bytes | str, chunk: int = 5, limits: Limits = LIMITS, **options: Any
) -> list[Any]:
    data = body.encode() if isinstance(body, str) else body
    decoder = decoder_of(limits, **options)
    found = []
    for start in range(0, len(data), chunk):
        found += decoder.feed(data[start : start + chunk])
    return found + decoder.end()


def refused(body: bytes | str, **options: Any) -> MalformedBody:
    found = []
    for chunk in (1, 7, 10**6):
        with pytest.raises(MalformedBody) as error:
            decoded(body, chunk, **options)
        found.append((error.value.message, error.value.description))
    assert len(set(found)) == 1
    return error.value


def one(**cells: str) -> Any:
    """The item of one row of these cells."""
    names = ",".join(name.replace("__", ".") for name in cells)
    (item,) = decoded(names + "\n" + ",".join(f'"{cell}"' for cell in cells.values()))
    return item


@pytest.mark.parametrize("chunk", [1, 2, 3, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_become_items(chunk: int, end: str) -> None:
    body = f'the text,strict{end}é,1{end}{end}"a""b, {end}c",2{end},3{end}x,{end},{end}y,4'
    assert decoded(body, chunk) == [
        {"the text": "é", "strict": 1},
        {"the text": f'a"b, {end}c', "strict": 2},
        {"strict": 3},
        {"the text": "x"},
        {"the text": "y", "strict": 4},
    ]


def test_a_header_alone_is_no_item() -> None:
    assert decoded("strict") == decoded("\n\nstrict,integer\n\n") == []


def test_no_header_is_no_body() -> None:
    for body in ("", "\n", " \r\n\t\n", "\ufeff"):
        assert "no body" in refused(body).message


def test_empty_cells_are_absent_or_null() -> None:
    body = "strict,tags.0,address.city,address.zip,addresses.0.city\n1,,,,\n,,x,,\n,,,,\n"
    assert decoded(body) == [{"strict": 1}, {"address": {"city": "x"}}]
    assert decoded(body, empty_as_null=True) == [
        {"strict": 1, "tags": None, "address": None, "addresses": None},
        {"strict": None, "tags": None, "address": {"city": "x", "zip": None}, "addresses": None},
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    body = f'strict{delimiter}"the text"\n5{delimiter}"a,b;c|d"\n'
    wanted = [{"strict": 5, "the text": "a,b;c|d"}]
    assert decoded(body) == decoded(body, 1) == decoded(body, delimiter=delimiter) == wanted
    hint = f"sep={delimiter}\r\n"
    assert decoded(hint + body, 1) == decoded(hint + body) == wanted


def test_known_names_decide_on_the_delimiter() -> None:
    assert decoded("integer;a,b,c\n1;2\n") == [{"integer": 1, "a,b,c": "2"}]
    assert decoded("x\n1,2\n")[0].raw == ["1", "2"]
    assert decoded("x;y\n1;2\n") == [{"x": "1", "y": "2"}]


def test_texts_become_what_the_schema_has_in_their_place() -> None:
    texts = {"1": 1, "042": 42, " 7 ": 7, "-3": -3, "1_000": 1000, "1.5": "1.5", "x": "x"}
    assert [one(strict=text)["strict"] for text in texts] == list(texts.values())
    assert [one(a__b=text)["a.b"] for text in texts] == list(texts.values())
    texts = {"1": 1, "042": "042", "-3": -3, "9" * 19: int("9" * 19), "9" * 400: "9" * 400}
    assert [one(integer=text)["integer"] for text in texts] == list(texts.values())
    texts = {
        "1": 1,
        "1.5": 1.5,
        "1.50": "1.50",
        "1e3": "1e3",
        "nan": "nan",
        "inf": "inf",
        "-0": "-0",
    }
    assert [one(number=text)["number"] for text in texts] == list(texts.values())
    assert one(decimal="1.50") == {"decimal": "1.50"}
    texts = {"true": True, "false": False, "yes": "yes", "1": "1"}
    assert [one(boolean=text)["boolean"] for text in texts] == list(texts.values())
    assert [one(size=text)["size"] for text in ("1", "L", "x")] == [1, "L", "x"]
    assert one(rank="1") == {"rank": 1}
    assert one(anything="5") == {"anything": "5"}
    assert one(meta__version="3") == {"meta": {"version": 3}}


def test_dots_make_nested_values() -> None:
    body = (
        "tags.1,tags.0,counts.0,pair.0,pair.1,scores.x y,scores.p.q,address.city,"
        "address.inner.zip,addresses.1.zip,addresses.02.zip,addresses.0.zip,many.0.city,"
        "cities.0,anything.x.0,email.x\n"
        "b,a,5,p,6,1,2,Rome,3,,8,9,Oslo,7,t,u\n"
        ",,,,,,,,,,,,,,,v\n"
    )
    assert decoded(body) == [
        {
            "tags": ["a", "b"],
            "counts": [5],
            "pair": ["p", 6],
            "scores": {"x y": 1, "p.q": 2},
            "address": {"city": "Rome", "inner": {"zip": 3}},
            "addresses": [{"zip": 9}, {"zip": 8}],
            "many": [{"city": "Oslo"}],
            "cities": [7],
            "anything": {"x": ["t"]},
            "email.x": "u",
        },
        {"email.x": "v"},
    ]


def test_json_in_a_cell() -> None:
    body = 'tags;address;anything;the text\n"[""a"", ""b""]";{"zip": 5};[1.5];["x"]\n[;x;{;\n'
    assert decoded(body) == [
        {"tags": ["a", "b"], "address": {"zip": 5}, "anything": [1.5], "the text": '["x"]'},
        {"tags": "[", "address": "x", "anything": "{"},
    ]
    deep = "[" * 5 + "]" * 5
    assert decoded(f"tags\n{deep}\n{deep[1:-1]}\n") == [{"tags": deep}, {"tags": [[[[]]]]}]
    rounded = "[" * 1000 + "0.12345678901234567890" + "]" * 1000
    assert decoded(f"tags\n{rounded}\n", 65536) == [{"tags": rounded}]
    bomb = "[" * 10**5
    assert decoded(f"tags\n{bomb}\n", 65536) == [{"tags": bomb}]


HEADERS = [
    ("strict,integer,strict\n1,2,3", "'strict' is there twice", "column 1 and 3"),
    ("tags,tags.0\n", "'tags.0'", "JSON in one column"),
    ("address.city,address\n", "'address'", "JSON in one column"),
    ("tags.x\n", "'tags.x'", "from 0"),
    ("tags.0.x\n", "'tags.0.x'", "from 0"),
    ("tags.1,tags.2\n", "'tags.1' is out of turn", "numbered from 0"),
    ("tags.0,tags.2\n", "'tags.2' is out of turn", "leave no number out"),
    ("tags.0,tags.00\n", "'tags.00' is out of turn", "numbered from 0"),
    ("addresses.1.zip\n", "'addresses.1' is out of turn", "numbered from 0"),
    ("anything.a.b.c.d.e.f\n", "deeper than 6", "column"),
    ("anything" + ".a" * 3000 + "\n", "deeper than 6", "column 'anything.a.a"),
    ("address" + ".inner" * 3000 + "\n", "deeper than 6", "column 'address.inner"),
    ('"strict\n1,2', "never closed", "line 1"),
    ('"a"b,c\n', "header", "Line 1"),
]


@pytest.mark.parametrize(("body", "message", "description"), HEADERS)
def test_a_header_that_cannot_be_used(body: str, message: str, description: str) -> None:
    error = refused(body)
    assert message in error.message
    assert description in str(error.description)


def test_numbers_that_are_no_lists_are_names_where_the_schema_does_not_say() -> None:
    body = "anything.2021,anything.2022\n1,2\n"
    assert decoded(body, 65536) == [{"anything": {"2021": "1", "2022": "2"}}]
    assert decoded("anything.1,anything.0\nb,a\n", 65536) == [{"anything": ["a", "b"]}]


def test_a_name_that_the_schema_does_not_know_may_have_any_dots() -> None:
    name = "email" + ".x" * 3000
    assert decoded(f"{name}\n1\n", 65536) == [{name: "1"}]


def failure(element: Any) -> tuple[Any, str, str]:
    assert isinstance(element, Unreadable)
    (error,) = element.errors
    assert (error.code.code, error.field) == (42204, None)
    return element.raw, error.message, str(error.description)


@pytest.mark.parametrize("chunk", [1, 10, 1000])
def test_a_row_of_another_width_fails_by_itself(chunk: int) -> None:
    body = 'strict,the text\n1,"a\nb"\n2,x,y\n\n3\n4,d\n'
    first, long, short, last = decoded(body, chunk)
    assert (first, last) == ({"strict": 1, "the text": "a\nb"}, {"strict": 4, "the text": "d"})
    raw, message, where = failure(long)
    assert (raw, where) == (["2", "x", "y"], "Line 4.")
    assert "3 cells, and the header has 2" in message
    raw, message, where = failure(short)
    assert (raw, where) == (["3"], "Line 6.")
    assert "1 cell," in message


@pytest.mark.parametrize("chunk", [1, 10, 1000])
def test_a_row_that_is_no_csv_fails_by_itself(chunk: int) -> None:
    found = decoded('strict,the text\n1,"a"b\n2,c\n3,"d" \n4,e"f\n', chunk)
    assert [found[1], found[3]] == [
        {"strict": 2, "the text": "c"},
        {"strict": 4, "the text": 'e"f'},
    ]
    assert failure(found[0])[0] == '1,"a"b'
    assert "Line 2: " in failure(found[0])[2]
    assert "Line 4: " in failure(found[2])[2]


def test_a_column_without_a_name_is_no_matter_while_it_is_empty() -> None:
    first, second = decoded("strict,,\n1,,\n2,,x\n")
    assert first == {"strict": 1}
    assert "column 3" in failure(second)[1]


def test_an_open_quote_is_named() -> None:
    error = refused('strict,the text\n1,a\n2,"b\n3,c\n4,d\n')
    assert "never closed" in error.message
    assert "line 3" in str(error.description)


def test_charsets() -> None:
    text = "the text,strict\nZoë,5\n"
    wanted = [{"the text": "Zoë", "strict": 5}]
    for charset in ("utf-8", "windows-1252", "iso-8859-1", "utf-16", "utf-16-le", "mac-roman"):
        for chunk in (1, 3, 100):
            found = decoded(text.encode(charset), chunk, charset=check_charset(charset))
            assert found == wanted, charset
    for codec in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        for chunk in (1, 3, 100):
            assert decoded(text.encode(codec), chunk) == wanted, codec
    bom = text.encode("utf-8-sig")
    assert decoded(bom, charset="utf-8") == wanted


@pytest.mark.parametrize(
    "name", ["", "x", "idna", "punycode", "unicode_escape", "rot13", "hex", "utf-7", "a\0b", "é"]
)
def test_other_charsets_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        check_charset(name)


def test_a_byte_that_is_no_text_is_named_with_its_line() -> None:
    body = "the text\nZoë\n".encode() * 3
    for place in range(len(body) + 1):
        damaged = body[:place] + b"\xff" + body[place:]
        error = refused(damaged)
        where = str(error.description)
        before = body[:place]
        if before and before[-1] >= 0xC0:  # it cuts a character: the byte before is at fault
            place -= 1
            assert f"byte {place} of the body (0xc3)" in where
        else:
            assert f"byte {place} of the body (0xff)" in where
        assert f"Line {before.count(10) + 1}," in where
    assert "Line 2, byte 12" in str(refused(b"the text\nabc\xc3").description)
    assert "byte 12 " in str(refused(b"the text\nabc\x81", charset="cp1252").description)
    refused("the text\nabc".encode("utf-16") + b"x")


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
    columns.add(failures)
    writer = CsvWriter(columns.names)
    body = writer.start() + writer.page(failures) + writer.end()
    assert body.startswith(b"'@id,''-x,'=a.b,error_field,")
    decoder = CsvDecoder(shape, LIMITS, CsvOptions())
    assert decoder.feed(body) + decoder.end() == [raw]
    assert decoder.columns == tuple(raw)
    unmarked = CsvDecoder(shape, LIMITS, CsvOptions())
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
    writer = WholeCsvWriter(column)
    body = writer.start() + writer.page(failures) + writer.end()
    decoder = CsvDecoder(shape, LIMITS, CsvOptions())
    assert decoder.feed(body) + decoder.end() == items
    assert decoder.columns == ()
    fields_of_that_name = CsvDecoder(shape, LIMITS, CsvOptions())
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
    decoder = CsvDecoder(shape, LIMITS, CsvOptions())
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


def test_a_row_may_be_as_long_as_the_limit() -> None:
    limits = Limits(max_item=1000, max_items=1, max_nesting=6)
    for row in ("x" * 999, '"' + "\n" * 997 + '"'):
        for chunk in (1, 70, 10_000):
            (item,) = decoded(f"the text\n{row}\n", chunk, limits)
            assert len(item["the text"]) in (997, 999)
            with pytest.raises(BodyTooLarge) as error:
                decoded(f"the text\na\n{row[:-1]}x{row[-1]}\nb\n", chunk, limits)
            assert "line 3." in str(error.value.description)


@pytest.mark.parametrize("start", ["", "the text\n", 'the text\n"'])
@pytest.mark.parametrize("filling", ["x", '""\n', "\r", '""'])
def test_a_cell_of_100_mb_is_not_kept(start: str, filling: str) -> None:
    if filling == '""\n' and not start.endswith('"'):
        return  # these are rows
    if filling == "\r" and not start.endswith('"'):
        return
    decoder = decoder_of()
    decoder.feed(start.encode())
    chunk = filling.encode() * (65536 // len(filling))
    chunks = iter([chunk] * 1600)
    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        all(decoder.feed(each) is not None for each in chunks)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * LIMITS.max_item
    fed = 1600 - len(list(chunks))
    assert (fed - 1) * len(chunk) <= LIMITS.max_item


def test_a_cell_of_many_lines_is_not_read_again_and_again() -> None:
    def work(chunks: int) -> Callable[[], None]:
        def read() -> None:
            decoder = decoder_of(Limits(max_item=2**24, max_items=1, max_nesting=6))
            decoder.feed(b'the text\n"')
            for _ in range(chunks):
                decoder.feed(b'""\n' * 300)
            (item,) = decoder.feed(b'"\n') + decoder.end()
            assert len(item["the text"]) == chunks * 600

        return read

    assert_linear(work, 1_000)


def test_many_columns() -> None:
    names = ",".join(f"k{number}" for number in range(100_000))
    (item,) = decoded(f"{names}\n{names}\n", 65536)
    assert len(item) == 100_000


def test_any_text_is_read_or_refused_alike_however_it_is_cut() -> None:
    chosen = random.Random(5)
    for _ in range(500):
        text = "strict,the text\n" + "".join(chosen.choices('a1,;"\n\r \0é', k=40))
        results = []
        for chunk in (1, 3, 100):
            try:
                results.append(repr(decoded(text, chunk)))
            except MalformedBody as error:
                results.append(f"{error.message} {error.description}")
        assert len(set(results)) == 1, (text, results)
