"""How much work one slice is, whatever the items are, and how many errors are listed."""

from collections import Counter
from typing import Any, ClassVar

import orjson
import pytest
from marshmallow import Schema, ValidationError, fields, pre_load

from ingest import Resource
from ingest.model import Action, Options, Submission
from ingest.validation.chunking import Chunker
from ingest.validation.engine.hooks import count_fields
from ingest.validation.intake import MAX_VALUES, Intake
from ingest.validation.items import ItemValidator
from tests.harness import REGISTRY

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
    [failure] = submitted(nested(MAX_VALUES // 99)).failures
    [error] = failure.errors
    assert (error.code.code, error.field) == (42210, None)
    assert f"{MAX_VALUES} values" in error.message


def test_a_valid_item_may_have_any_number_of_values() -> None:
    large = {**GOOD, "tags": ["a"] * (MAX_VALUES + 1)}
    found = submitted(large, {**GOOD, "first_name": "\\u0000"}, large, {**GOOD, "meta": {}})
    assert found.valid == [0, 1, 2, 3]
    records = orjson.loads(found.records)
    assert [len(record.get("tags", ())) for record in records] == [MAX_VALUES + 1, 0] * 2
    assert len({record["id"] for record in records}) == 4


@pytest.mark.parametrize("more", [{"first_name": "\\u0000"}, {"meta": {"version": 1}}])
def test_so_may_one_that_is_not_vouched_for_at_once(more: dict[str, Any]) -> None:
    found = submitted({**GOOD, "tags": ["a"] * (MAX_VALUES + 1), **more})
    assert (found.valid, found.failures) == ([0], [])


class Noted(Schema):
    """Has code of the user's, so that nothing is accepted without it."""

    name = fields.String(required=True)
    tags = fields.List(fields.String())
    calls: ClassVar[Counter[str]] = Counter()

    @pre_load
    def note(self, data: Any, **_: Any) -> Any:
        self.calls["note"] += 1
        return data


class Even(fields.String):
    """A field of the user's own."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        if len(value) % 2:
            raise ValidationError("Not even.")
        return str(value)


class Own(Schema):
    name = fields.String(required=True)
    tags = fields.List(Even())


def taken_by(schema: type[Schema], *items: Any, max_values: int = 3_000) -> Submission:
    validator = ItemValidator(Resource("own", schema, key="name"), Action.CREATE, Options())
    assert validator.accept is None
    intake = Intake(validator, max_values=max_values)
    intake.add(items)
    return intake.submission()


def test_hooks_refuse_no_valid_item_for_its_size_and_are_called_once() -> None:
    Noted.calls.clear()
    good = {"name": "\\u0000", "tags": ["a"] * 4_000}
    found = taken_by(Noted, good, {"name": "x", "tags": [1] * 4_000}, {"name": "y"})
    assert found.valid == [0, 2]
    assert [len(failure.errors) for failure in found.failures] == [1]
    assert Noted.calls["note"] == 3


def test_what_is_left_to_marshmallow_has_a_measure() -> None:
    items = [{"name": str(size), "tags": ["aa"] * size} for size in (2_900, 3_000)]
    found = taken_by(Own, *items)
    assert found.valid == [0]
    assert "3000 values" in found.failures[0].errors[0].message
    assert taken_by(Own, *items, max_values=4_000).valid == [0, 1]


def test_unknown_keys_that_are_kept_may_be_any_number() -> None:
    validator = ItemValidator(REGISTRY["loose"], Action.CREATE, Options())
    intake = Intake(validator, max_values=3_000)
    intake.add([{"name": "x", "more": [[]] * 4_000}, {"name": 5, "more": [[]] * 4_000}])
    found = intake.submission()
    assert (found.valid, [failure.index for failure in found.failures]) == ([0], [1])


def test_a_deletion_may_have_any_number_of_values() -> None:
    validator = ItemValidator(REGISTRY["contacts"], Action.DELETE, Options())
    intake = Intake(validator, max_values=3_000)
    intake.add([{"id": "0191d7a0-0000-7000-8000-00000000abcd", "tags": [[]] * 4_000}])
    assert intake.submission().valid == [0]


def test_errors_are_listed_up_to_a_measure() -> None:
    [failure] = submitted(unknown(10_000)).failures
    assert len(failure.errors) == 10_000
    [failure] = submitted(unknown(10_001)).failures
    assert len(failure.errors) == 10_001
    assert (
        failure.errors[-1].message
        == "The item has more than 10000 errors; the others are not listed."
    )


def hostile(number: int) -> list[Any]:
    return [unknown(1_000)] * number


def test_of_very_many_items_with_very_many_errors_few_are_listed() -> None:
    found = submitted(*hostile(200))
    listed = [len(failure.errors) for failure in found.failures]
    few = 2 * VALIDATOR.fields
    assert few > 10
    assert listed == [1_000] * 100 + [few + 1] * 100


def test_a_stream_lists_as_many() -> None:
    chunker = Chunker(VALIDATOR, Options())
    items = hostile(120)
    start = 0
    listed: list[int] = []
    while start < len(items):
        start += chunker.take(items, start)
        listed += [len(failure.errors) for failure in chunker.cut().failures]
    assert listed == [len(failure.errors) for failure in submitted(*items).failures]


def test_a_wrong_mapping_is_listed_to_its_end() -> None:
    names = [f"field{number}" for number in range(12)]
    wide = Schema.from_dict({name: fields.Integer(required=True) for name in names})
    tree = Schema.from_dict(
        {"wide": fields.List(fields.Nested(wide)), "tree": fields.Nested(lambda: tree())}
    )
    validator = ItemValidator(Resource("wide", wide), Action.CREATE, Options())
    intake = Intake(validator)
    intake.add([dict.fromkeys(names, "x")] * 10_000)
    assert {len(failure.errors) for failure in intake.submission().failures} == {12}
    assert count_fields(tree()) == 14


def test_errors_of_a_slice_that_is_taken_again_count_once() -> None:
    # Each slice has what looks like NUL and is taken again; the last item begins at 99,900 errors.
    again = {**GOOD, "first_name": "\\u0000"}
    found = submitted(*[again, unknown(900)] * 111, unknown(900))
    assert [len(failure.errors) for failure in found.failures] == [900] * 112
