"""CSV records: delimiters, quotes, how long they may be, however the text is cut."""

import random
import tracemalloc
from collections.abc import Callable
from csv import Error

import pytest

from ingest.errors import BodyTooLarge, MalformedBody
from ingest.formats.csv_records import RecordReader
from ingest.formats.limits import Limits
from tests.effort import assert_linear
from tests.unit.formats.things import LIMITS, decoded, decoder_of, refused


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    body = f'strict{delimiter}"the text"\n5{delimiter}"a,b;c|d"\n'
    wanted = [{"strict": 5, "the text": "a,b;c|d"}]
    assert decoded(body) == decoded(body, 1) == decoded(body, delimiter=delimiter) == wanted
    for hint in (f"sep={delimiter}", f"SEP={delimiter}", f"Sep={delimiter} ", f'"sep={delimiter}"'):
        for end in ("\n", "\r\n", "\r"):
            text = f"\ufeff{hint}{end}{body}"
            assert decoded(text, 1) == decoded(text) == decoded(text[1:].encode("utf-16")) == wanted


def test_a_line_that_is_like_one_that_names_the_delimiter_is_a_header() -> None:
    assert decoded("sep=;x\n1;2\n") == [{"sep=": "1", "x": "2"}]
    assert decoded('"sep=,\n1"\n2\n', delimiter=",") == [{"sep=,\n1": "2"}]


def test_a_delimiter_that_is_not_clear_is_asked_for() -> None:
    error = refused("the name;a, b\n1;2\n")
    assert error.message == "The delimiter of the body is not clear: comma or semicolon"
    assert "`?delimiter=comma`" in str(error.description)
    assert decoded("the name;a, b\n1;2\n", delimiter=";") == [{"the name": "1", "a, b": "2"}]
    assert decoded("integer;a, b\n1;2\n") == [{"integer": 1, "a, b": "2"}]


def test_an_open_quote_is_named() -> None:
    error = refused('strict,the text\n1,a\n2,"b\n3,c\n4,d\n')
    assert "never closed" in error.message
    assert "line 3" in str(error.description)


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


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_records_have_their_lines_and_their_text(chunk: int) -> None:
    text = 'sep=;\r\n;\r\na;b\r\n1;"x\ny"\n"z"w;2\n\n3'
    reader = RecordReader(100, None)
    records = [
        record
        for start in range(0, len(text), chunk)
        for record in reader.feed(text[start : start + chunk])
    ]
    (bad,) = [record[:2] for record in records if isinstance(record[2], Error)]
    good = [record for record in [*records, *reader.end()] if isinstance(record[2], list)]
    assert reader.delimiter == ";"
    assert bad == (6, '"z"w;2\n')
    assert good == [
        (3, "a;b\r\n", ["a", "b"]),
        (4, '1;"x\ny"\n', ["1", "x\ny"]),
        (7, "\n", []),
        (8, "3", ["3"]),
    ]


@pytest.mark.parametrize("text", ["", "\n\n", ",,\r\n ,\n"])
def test_blank_lines_are_no_header(text: str) -> None:
    reader = RecordReader(100, ",")
    assert [*reader.feed(text), *reader.end()] == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("row", ["\n", "\r\n", ",,\n", '"",,""\r\n', '"",\r', ",\n\r\n"])
def test_rows_without_any_text_are_one_record(delimiter: str, row: str) -> None:
    rows = row.replace(",", delimiter) * 5_000
    number = rows.count("\n") + rows.count("\r") - rows.count("\r\n")
    reader = RecordReader(1_000, delimiter)
    assert [cells for _, _, cells in reader.feed(f"a{delimiter}b\r\n")] == [["a", "b"]]
    empty = [*reader.feed(rows), *reader.feed(rows)]
    assert [cells for *_, cells in empty] in ([[], []], [[], [], []])
    found = [*reader.feed(f"1{delimiter}2\r\n"), *reader.end()]
    line, _, cells = next(each for each in found if each[2])
    assert (line, cells) == (2 + 2 * number, ["1", "2"])


def test_what_only_begins_as_a_row_without_text_is_a_row() -> None:
    for row in ('""x,1', '"""",1', ',,"\n"', '"",a'):
        text = f"a,b\n,\n{row}\n"
        reader = RecordReader(1_000, ",")
        records = [*reader.feed(text), *reader.end()]
        assert [text for _, text, cells in records if cells != []] == ["a,b\n", f"{row}\n"]
