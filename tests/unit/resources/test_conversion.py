"""From the value in a loaded item to what its column stores."""

from typing import Any
from uuid import UUID

import pytest
from marshmallow import Schema, fields, missing

from ingest import Resource
from ingest.resources.columns import NotStorable
from ingest.resources.conversion import MAX_INDEXED_BYTES, FieldConverter, carries

KEY = "0191d7a0-0000-7000-8000-00000000abcd"
resource = Resource(
    "things",
    Schema.from_dict(
        {
            "code": fields.String(),
            "deep": fields.Integer(attribute="a.b"),
            "size": fields.Integer(load_default=5),
            "owner": fields.UUID(),
            "on": fields.Dict(keys=fields.String(), values=fields.Date()),
        }
    ),
    unique=["code", ("code", "size")],
)


def converter(name: str) -> FieldConverter:
    return FieldConverter(resource.by_data_key[name], resource)


def test_a_value_is_found_where_the_schema_loads_it() -> None:
    assert converter("deep").value_of({"a": {"b": 1}}) == 1
    assert converter("deep").value_of({}) is missing
    assert converter("size").value_of({"size": None}) is None


def test_jsonb_holds_what_the_schema_dumps() -> None:
    loaded = resource.schema.load({"on": {"x": "20240229"}})["on"]
    assert converter("on").convert(loaded) == {"x": "2024-02-29"}
    assert converter("on").convert(None) is None


def test_a_unique_text_is_as_long_as_its_widest_index_can_hold() -> None:
    limit = MAX_INDEXED_BYTES // 2
    assert converter("code").limit == limit
    assert converter("owner").limit is None
    assert converter("code").convert("é" * (limit // 2)) == "é" * (limit // 2)
    with pytest.raises(NotStorable, match=str(limit)):
        converter("code").convert("é" * (limit // 2) + "x")


@pytest.mark.parametrize(
    ("name", "raw", "stored", "same"),
    [
        ("owner", KEY, UUID(KEY), True),
        ("owner", KEY.upper(), UUID(KEY), False),
        ("size", "5", 5, False),
        ("on", {"b": 1, "a": 2}, {"a": 2, "b": 1}, True),
        ("on", {"a": 1.0}, {"a": 1}, False),
    ],
)
def test_whether_an_item_holds_what_is_stored(name: str, raw: Any, stored: Any, same: bool) -> None:
    assert converter(name).unchanged({name: raw}, stored) is same
    assert not converter(name).unchanged({}, stored)


def test_a_default_is_not_carried() -> None:
    size, code = (resource.by_data_key[name] for name in ("size", "code"))
    assert [carries({}, size), carries({"size": None}, size), carries({}, code)] == [
        False,
        True,
        True,
    ]
