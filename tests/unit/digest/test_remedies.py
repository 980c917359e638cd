"""A remedy does what the digest says of it: validation of the mended items counts the same."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields, pre_load, validates_schema

from ingest import Resource
from ingest.digest.digest import Digest
from ingest.digest.marks import LEFT_OUT
from ingest.model import Action, Failure, Options
from ingest.validation.items import ItemValidator
from tests.unit.digest.digests import digest, errors_of, groups, orders


class PeriodSchema(Schema):
    """What is wrong with one field of it may depend on another."""

    first = fields.Date(required=True)
    last = fields.Date(required=True)
    price = fields.Decimal(required=True)
    state = fields.String(load_default="open")

    @pre_load
    def trim(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        state = data.get("state")
        return {**data, "state": state.strip()} if isinstance(state, str) else data

    @validates_schema
    def check_order(self, data: dict[str, Any], **_: Any) -> None:
        if data["last"] < data["first"]:
            raise ValidationError("It ends before it begins.", "last")


periods = Resource("periods", PeriodSchema)

VALIDATORS = {each: ItemValidator(each, Action.CREATE, Options()) for each in (orders, periods)}

number = st.sampled_from(
    ["1", "2.5", "1,5", "1.234,56", "1,234", "1,234.5", " 7", "1E+11", "N/A", "-", "#N/A", "x", 4]
)
day = st.sampled_from(
    ["2026-12-24", "24/12/2026", "12/24/2026", "03/04/2026", "5.5.2026", " ", "x", None]
)
ORDERS = st.fixed_dictionaries(
    {"title": st.sampled_from(["Bridge", "", "a@b.cd", "x" * 30])},
    optional={
        "email": st.sampled_from(["a@b.cd", "Bridge", " a@b.cd"]),
        "price": number,
        "weight": number,
        "count": number,
        "day": day,
        "state": st.sampled_from(["won", "WON", "Won ", "lost", "other"]),
        "zip": st.sampled_from(["01234", "1234", 1234, "12 34"]),
        "place": st.fixed_dictionaries({"city": st.sampled_from(["Rome", "ROME", "ZÃ¼rich"])}),
        "amounts": st.lists(number, max_size=3),
        "unknown": st.just(1),
    },
)
PERIODS = st.fixed_dictionaries({"first": day, "last": day, "price": number})


def _keys(validator: ItemValidator, item: Any) -> set[tuple[int, str | None, str]]:
    errors = errors_of(validator, item)
    return {(error.code.code, error.field, error.message) for error in errors}


def _check(made: Digest, failures: list[Failure], resource: Resource) -> None:
    """Apply each remedy by itself, and all of them, and validate what comes of it."""
    validator = VALIDATORS[resource]
    remedies = made.remedies()
    for remedy in remedies.values():
        healed = 0
        for failure in failures:
            mended = made.mend(failure, [remedy])
            if not mended.remedies:
                assert mended.item is failure.raw
                continue
            healed += 1
            if mended.item is LEFT_OUT:
                continue
            before, after = _keys(validator, failure.raw), _keys(validator, mended.item)
            assert after < before, (remedy.id, failure.raw, mended.item)
        assert healed == remedy.heals, remedy.id
        assert healed * 20 >= remedy.group.count * 19
    for failure in failures:
        mended = made.mend(failure, [*remedies.values()])
        if mended.item is not LEFT_OUT:
            assert _keys(validator, mended.item) <= _keys(validator, failure.raw)


@settings(max_examples=20, deadline=None)
@given(st.lists(ORDERS, min_size=1, max_size=6), st.data())
def test_what_a_remedy_heals_is_what_validation_says(items: list[Any], data: st.DataObject) -> None:
    repeated = data.draw(st.sampled_from([1, 20]))
    many = [dict(item) for item in items for _ in range(repeated)]
    _check(*digest(many, orders), orders)


@settings(max_examples=20, deadline=None)
@given(st.lists(PERIODS, min_size=1, max_size=6))
def test_the_same_where_fields_depend_on_each_other(items: list[Any]) -> None:
    _check(*digest(items, periods), periods)


def test_a_remedy_that_breaks_another_rule_is_not_offered() -> None:
    """Once the price is a number, it is seen that the period ends before it begins."""
    item = {"first": "2026-02-01", "last": "2026-01-01", "price": "1,5"}
    assert "cause" not in groups([item], periods)[42203, "price"]
    good: Callable[[str], dict[str, Any]] = lambda last: {**item, "last": last}  # noqa: E731
    found = groups([good("2026-03-01"), good("2026-04-01")], periods)[42203, "price"]
    assert found["remedy"]["heals"] == 2


def test_of_two_remedies_that_break_a_rule_together_one_is_applied() -> None:
    """Once both are mended, it is seen that the period ends before it begins."""
    item = {"first": "24/12/2026", "last": "2026-01-01", "price": "1,5"}
    made, [failure, _] = digest([item, item], periods)
    chosen = [*made.remedies().values()]
    assert {each.transform.cause for each in chosen} == {"day_month_order", "decimal_comma"}
    for order in (chosen, chosen[::-1]):
        mended = made.mend(failure, order)
        assert mended.remedies == [order[0].id]


def test_an_item_that_could_not_be_stored_is_not_healed() -> None:
    large = {"title": "T", "count": "99 999 999 999 999 999 999"}
    assert "cause" not in groups([large])[42203, "count"]
    nul = {"title": "T", "state": " WON\0 "}
    assert all("cause" not in each for each in groups([nul]).values())


def test_only_values_that_failed_are_changed() -> None:
    item = {"title": "T", "price": "1,5", "weight": "2.5", "email": " a@b.cd", "unknown": "1,5"}
    made, [failure] = digest([item])
    remedies = {each.transform.cause: each for each in made.remedies().values()}
    mended = made.mend(failure, [remedies["decimal_comma"]])
    assert mended.item == {**item, "price": "1.5"}
    assert item["price"] == "1,5"


def test_a_swap_that_two_groups_offer_is_done_once() -> None:
    made, failures = digest([{"email": "T", "title": "quite-a-long-name@example.com"}] * 2)
    offered = [*made.remedies().values()]
    assert [each.transform.cause for each in offered] == ["swapped_columns"] * 2
    mended = made.mend(failures[0], offered)
    assert "email" in mended.item
    assert len(mended.remedies) == 1
