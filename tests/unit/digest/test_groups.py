"""Failures by code, place and rule: exact counts in bounded memory."""

from collections.abc import Callable
from typing import Any

from ingest.digest.groups import EXAMPLES, INDICES, MAX_GROUPS, Group, Groups
from ingest.digest.places import Places
from ingest.errors import BAD_FORMAT, INVALID, UNKNOWN_FIELD
from ingest.model import Failure, ItemError
from tests.effort import assert_linear
from tests.unit.digest.digests import digest, orders


def _groups() -> Groups:
    return Groups(Places(orders), lambda *_: None)


def _document(failures: list[Failure]) -> dict[str, Any]:
    made, _ = digest([])
    made.add(failures)
    return made.document()


def test_indices_and_examples_are_the_first_distinct_ones() -> None:
    made = _groups()
    for index in range(100):
        made.add(index, {"email": f"x{index // 2}"}, [ItemError(BAD_FORMAT, "No.", "email")])
    [group] = made
    assert group.count == 100
    assert group.indices == [*range(INDICES)]
    assert group.examples == [f"x{number}" for number in range(EXAMPLES)]


def test_an_item_counts_once_in_a_group() -> None:
    errors = [ItemError(BAD_FORMAT, "No.", f"places.{place}.city") for place in range(3)]
    made = _groups()
    made.add(0, {"places": [{"city": 1}] * 3}, errors)
    [group] = made
    assert (group.count, group.place.like, made.total) == (1, "places.*.city", 3)


def test_rules_that_quote_values_are_one_group() -> None:
    made = _groups()
    for index in range(50):
        error = ItemError(INVALID, f"The value {index:02} is not known here.", "state")
        made.add(index, {"state": index}, [error, ItemError(INVALID, "Another.", "title")])
    quoted, other = sorted(made, key=lambda group: group.rule, reverse=True)
    assert quoted.rule == "The value … is not known here."
    assert (quoted.count, quoted.indices) == (50, [*range(INDICES)])
    assert (other.rule, other.count) == ("Another.", 50)


def test_what_is_long_is_shown_short() -> None:
    name = "x" * 5_000
    errors = [ItemError(UNKNOWN_FIELD, "No", name), ItemError(INVALID, name, "title")]
    field, rule = _document([Failure(0, {name: 1, "title": [name]}, errors)])["groups"]
    assert {len(field["field"]), len(rule["rule"]), len(rule["examples"][0])} == {201}


def test_an_item_that_is_no_object_is_its_own_example() -> None:
    error = ItemError(BAD_FORMAT, "This row has 3 cells.")
    [group] = _document([Failure(4, ["a", "b", "c"], [error])])["groups"]
    assert (group["field"], group["examples"], group["indices"]) == (None, [["a", "b", "c"]], [4])


def test_groups_are_bounded_and_their_sum_is_exact() -> None:
    failures = [
        Failure(index, {f"u{index}": 1}, [ItemError(UNKNOWN_FIELD, "No.", f"u{index}")])
        for index in range(MAX_GROUPS + 50)
    ]
    document = _document(failures)
    shown = sum(group["count"] for group in document["groups"])
    others = document["others"]
    assert shown + others["count"] + others["errors"] == document["errorsCount"] == len(failures)
    assert others["errors"] == 50


def test_the_largest_groups_are_shown_first() -> None:
    rare = [Failure(0, {"a": 1}, [ItemError(INVALID, "Rare.", "title")])]
    often = [Failure(index, {}, [ItemError(INVALID, "Often.", "title")]) for index in (1, 2)]
    groups = _document(rare + often)["groups"]
    assert [(each["rule"], each["share"]) for each in groups] == [
        ("Often.", 0.6667),
        ("Rare.", 0.3333),
    ]


def test_work_grows_with_failures_and_no_faster() -> None:
    def work(size: int) -> Callable[[], object]:
        failures = [
            Failure(
                index, {f"u{index}": 1}, [ItemError(UNKNOWN_FIELD, f"No {index}.", f"u{index}")]
            )
            for index in range(size)
        ]

        def add() -> list[Group]:
            made = _groups()
            for failure in failures:
                made.add(failure.index, failure.raw, failure.errors)
            return [*made]

        return add

    assert_linear(work, 500)
