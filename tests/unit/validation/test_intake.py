"""How much work one slice is, whatever the items are, and how many errors are listed."""

from collections import Counter
from typing import Any, ClassVar

import orjson
import pytest
from marshmallow import EXCLUDE, Schema, fields, pre_load

from ingest import Resource
from ingest.model import Action, Chunk, Options
from ingest.validation.engine.known import count_fields
from ingest.validation.intake import Intake
from ingest.validation.items import ItemValidator
from tests.harness import REGISTRY
from tests.staged import MAX_VALUES, chunk_of, valid_of

GOOD = {"email": "jim@example.com", "first_name": "Jim"}
VALIDATOR = ItemValidator(REGISTRY["contacts"], Action.CREATE, Options())


def unknown(fields: int) -> dict[str, Any]:
    return {**GOOD, **{f"field{number}": 1 for number in range(fields)}}


def nested(lists: int) -> dict[str, Any]:
    return {**GOOD, "tags": [[1] * 99] * lists}


LENIENT = Options(lenient=True)


def taken(*items: Any, options: Options = LENIENT, max_values: int = MAX_VALUES) -> Chunk:
    return chunk_of(VALIDATOR, items, options, max_values=max_values)


@pytest.mark.parametrize(
    ("items", "count"),
    [
        ([GOOD] * 500, 200),
        ([{**GOOD, "tags": ["a"] * 10_000}] * 500, 200),  # the compiled function decides
        ([unknown(500)] * 500, 3),
        ([nested(5)] * 500, 3),
        ([GOOD, GOOD, unknown(5_000)], 2),
        ([unknown(5_000)], 0),
        ([nested(50)], 0),
        ([{"email": 1}] * 500, 40),
        ([[1] * 5_000], 0),
        ([1, "x", None, []] * 100, 40),
        ([], 0),
    ],
)
def test_a_slice_is_so_much_work(items: list[Any], count: int) -> None:
    assert Intake(VALIDATOR, Options(), max_values=MAX_VALUES).take(items) == count


def test_long_items_are_taken_in_their_place() -> None:
    items = [GOOD, unknown(3_000), GOOD, {"email": "x"}, nested(50), GOOD]
    found = taken(*items)
    assert found.received == len(items)
    assert valid_of(found) == [0, 2, 5]
    assert [failure.index for failure in found.failures] == [1, 3, 4]
    assert [failure.raw for failure in found.failures] == [items[1], items[3], items[4]]
    assert len(found.failures[0].errors) == 3_000
    assert found.records is not None
    assert found.records.count(b"jim@example.com") == 3


def test_a_large_item_may_be_valid() -> None:
    validator = ItemValidator(REGISTRY["loose"], Action.CREATE, Options())
    items = [{"name": "x", "more": [[]] * 5_000}, {"name": "boom"}]
    assert valid_of(chunk_of(validator, items)) == [0, 1]


@pytest.mark.parametrize(
    "item",
    [
        nested(MAX_VALUES // 99),
        {**GOOD, "tags": ["a"] * MAX_VALUES},
        {**GOOD, "tags": ["a"] * MAX_VALUES, "first_name": "\\u0000"},
        {**GOOD, "tags": ["a"] * MAX_VALUES, "meta": {}},
    ],
    ids=["nested", "accepted at speed", "what looks like NUL", "meta"],
)
def test_an_item_of_too_many_values_is_refused_as_a_whole(item: dict[str, Any]) -> None:
    found = taken(GOOD, item, GOOD)
    assert valid_of(found) == [0, 2]
    [failure] = found.failures
    [error] = failure.errors
    assert (error.code.code, error.field) == (42210, None)
    assert f"{MAX_VALUES} values" in error.message


def test_an_item_may_hold_as_many_values_as_are_allowed() -> None:
    other = len(GOOD) + 2  # itself and its list
    large = {**GOOD, "tags": ["a"] * (MAX_VALUES - other)}
    found = taken(large, {**GOOD, "first_name": "\\u0000"}, large, {**GOOD, "meta": {}})
    assert valid_of(found) == [0, 1, 2, 3]
    records = orjson.loads(found.records or b"")
    assert [len(record.get("tags", ())) for record in records] == [MAX_VALUES - other, 0] * 2
    assert len({record["id"] for record in records}) == 4


def test_values_of_unknown_fields_count_where_they_are_dropped() -> None:
    dropping = Schema.from_dict({"name": fields.String(required=True)})
    schema = dropping(unknown=EXCLUDE)
    validator = ItemValidator(Resource("dropping", schema, key="name"), Action.CREATE, Options())
    item = {"name": "x", "more": [0] * 3_000}
    assert valid_of(chunk_of(validator, [item])) == [0]
    assert valid_of(chunk_of(validator, [item], max_values=3_000)) == []


class Noted(Schema):
    """Has code of the user's, so that nothing is accepted without it."""

    name = fields.String(required=True)
    tags = fields.List(fields.String())
    calls: ClassVar[Counter[str]] = Counter()

    @pre_load
    def note(self, data: Any, **_: Any) -> Any:
        self.calls["note"] += 1
        return data


class Taking(Schema):
    """Takes what it is given apart."""

    name = fields.String(required=True)

    def load(self, data: Any, **kwargs: Any) -> Any:
        data.pop("kind", None)
        return super().load(data, **kwargs)


def test_the_raw_form_is_as_received_whatever_an_override_of_load_does_to_it() -> None:
    items = [{"name": "a", "kind": "x"}, {"name": 5, "kind": "y"}]
    found = chunk_of(
        ItemValidator(Resource("taking", Taking, key="name"), Action.CREATE, Options()), items
    )
    assert valid_of(found) == [0]
    assert [failure.raw for failure in found.failures] == [{"name": 5, "kind": "y"}]
    assert items == [{"name": "a", "kind": "x"}, {"name": 5, "kind": "y"}]


def taken_by(schema: type[Schema], *items: Any, max_values: int = 3_000) -> Chunk:
    validator = ItemValidator(Resource("own", schema, key="name"), Action.CREATE, Options())
    assert validator.accept is None
    return chunk_of(validator, items, max_values=max_values)


def test_hooks_are_called_once_also_for_large_items() -> None:
    Noted.calls.clear()
    good = {"name": "\\u0000", "tags": ["a"] * 2_900}
    found = taken_by(Noted, good, {"name": "x", "tags": [1] * 2_900}, {"name": "y"})
    assert valid_of(found) == [0, 2]
    assert [len(failure.errors) for failure in found.failures] == [2_900]
    assert Noted.calls["note"] == 3


def test_an_item_that_is_too_large_reaches_no_code_of_the_schema() -> None:
    Noted.calls.clear()
    found = taken_by(Noted, {"name": "x", "tags": ["a"] * 3_000})
    assert valid_of(found) == []
    assert Noted.calls["note"] == 0


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.DELETE])
def test_the_rule_is_the_same_for_every_action(action: Action) -> None:
    validator = ItemValidator(REGISTRY["contacts"], action, Options())
    item = {"id": "0191d7a0-0000-7000-8000-00000000abcd", **GOOD, "tags": ["a"] * 4_000}
    assert valid_of(chunk_of(validator, [item])) == [0]
    [failure] = chunk_of(validator, [item], max_values=3_000).failures
    assert "3000 values" in failure.errors[0].message


def test_errors_are_listed_up_to_a_measure() -> None:
    [failure] = taken(unknown(10_000)).failures
    assert len(failure.errors) == 10_000
    [failure] = taken(unknown(10_001)).failures
    assert len(failure.errors) == 10_001
    assert (
        failure.errors[-1].message
        == "The item has more than 10000 errors; the others are not listed."
    )


def hostile(number: int) -> list[Any]:
    return [unknown(1_000)] * number


def test_of_very_many_items_with_very_many_errors_few_are_listed() -> None:
    found = taken(*hostile(200))
    listed = [len(failure.errors) for failure in found.failures]
    few = 2 * VALIDATOR.fields
    assert few > 10
    assert listed == [1_000] * 100 + [few + 1] * 100


def test_a_stream_lists_as_many() -> None:
    intake = Intake(VALIDATOR, Options(), max_values=MAX_VALUES)
    items = hostile(120)
    start = 0
    listed: list[int] = []
    while start < len(items):
        start += intake.take(items, start)
        listed += [len(failure.errors) for failure in intake.cut().failures]
    assert listed == [len(failure.errors) for failure in taken(*items).failures]


def test_a_strict_batch_keeps_its_good_items_for_its_trial() -> None:
    found = taken(GOOD, {"email": 1}, GOOD, options=Options())
    assert (found.received, found.invalid) == (3, 1)
    assert [record["$i"] for record in orjson.loads(found.records or b"")] == [0, 2]


def test_a_stream_is_cut_into_chunks() -> None:
    intake = Intake(VALIDATOR, Options(), max_values=MAX_VALUES)
    large = {**GOOD, "first_name": "x" * 100}
    chunks = []
    for _ in range(60):
        assert intake.take([large] * 200) == 200
        if intake.full:
            chunks.append(intake.cut())
    chunks.append(intake.cut(last=True))
    assert len(chunks) > 2
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    first = 0
    for chunk in chunks:
        records = orjson.loads(chunk.records or b"[]")
        assert chunk.first_index == first
        assert [record["$i"] for record in records] == list(range(first, chunk.received))
        assert chunk.size >= len(chunk.records or b"[]") - 200
        first = chunk.received
    assert first == 12_000


def test_a_wrong_mapping_is_listed_to_its_end() -> None:
    names = [f"field{number}" for number in range(12)]
    wide = Schema.from_dict({name: fields.Integer(required=True) for name in names})
    tree = Schema.from_dict(
        {"wide": fields.List(fields.Nested(wide)), "tree": fields.Nested(lambda: tree())}
    )
    validator = ItemValidator(Resource("wide", wide), Action.CREATE, Options())
    found = chunk_of(validator, [dict.fromkeys(names, "x")] * 10_000)
    assert {len(failure.errors) for failure in found.failures} == {12}
    assert count_fields(tree()) == 14


def test_errors_of_a_slice_that_is_taken_again_count_once() -> None:
    # Each slice has what looks like NUL and is taken again; the last item begins at 99,900 errors.
    again = {**GOOD, "first_name": "\\u0000"}
    found = taken(*[again, unknown(900)] * 111, unknown(900))
    assert [len(failure.errors) for failure in found.failures] == [900] * 112
