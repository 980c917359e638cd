"""Which items the parameters of document 001 name."""

from typing import Any

import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.http.rpc_parameters import Method, read
from ingest.model import Unreadable

POINTS = Resource(
    "points", Schema.from_dict({"id": fields.Integer(required=True), "x": fields.Float()})
)
IMPORT = Method.named("points/import")


@pytest.mark.parametrize(("at_the_top", "in_data"), [("7", "7"), (7, "7"), ("7", 7), (7, 7)])
def test_r14_a_number_and_its_text_do_not_differ(at_the_top: Any, in_data: Any) -> None:
    asked = read(IMPORT, {"profile_id": at_the_top, "data": {"id": in_data, "x": 1}}, POINTS)
    assert asked.items == [{"id": in_data, "x": 1}]


@pytest.mark.parametrize(("at_the_top", "in_data"), [("7", "8"), (7, "8"), ("7", None), (7, [])])
def test_r14_values_that_differ_are_the_fault_of_the_item(at_the_top: Any, in_data: Any) -> None:
    for method in (IMPORT, Method.named("points/delete")):
        asked = read(method, {"profile_id": at_the_top, "data": {"id": in_data}}, POINTS)
        assert isinstance(asked.items[0], Unreadable)


def test_r14_an_item_of_a_batch_has_one_key() -> None:
    method = Method.named("points/update_batch")
    same, other = {"profile_id": "7", "id": 7, "x": 1}, {"profile_id": "7", "id": 8}
    asked = read(method, {"data": [same, other]}, POINTS)
    assert asked.items[0] == {"id": 7, "x": 1}
    assert isinstance(asked.items[1], Unreadable)
    assert asked.items[1].raw == other
