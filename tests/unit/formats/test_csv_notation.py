"""Numbers, dates and nulls of CSV that are not written as the schema reads them."""

from typing import Any

import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.errors import InvalidParameter
from ingest.formats.csv import CsvDecoder
from ingest.formats.csv_options import csv_format
from ingest.formats.shapes import item_shape
from ingest.model import Rewritten, Unreadable
from tests.unit.formats.things import LIMITS


class Lot(Schema):
    price = fields.Float()
    weight = fields.Decimal()


class Written(Schema):
    text = fields.String()
    strict = fields.Integer(strict=True)
    number = fields.Float()
    decimal = fields.Decimal()
    prices = fields.List(fields.Float())
    rates = fields.Dict(keys=fields.String(), values=fields.Decimal())
    lot = fields.Nested(Lot)
    day = fields.Date()
    moment = fields.DateTime()
    own = fields.Date(format="%d|%m|%Y")
    days = fields.List(fields.Date())


SHAPE = item_shape(Resource("written", Written))


def read(body: str, **parameters: str) -> list[Any]:
    decoder = CsvDecoder(SHAPE, LIMITS, csv_format(None, None, {**parameters, "delimiter": ";"}))
    return decoder.feed(body.encode()) + decoder.end()


def one(body: str, **parameters: str) -> Any:
    """The one item of a body, as it is validated."""
    (found,) = read(body, **parameters)
    if isinstance(found, Rewritten):
        assert not found.errors
        return found.item
    return found


def wrong(name: str, text: str, **parameters: str) -> tuple[int, str]:
    """The code and the message of the one field of an item that is not written as it should be."""
    (found,) = read(f"{name}\n{text}\n", **parameters)
    assert isinstance(found, Rewritten)
    (error,) = found.errors
    assert (str(found.raw[name]), error.field) == (text, name)
    assert error.description
    assert all(f"{key}={value}" in error.description for key, value in parameters.items())
    return error.code.code, error.message


def test_a_decimal_comma_stands_in_all_numbers_and_in_nothing_else() -> None:
    header = "text;strict;number;decimal;prices.0;prices.1;rates.a,b;lot.price;lot.weight;day\n"
    (found,) = read(f"{header}1,5;7;1,5;1,50;-0,5;2;1e3;1234,5;0,10;2026-12-24\n", decimal="comma")
    assert found.item == {
        "text": "1,5",
        "strict": 7,
        "number": 1.5,
        "decimal": "1.50",
        "prices": [-0.5, 2],
        "rates": {"a,b": "1e3"},
        "lot": {"price": 1234.5, "weight": "0.10"},
        "day": "2026-12-24",
    }
    assert found.raw["number"] == "1,5"
    assert found.raw["lot"] == {"price": "1234,5", "weight": "0,10"}
    assert one("number\n1,5\n", decimal=",") == {"number": 1.5}


def test_the_other_sign_is_wrong_in_a_number_with_a_decimal_comma() -> None:
    for name in ("number", "decimal", "strict"):
        for text in ("1.234,56", "1234.5", "1,234.56"):
            wanted = (42203, "Not a number with a decimal comma.")
            assert wrong(name, text, decimal="comma") == wanted
    (found,) = read("prices.0;prices.1;lot.weight\n;1.5;2.5\n", decimal="comma")
    assert [error.field for error in found.errors] == ["prices.0", "lot.weight"]


def test_a_decimal_point_is_how_the_schema_reads_numbers() -> None:
    for parameters in ({}, {"decimal": "point"}, {"decimal": "."}):
        assert read("number;decimal\n1.5;1,5\n", **parameters) == [
            {"number": 1.5, "decimal": "1,5"}
        ]


ORDERS = {
    "DD/MM/YYYY": ("24/12/2026", "03/04/2026"),
    "MM/DD/YYYY": ("12/24/2026", "04/03/2026"),
    "DD.MM.YYYY": ("24.12.2026", "03.04.2026"),
    "D/M/YYYY": ("24/12/2026", "3/4/2026"),
    "D. M. YYYY": ("24. 12. 2026", "3. 4. 2026"),
    "YYYY/MM/DD": ("2026/12/24", "2026/04/03"),
    "YYYY-M-D": ("2026-12-24", "2026-4-3"),
    "YYYYMMDD": ("20261224", "20260403"),
    "DDMMYYYY": ("24122026", "03042026"),
    "MM-YYYY DD": ("12-2026 24", "04-2026 03"),
}


@pytest.mark.parametrize("order", ORDERS)
def test_dates_in_any_order(order: str) -> None:
    for text, wanted in zip(ORDERS[order], ("2026-12-24", "2026-04-03"), strict=True):
        assert one(f"day;days.0;text\n{text};{text};{text}\n", dates=order) == {
            "day": wanted,
            "days": [wanted],
            "text": text,
        }
        for time, iso in (
            ("", ""),
            (" 9:05", "T09:05"),
            (", 23:05:07.25", "T23:05:07.25"),
            ("T10:00Z", "T10:00Z"),
        ):
            assert one(f"moment\n{text}{time}\n", dates=order) == {"moment": f"{wanted}{iso}"}


def test_a_date_of_another_form_is_wrong() -> None:
    texts = ("2026-12-24", "24/12/26", "12/24/2026", "31/02/2026", "1/2/2026", " 24/12/2026", "x")
    for text in (*texts, "24/12/2026 10:00", "٢٤/12/2026", "00/12/2026", "24/12/0000"):
        wanted = (42204, "Not a date of the form DD/MM/YYYY.")
        assert wrong("day", text, dates="DD/MM/YYYY") == wanted, text
    for text in (*texts, "24/12/2026x", "24/12/2026 noon", "24/12/2026 "):
        wanted = (42204, "Not a date and time of the form DD/MM/YYYY hh:mm:ss.")
        assert wrong("moment", text, dates="DD/MM/YYYY") == wanted, text
    # What stands in its place is nothing that the field would take.
    (found,) = read("day\n2026-12-24\n", dates="DD/MM/YYYY")
    assert Written().validate(found.item) == {"day": ["Not a valid date."]}
    (found,) = read("decimal\n1.5\n", decimal="comma")
    assert Written().validate(found.item) == {"decimal": ["Not a valid number."]}


def test_a_field_with_a_format_of_its_own_keeps_it() -> None:
    assert one("own;day\n24|12|2026;24/12/2026\n", dates="DD/MM/YYYY") == {
        "own": "24|12|2026",
        "day": "2026-12-24",
    }


def test_texts_that_are_null() -> None:
    header = "text;number;day;prices.0;prices.1;lot.price;lot.weight\n"
    nulls = {"nulls": "NULL,N/A, "}
    assert one(f"{header}NULL;N/A; ;NULL;2;NULL;\n", **nulls) == {
        "text": None,
        "number": None,
        "day": None,
        "prices": [2],
        "lot": None,
    }
    assert one(f"{header}null;;;NULL;;NULL;1\n", **nulls) == {
        "text": "null",
        "prices": None,
        "lot": {"price": None, "weight": "1"},
    }
    (found,) = read(f"{header}NULL;1,5;;;;;\n", **nulls, decimal="comma", emptyAs="null")
    assert found.raw["text"] == "NULL"
    assert found.item["text"] is found.item["day"] is found.item["lot"] is None
    assert found.item["number"] == 1.5


def test_what_is_written_as_the_schema_reads_it_is_not_rewritten() -> None:
    parameters = {"decimal": "comma", "dates": "YYYY-MM-DD", "nulls": "NULL"}
    assert read("number;day;text\n1;2026-12-24;x\n", **parameters) == [
        {"number": 1, "day": "2026-12-24", "text": "x"}
    ]


def test_short_rows_are_padded() -> None:
    body = "text;strict;number\na\nb;2\n;\n\nc;3;4;5\nd;4;1\n"
    *found, long, last = read(body, shortRows="pad")
    assert found == [{"text": "a"}, {"text": "b", "strict": 2}]
    assert isinstance(long, Unreadable)
    assert last == {"text": "d", "strict": 4, "number": 1}
    for parameters in ({}, {"shortRows": "refuse"}):
        assert [type(each) for each in read(body, **parameters)].count(Unreadable) == 3


def test_a_parameter_that_cannot_be_read_says_what_it_takes() -> None:
    for name, value, wanted in (
        ("shortRows", "yes", "refuse or pad"),
        ("decimal", ";", "point, comma, or the character itself"),
        ("nulls", "", "emptyAs=null"),
        ("nulls", "NULL,", "emptyAs=null"),
        *(
            ("dates", order, "such as DD/MM/YYYY")
            for order in (
                *("", "DD/MM/YY", "dd/mm/yyyy", "DD/MM", "DD/MM/YYYY/DD", "DD/DD/YYYY", "DMYYYY"),
                *("D/MM/YYYY ", "DDMM/YYYY", "YYYYDDMM", "%d/%m/%Y", "DD MMM YYYY"),
            )
        ),
    ):
        with pytest.raises(InvalidParameter) as error:
            csv_format(None, None, {name: value})
        assert name in error.value.message
        assert wanted in str(error.value.description)
