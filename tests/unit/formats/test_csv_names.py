"""Columns that a collection does not have are found at the header, and files without a header."""

from typing import Any

import pytest
from marshmallow import EXCLUDE, INCLUDE, Schema, fields, pre_load

from ingest import Resource
from ingest.errors import InvalidParameter, MalformedBody
from ingest.formats.csv_options import csv_format
from ingest.formats.decoding import open_decoder
from ingest.formats.negotiation import CSV, BodyFormat
from ingest.model import Unreadable
from tests.unit.formats.things import LIMITS


class Person(Schema):
    email = fields.Email(data_key="e-mail", required=True)
    name = fields.String()
    age = fields.Integer(strict=True)
    address = fields.Dict()
    made = fields.String(dump_only=True)


class Renamed(Person):
    @pre_load
    def rename(self, item: Any, **_: Any) -> Any:
        return item


def resource(schema: type[Schema] = Person, **options: Any) -> Resource:
    return Resource("people", schema(**options))


def read(body: str, of: Resource, *, deletes: bool = False, **options: Any) -> list[Any]:
    decoder = open_decoder(BodyFormat(CSV, **options), of, None, LIMITS, deletes=deletes)
    return decoder.feed(body.encode()) + decoder.end()


@pytest.mark.parametrize(
    "body",
    [
        "ann@example.com,Ann,41\njim@example.com,Jim,5\n",
        "ann@example.com,Ann,Ann\n",
        "Adresse;Vorname;Alter\nann@example.com;Ann;41\n",
        "People of 2026,,\ne-mail,name,age\na@example.com,A,1\n",
        "# exported today\ne-mail,name,age\na@example.com,A,1\n",
        "E-MAIL,NAME\n",
        "e-mail name age ann@example.com Ann 41",
    ],
)
@pytest.mark.parametrize("unknown", ["raise", EXCLUDE])
def test_a_header_that_names_no_field(body: str, unknown: str) -> None:
    with pytest.raises(MalformedBody, match="names no field of the collection") as error:
        read(body, resource(unknown=unknown))
    assert "Known: 'e-mail', 'name', 'age', 'address'." in str(error.value.description)
    found = body.partition("\n")[0].replace(";", ",").partition(",")[0]
    assert f"Found: '{found}'" in str(error.value.description)


def test_names_that_are_refused_are_named_once() -> None:
    body = "e-mail,Vorname,name,Alter,address.city,address\n"
    with pytest.raises(
        MalformedBody, match="names 2 columns that the collection does not"
    ) as error:
        read(body, resource())
    assert str(error.value.description).startswith("Not known: 'Vorname', 'Alter'. Known: ")
    with pytest.raises(MalformedBody, match="names a column"):
        read("name,x\n", resource())
    many = ",".join(f"x{number}" for number in range(1000))
    with pytest.raises(MalformedBody) as error:
        read(f"name,{many}\n", resource())
    assert "and 980 more" in str(error.value.description)


@pytest.mark.parametrize(
    ("of", "header", "deletes"),
    [
        (resource(unknown=EXCLUDE), "name,x", False),
        (resource(unknown=INCLUDE), "x,y", False),
        (resource(Renamed), "x,y", False),
        (resource(), "id,name", False),
        (resource(), "meta.version,name", False),
        (resource(), "made,e-mail", False),
        (resource(), "address.city,address.zip", False),
        (resource(), "id,x", True),
        (resource(), "x,error_code", False),
    ],
)
def test_names_that_may_be_there(of: Resource, header: str, deletes: bool) -> None:
    assert len(read(f"{header}\na,b\n", of, deletes=deletes)) == 1


def test_without_a_header() -> None:
    rows = '\na@example.com;"A;B";5\nb@example.com;B;\n'
    columns = ("e-mail", "name", "age")
    wanted = [
        {"e-mail": "a@example.com", "name": "A;B", "age": 5},
        {"e-mail": "b@example.com", "name": "B"},
    ]
    assert read(rows, resource(), has_header=False, columns=columns) == wanted
    (item, short) = read("a@example.com,A,1,{}\nx\n", resource(), has_header=False)
    assert item == {"e-mail": "a@example.com", "name": "A", "age": 1, "address": {}}
    assert isinstance(short, Unreadable)
    assert short.errors[0].message == "This row has 1 cell, and not one for each of 4 columns."
    with pytest.raises(MalformedBody, match="no body"):
        read("\n", resource(), has_header=False)
    with pytest.raises(MalformedBody, match="names no field"):
        read("a", resource(), has_header=False, columns=("x",))


def test_how_a_request_says_it() -> None:
    said = csv_format(None, "absent", {"columns": "e-mail, name,"})
    assert (said.has_header, said.columns) == (False, ("e-mail", "name"))
    assert csv_format(None, "present", {}).has_header
    for header, parameters in (
        ("no", {}),
        (None, {"columns": "name"}),
        ("absent", {"columns": " , "}),
    ):
        with pytest.raises(InvalidParameter):
            csv_format(None, header, parameters)
