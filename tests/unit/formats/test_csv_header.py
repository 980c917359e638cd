"""Headers of CSV: delimiters, nested values, what a text becomes, names that cannot be used."""

import pytest

from ingest.formats.negotiation import EmptyAs
from tests.unit.formats.things import decoded, one, refused


def test_empty_cells_are_absent_or_null() -> None:
    body = "strict,tags.0,address.city,address.zip,addresses.0.city\n1,,,,\n,,x,,\n,,,,\n"
    assert decoded(body) == [{"strict": 1}, {"address": {"city": "x"}}]
    assert decoded(body, empty_as=EmptyAs.NULL) == [
        {"strict": 1, "tags": None, "address": None, "addresses": None},
        {"strict": None, "tags": None, "address": {"city": "x", "zip": None}, "addresses": None},
    ]


def test_known_names_decide_on_the_delimiter() -> None:
    assert decoded("integer;a,b,c\n1;2\n") == [{"integer": 1, "a,b,c": "2"}]
    assert decoded("x\n1,2\n")[0].raw == ["1", "2"]
    assert decoded("x;y\n1;2\n") == [{"x": "1", "y": "2"}]


def test_texts_become_what_the_schema_has_in_their_place() -> None:
    texts = {"1": 1, "042": 42, " 7 ": 7, "-3": -3, "1_000": 1000, "1.5": "1.5", "x": "x"}
    assert [one(strict=text)["strict"] for text in texts] == list(texts.values())
    assert [one(a__b=text)["a.b"] for text in texts] == list(texts.values())
    texts = {"1": 1, "042": "042", "-3": -3, "9" * 19: int("9" * 19), "9" * 401: "9" * 401}
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
    assert one(meta__version="", name="x")["meta"] == {"version": ""}


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


def test_many_columns() -> None:
    names = ",".join(f"k{number}" for number in range(100_000))
    (item,) = decoded(f"{names}\n{names}\n", 65536)
    assert len(item) == 100_000
