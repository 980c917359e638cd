"""Rows become items as the schema dumps them."""

import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
from marshmallow import Schema, fields, post_dump

from ingest import Resource
from ingest.exactjson import dump_exact, load_exact
from ingest.examples import airports, contacts, deals
from ingest.model import Selection
from ingest.resources.representation import Presenter
from tests.harness import everything, people


def shown(resource: Resource, row: dict[str, Any]) -> Any:
    """One row of a resource, which has null where `row` says nothing, as a client reads it."""
    full = {field.column: None for field in resource.fields if field.shown} | row
    presenter = Presenter(resource)
    one = load_exact(dump_exact(presenter.item(orjson.dumps(full), Selection())))
    many = load_exact(dump_exact(presenter.items(orjson.dumps([full, full]), Selection())))
    assert many == [one, one]
    return one


def test_most_rows_are_shown_as_they_are() -> None:
    row = {"iata": "FRA", "latitude": 50.03, "longitude": 8}
    item = shown(airports, row)
    assert item == {field.data_key: row.get(field.column) for field in airports.fields}
    assert isinstance(Presenter(contacts).item(b"{}", Selection()), orjson.Fragment)


def test_names_of_clients_replace_those_of_columns() -> None:
    item = shown(
        everything, {"code": 1, "text": "x", "renamed": "r", "$$xmin": 5, "$$$account": "a"}
    )
    assert (item["the text"], item["renamed"], item["xmin"], item["$account"]) == ("x", "r", 5, "a")
    assert "text" not in item
    assert not [name for name in item if name.startswith("$$")]


@pytest.mark.parametrize(
    ("column", "stored", "value"),
    [
        ("decimal", "12345678901234567890.10", Decimal("12345678901234567890.10")),
        ("moment", "2026-01-01T10:00:00.5+00:00", "2026-01-01T10:00:00.500000+00:00"),
        ("naive", "2026-01-01T10:00:00", "2026-01-01T10:00:00"),
        ("aware", "2026-01-01T10:00:00.123+00:00", "2026-01-01 10:00:00+0000"),
        ("date", "2026-01-01", "2026-01-01"),
        ("time", "10:00:00.25", "10:00:00.250000"),
        ("ip", "2001:db8::1", "2001:db8::1"),
        ("by_name", "blue", "blue"),
        ("by_value", "blue", 2),
        ("address", {"city": "x"}, {"city": "x"}),
        ("anything", [1, {"a": None}], [1, {"a": None}]),
        ("boolean", False, False),
        ("integer", 2**63 - 1, 2**63 - 1),
    ],
)
def test_each_type(column: str, stored: Any, value: Any) -> None:
    item = shown(everything, {"code": 1, column: stored})
    assert item[column] == value
    assert all(each is None for name, each in item.items() if name not in ("code", column))


def test_a_load_only_field_is_left_out() -> None:
    assert "secret" not in shown(everything, {"code": 1})


def test_decimals_as_text() -> None:
    item = shown(deals, {"value": "1.10", "stage": "won", "closed_at": "2026-01-01T00:00:00+00:00"})
    assert (item["value"], item["stage"]) == ("1.10", "won")
    assert item["closed_at"] == "2026-01-01T00:00:00+00:00"


def test_objects_of_the_user_were_dumped_before_they_were_stored() -> None:
    assert shown(people, {"name": "Jo", "born": "2000-01-01"}) == {
        "name": "Jo",
        "born": "2000-01-01",
    }


class Shouting(Schema):
    name = fields.String()
    size = fields.Integer(as_string=True)
    secret = fields.String(load_only=True)
    loud = fields.Method("shout", dump_only=True)

    def shout(self, item: dict[str, Any]) -> str:
        return str(item.get("name", "")).upper()

    @post_dump
    def wrap(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "wrapped": True}


def test_hooks_and_methods_have_their_say() -> None:
    resource = Resource("things", Shouting)
    item = shown(resource, {"id": "0191d7a0-0000-7000-8000-00000000abcd", "name": "a", "size": 5})
    assert item["id"] == "0191d7a0-0000-7000-8000-00000000abcd"
    assert (item["name"], item["size"], item["loud"], item["wrapped"]) == ("a", "5", "A", True)
    assert "secret" not in item


def test_meta_is_shown_beside_the_fields() -> None:
    meta = {"version": 3}
    for resource in (contacts, everything):
        full = {field.column: None for field in resource.fields if field.shown}
        row = json.dumps({**full, "code": 1, "meta": meta}).encode()
        document = load_exact(dump_exact(Presenter(resource).item(row, Selection())))
        assert document["meta"] == meta
