"""The items that the benchmarks send."""

import json

import pytest
from marshmallow import ValidationError

from benchmarks.contacts import COLUMNS
from benchmarks.people import bad_among, is_bad, items, records
from ingest.examples.crm import ContactSchema


def test_all_items_are_valid_but_those_that_are_meant_not_to_be() -> None:
    schema = ContactSchema()
    for number, item in enumerate(items("s", 0, 250, bad=True)):
        if is_bad(number):
            with pytest.raises(ValidationError) as caught:
                schema.load(json.loads(item))
            assert list(caught.value.normalized_messages()) == ["age"]
        else:
            schema.load(json.loads(item))


def test_no_address_is_sent_twice() -> None:
    made = [*items("s1", 0, 3_000, bad=False), *items("s2", 0, 3_000, bad=True)]
    assert len({json.loads(item)["email"] for item in made}) == 6_000


def test_records_are_the_items() -> None:
    for item, record in zip(items("s", 990, 20, bad=False), records("s", 990, 20), strict=True):
        values = dict(zip(COLUMNS, record, strict=True))
        assert {**values, "tags": json.loads(values["tags"])} == json.loads(item)


@pytest.mark.parametrize("first", [0, 1, 49, 50, 51, 149, 1_000])
@pytest.mark.parametrize("count", [1, 2, 49, 50, 51, 100, 1_000])
def test_bad_items_are_counted(first: int, count: int) -> None:
    assert bad_among(first, count) == sum(map(is_bad, range(first, first + count)))
