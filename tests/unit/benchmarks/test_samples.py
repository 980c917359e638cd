"""The items that the benchmarks send."""

import json
from typing import Any

import pytest
from marshmallow import ValidationError

from benchmarks.samples import CONTACTS, PEOPLE, SAMPLES
from benchmarks.samples.sample import Sample, bad_among, is_bad

each_sample = pytest.mark.parametrize("sample", SAMPLES.values(), ids=[*SAMPLES])


def _sent(sample: Sample, serial: str, numbers: range, **options: Any) -> list[dict[str, Any]]:
    return [json.loads(item) for item in sample.items(serial, numbers, **options)]


@each_sample
def test_all_items_are_valid_but_those_that_are_meant_not_to_be(sample: Sample) -> None:
    schema = sample.resource.schema
    for number, item in enumerate(_sent(sample, "s", range(250), bad=True)):
        if is_bad(number):
            with pytest.raises(ValidationError) as caught:
                schema.load(item)
            assert list(caught.value.normalized_messages()) == list(sample.spoil)
        else:
            schema.load(item)


@pytest.mark.parametrize(
    ("name", "field"), [(PEOPLE, "id"), (PEOPLE, "email"), (CONTACTS, "email")]
)
def test_what_must_be_unique_is_sent_once(name: str, field: str) -> None:
    sent = _sent(SAMPLES[name], "s1", range(3_000))
    sent += _sent(SAMPLES[name], "s2", range(3_000), bad=True)
    assert len({item[field] for item in sent}) == 6_000


def test_another_edition_changes_all_but_what_is_unique() -> None:
    first, second = (_sent(SAMPLES[PEOPLE], "s", range(50), edition=each) for each in (0, 1))
    for one, other in zip(first, second, strict=True):
        assert (one["id"], one["email"]) == (other["id"], other["email"])
        assert one["created_at"] != other["created_at"]


def test_only_wanted_fields_are_sent() -> None:
    (item,) = _sent(SAMPLES[PEOPLE], "s", range(7, 8), fields=("id", "age"))
    (whole,) = _sent(SAMPLES[PEOPLE], "s", range(7, 8))
    assert item == {"id": whole["id"], "age": whole["age"]}


@pytest.mark.parametrize("name", [PEOPLE, CONTACTS])
def test_records_are_the_items(name: str) -> None:
    sample, numbers = SAMPLES[name], range(990, 1_010)
    for item, record in zip(_sent(sample, "s", numbers), sample.records("s", numbers), strict=True):
        values = dict(zip(sample.columns, record, strict=True))
        values["tags"] = json.loads(values["tags"])
        if "created_at" in values:
            values["created_at"] = values["created_at"].isoformat(timespec="milliseconds")
        assert values == item


@pytest.mark.parametrize("first", [0, 1, 49, 50, 51, 149, 1_000])
@pytest.mark.parametrize("count", [1, 2, 49, 50, 51, 100, 1_000])
def test_bad_items_are_counted(first: int, count: int) -> None:
    assert bad_among(first, count) == sum(map(is_bad, range(first, first + count)))
