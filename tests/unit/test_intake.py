"""How much work one slice is, whatever the items are, and how many errors are listed."""

from typing import Any

import pytest
from harness import REGISTRY

from ingest.model import Action, Options, Submission
from ingest.validation.intake import Intake
from ingest.validation.runner import ItemValidator

GOOD = {"email": "jim@example.com", "first_name": "Jim"}
VALIDATOR = ItemValidator(REGISTRY["contacts"], Action.CREATE, Options())


def unknown(fields: int) -> dict[str, Any]:
    return {**GOOD, **{f"field{number}": 1 for number in range(fields)}}


def nested(lists: int) -> dict[str, Any]:
    return {**GOOD, "tags": [[1] * 99] * lists}


def submitted(*items: Any) -> Submission:
    intake = Intake(VALIDATOR)
    intake.add(items)
    return intake.submission()


@pytest.mark.parametrize(
    ("items", "taken"),
    [
        ([GOOD] * 500, 200),
        ([{**GOOD, "tags": ["a"] * 10_000}] * 500, 200),  # the compiled function vouches for it
        ([unknown(500)] * 500, 3),
        ([nested(5)] * 500, 3),
        ([GOOD, GOOD, unknown(5_000)], 2),
        ([unknown(5_000)], 0),
        ([nested(50)], 0),
        ([{"email": 1}] * 500, 200),
        ([[1] * 5_000], 0),
        ([1, "x", None, []] * 100, 200),
        ([], 0),
    ],
)
def test_a_slice_is_so_much_work(items: list[Any], taken: int) -> None:
    assert Intake(VALIDATOR).take(items) == taken


def test_long_items_are_taken_in_their_place() -> None:
    items = [GOOD, unknown(3_000), GOOD, {"email": "x"}, nested(50), GOOD]
    found = submitted(*items)
    assert found.received == len(items)
    assert found.valid == [0, 2, 5]
    assert [failure.index for failure in found.failures] == [1, 3, 4]
    assert [failure.raw for failure in found.failures] == [items[1], items[3], items[4]]
    assert len(found.failures[0].errors) == 3_000
    assert found.records.count(b"jim@example.com") == 3


def test_a_long_item_may_be_valid() -> None:
    validator = ItemValidator(REGISTRY["loose"], Action.CREATE, Options())
    intake = Intake(validator)
    intake.add([{"name": "x", "more": [[]] * 5_000}, {"name": "boom"}])
    assert intake.submission().valid == [0, 1]


def test_an_item_of_too_many_values_is_refused_as_a_whole() -> None:
    [failure] = submitted(nested(1_200)).failures
    [error] = failure.errors
    assert (error.code.code, error.field) == (42210, None)
    assert "100000 values" in error.message


def test_errors_are_listed_up_to_a_measure() -> None:
    [failure] = submitted(unknown(10_000)).failures
    assert len(failure.errors) == 10_000
    [failure] = submitted(unknown(10_001)).failures
    assert len(failure.errors) == 10_001
    assert failure.errors[-1].message == "The item has 10001 errors, of which 10000 are listed."


def test_of_very_many_items_with_very_many_errors_few_are_listed() -> None:
    found = submitted(*[unknown(1_000)] * 200)
    listed = [len(failure.errors) for failure in found.failures]
    assert listed == [1_000] * 100 + [11] * 100
