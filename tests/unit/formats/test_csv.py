"""CSV bodies: rows into items, and rows that are wrong, however the body is cut."""

from typing import Any

import pytest

from ingest.model import Unreadable
from tests.unit.formats.things import decoded, refused


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
