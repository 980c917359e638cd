"""Each cause finds the examples that it is for, and not what only resembles them."""

from dataclasses import replace
from typing import Any

import pytest

from ingest.digest.digest import Digest
from ingest.errors import BAD_FORMAT
from ingest.model import Failure, ItemError, Options
from tests.unit.digest.digests import batch_of, groups, orders, people

WRONG, FORMAT, CHOICE, LENGTH = 42203, 42204, 42207, 42206


def _of_field(field: str, values: list[Any], code: int, like: str | None = None) -> Any:
    """The group of values that fail in a field, each in an item that is good otherwise."""
    items = [{"title": "T", field: value} for value in values]
    return groups([*items, {"title": "good"}])[code, like or field]


@pytest.mark.parametrize(
    ("cause", "field", "code", "value", "mended"),
    [
        ("decimal_comma", "price", WRONG, "12,50", "12.50"),
        ("decimal_comma", "price", WRONG, "-0,5", "-0.5"),
        ("decimal_comma", "weight", WRONG, "1.234.567,8", "1234567.8"),
        ("decimal_comma", "price", WRONG, "1\u202f234,56", "1234.56"),
        ("decimal_comma", "price", WRONG, "1'234,56", "1234.56"),
        ("thousands_separators", "price", WRONG, "1,234,567", "1234567"),
        ("thousands_separators", "price", WRONG, "1,234.50", "1234.50"),
        ("thousands_separators", "weight", WRONG, "1 234", "1234"),
        ("thousands_separators", "price", WRONG, "1.234.567", "1234567"),
        ("thousands_separators", "count", WRONG, "1,234", 1234),
        ("thousands_separators", "count", WRONG, "1.234", 1234),
        ("zero_decimals", "count", WRONG, "3.0", 3),
        ("zero_decimals", "count", WRONG, "-12,00", -12),
        ("day_month_order", "day", FORMAT, "24/12/2026", "2026-12-24"),
        ("day_month_order", "day", FORMAT, "24. 12. 2026", "2026-12-24"),
        ("day_month_order", "day", FORMAT, "12-24-2026", "2026-12-24"),
        ("day_month_order", "day", FORMAT, "2026/12/4", "2026-12-04"),
        ("day_month_order", "local", FORMAT, "24.12.2026 9:05", "2026-12-24T09:05"),
        ("day_month_order", "american", FORMAT, "24.12.2026", "12/24/2026"),
        ("blanks", "day", FORMAT, " 2026-12-24\u00a0", "2026-12-24"),
        ("blanks", "state", CHOICE, "won\u200b", "won"),
        ("blanks", "count", WRONG, " 12 ", 12),
        ("choice_case", "state", CHOICE, "WON", "won"),
        ("choice_case", "state", CHOICE, " lost", "Lost"),
        ("word_for_nothing", "day", FORMAT, "N/A", None),
        ("word_for_nothing", "price", WRONG, "-", None),
        ("word_for_nothing", "day", FORMAT, "", None),
        ("spreadsheet_error", "price", WRONG, "#DIV/0!", None),
        ("spreadsheet_error", "day", FORMAT, "#N/A", None),
        ("lost_zeros", "zip", FORMAT, "1234", "01234"),
        ("lost_zeros", "zip", WRONG, 1234, "01234"),
    ],
)
def test_values_that_it_finds(cause: str, field: str, code: int, value: Any, mended: Any) -> None:
    group = _of_field(field, [value] * 3, code)
    assert group["cause"]["name"] == cause
    assert not group["cause"]["ambiguous"]
    remedy = group["remedy"]
    assert (remedy["heals"], remedy["leaves"]) == (3, 0)
    assert (remedy["before"], remedy["after"]) == ({field: value}, {field: mended})
    assert remedy["transform"]["op"] == cause


@pytest.mark.parametrize(
    ("field", "code", "value"),
    [
        ("price", WRONG, "1,2,3"),
        ("price", WRONG, "12,34,56"),
        ("price", WRONG, "1.23.456"),
        ("price", WRONG, "EUR 12"),
        ("count", WRONG, "12,5"),
        ("count", WRONG, "1.5"),
        ("day", FORMAT, "31/02/2026"),
        ("day", FORMAT, "24/12/26"),
        ("day", FORMAT, "24/12-2026"),
        ("day", FORMAT, "24/12/2026 9:05 tomorrow"),
        ("state", CHOICE, "wonn"),
        ("day", FORMAT, "never"),
        ("price", WRONG, "#1"),
        ("zip", FORMAT, "123456"),
        ("zip", FORMAT, "12a4"),
        ("email", FORMAT, "ann at example.com"),
        ("code", LENGTH, "ab"),
        ("code", LENGTH, "12"),
        ("code", WRONG, 1234),
        ("title", WRONG, 7),
    ],
)
def test_values_that_only_resemble_them(field: str, code: int, value: Any) -> None:
    group = _of_field(field, [value] * 3, code)
    assert "cause" not in group, group["cause"]
    assert "remedy" not in group


def test_a_day_above_twelve_decides() -> None:
    group = _of_field("day", ["03/04/2026"] * 98 + ["24/12/2026"], FORMAT)
    assert group["remedy"]["transform"]["order"] == "DD/MM/YYYY"
    assert group["remedy"]["heals"] == 99
    other = _of_field("day", ["03/04/2026"] * 98 + ["12/24/2026"], FORMAT)
    assert other["remedy"]["transform"]["order"] == "MM/DD/YYYY"


def test_no_day_above_twelve_is_ambiguous() -> None:
    group = _of_field("day", ["03/04/2026", "05/06/2026"], FORMAT)
    assert "remedy" not in group
    cause = group["cause"]
    assert (cause["name"], cause["ambiguous"]) == ("day_month_order", True)
    assert cause["message"].startswith("No day exceeds 12")
    assert [each["transform"]["order"] for each in cause["readings"]] == [
        "DD/MM/YYYY",
        "MM/DD/YYYY",
    ]
    assert [each["after"]["day"] for each in cause["readings"]] == ["2026-04-03", "2026-03-04"]


def test_days_that_contradict_each_other_are_ambiguous() -> None:
    values = ["03/04/2026"] * 90 + ["24/12/2026"] * 6 + ["12/24/2026"] * 4
    group = _of_field("day", values, FORMAT)
    assert group["cause"]["ambiguous"]
    assert "remedy" not in group


def test_a_day_that_is_its_month_needs_no_order() -> None:
    group = _of_field("day", ["05/05/2026"], FORMAT)
    assert group["remedy"]["after"] == {"day": "2026-05-05"}


def test_a_comma_before_three_digits_is_ambiguous() -> None:
    group = _of_field("price", ["1,234", "2,500"], WRONG)
    assert group["cause"]["ambiguous"]
    assert group["cause"]["message"].startswith("Nothing in the batch tells")
    assert {each["after"]["price"] for each in group["cause"]["readings"]} == {"1.234", "1234"}
    decided = _of_field("price", ["1,234", "2,50"], WRONG)
    assert decided["remedy"]["transform"]["op"] == "decimal_comma"
    other = _of_field("price", ["1,234", "2,500.00"], WRONG)
    assert other["remedy"]["transform"]["op"] == "thousands_separators"


def test_one_in_twenty_may_be_left() -> None:
    enough = _of_field("price", ["1,5"] * 19 + ["x"], WRONG)
    assert (enough["remedy"]["heals"], enough["remedy"]["leaves"]) == (19, 1)
    assert "cause" not in _of_field("price", ["1,5"] * 18 + ["x"], WRONG)


def test_nothing_is_left_out_where_null_is_not_allowed() -> None:
    group = _of_field("count", ["n/a"], WRONG)
    assert group["remedy"]["before"] == {"count": "n/a"}
    assert group["remedy"]["after"] == {}


def test_nothing_in_a_required_field_has_no_remedy() -> None:
    found = groups([{"title": ""}, {"title": ""}])[LENGTH, "title"]
    assert found["cause"]["name"] == "word_for_nothing"
    assert "remedy" not in found


def test_rounded_numbers_are_lost() -> None:
    group = _of_field("ean", ["4.00638E+12", "1E+11"], FORMAT)
    assert group["cause"]["name"] == "rounded_number"
    assert "remedy" not in group


def test_utf_8_read_as_windows_1252() -> None:
    group = _of_field("place", [{"city": "ZÃ¼rich"}] * 2, CHOICE, "place.city")
    assert group["cause"]["name"] == "wrong_charset"
    assert group["remedy"]["after"] == {"place": {"city": "Zürich"}}
    lost = _of_field("place", [{"city": "Z\ufffdrich"}], CHOICE, "place.city")
    assert lost["cause"]["name"] == "wrong_charset"
    assert "remedy" not in lost
    assert "cause" not in _of_field("place", [{"city": "São Paulo"}], CHOICE, "place.city")


def test_elements_of_lists_and_members_of_dicts_are_alike() -> None:
    items = [{"title": "T", "amounts": ["1", "2,5", "3,5"]}, {"title": "T", "amounts": ["4,5"]}]
    group = groups(items)[WRONG, "amounts.*"]
    assert (group["count"], group["examples"]) == (2, ["2,5", "4,5"])
    assert group["remedy"]["after"] == {"amounts": ["1", "2.5", "3.5"]}
    scores = groups([{"title": "T", "scores": {"a.b": "1,5", "c": "2"}}])[WRONG, "scores.*"]
    assert scores["remedy"]["after"] == {"scores": {"a.b": "1.5", "c": "2"}}
    nested = groups([{"title": "T", "places": [{"city": "Rome"}, {"city": "ROME"}]}])
    remedy = nested[CHOICE, "places.*.city"]["remedy"]
    assert remedy["after"] == {"places": [{"city": "Rome"}, {"city": "Rome"}]}


def test_a_repeated_header_is_left_out() -> None:
    header = {"title": "title", "email": "email", "price": " Price"}
    found = groups([{"title": "good"}, header, header])
    for group in found.values():
        assert group["cause"]["name"] == "repeated_header"
        assert (group["remedy"]["heals"], group["remedy"]["after"]) == (2, None)
    assert found[FORMAT, "email"]["remedy"]["before"] == header
    named = groups([{"title": "title", "email": "none of these"}])
    assert "cause" not in named[FORMAT, "email"]


def test_a_row_of_totals_is_left_out() -> None:
    total = {"code": "Total:", "price": "1234.50", "count": 7}
    group = groups([{"title": "good"}, total])[42201, "title"]
    assert group["cause"]["name"] == "totals_row"
    assert group["remedy"]["after"] is None
    company = {"code": "Total", "email": "sales@total.example", "price": "1"}
    assert "cause" not in groups([{"title": "good"}, company])[42201, "title"]
    assert "cause" not in groups([{"title": "good"}, {"code": "Total"}])[42201, "title"]


def test_swapped_columns_of_a_whole_batch() -> None:
    swapped = [{"name": "555 01", "phone": "Ann"}, {"name": "555 02", "phone": "Bo"}]
    group = groups(swapped, people)[FORMAT, "phone"]
    assert group["cause"]["name"] == "swapped_columns"
    assert group["remedy"]["transform"] == {"op": "swap", "fields": ["name", "phone"]}
    assert group["remedy"]["after"] == {"name": "Ann", "phone": "555 01"}
    # Where an item is good as it is, the columns are not swapped.
    some = groups([*swapped, {"name": "Cy", "phone": "555 03"}], people)[FORMAT, "phone"]
    assert "cause" not in some
    # One column that is missing is no swap.
    assert "cause" not in groups([{"phone": "Ann"}], people)[FORMAT, "phone"]


def test_what_fits_under_another_name_by_chance_is_no_swap() -> None:
    def found(price: str, count: str) -> Any:
        columns = Options(columns=("title", "price", "count"))
        items = [{"title": "A", "price": price, "count": count}] * 2
        return groups(items, orders, options=columns)[WRONG, "count"]

    # Nothing takes the place of anything that is bad.
    empty = [{"title": "A", "price": None, "day": "46380"}] * 2
    assert "cause" not in groups(empty)[FORMAT, "day"]
    rounded = found("5", "1E+11")
    assert rounded["cause"]["name"] == "rounded_number"
    assert "remedy" not in rounded
    assert found("5", "3.0")["cause"]["ambiguous"]
    assert found("5.5", "3.0")["cause"]["name"] == "zero_decimals"


def test_thousands_that_may_be_decimals_are_ambiguous() -> None:
    assert _of_field("count", ["1.000", "12.000"], WRONG)["cause"]["ambiguous"]
    some = _of_field("count", ["1.000", "12.345"], WRONG)
    assert some["cause"]["name"] == "thousands_separators"
    assert some["remedy"]["heals"] == 2


def test_dates_that_pass_in_another_order_are_warned_of() -> None:
    said = _of_field("american", ["24/12/2026"], FORMAT)["cause"]["message"]
    assert "may mean another day" in said
    assert "another day" not in _of_field("american", ["24.12.2026"], FORMAT)["cause"]["message"]
    assert "another day" not in _of_field("day", ["24/12/2026"], FORMAT)["cause"]["message"]


def test_cells_of_swapped_columns_are_read_again() -> None:
    columns = Options(columns=("title", "count"))
    items = [{"title": "41", "count": "Ann"}, {"title": "42", "count": "Bo"}]
    group = groups(items, orders, options=columns)[WRONG, "count"]
    assert group["remedy"]["after"] == {"title": "Ann", "count": 41}
    # Of JSON, texts stay texts.
    assert "cause" not in groups(items)[WRONG, "count"]


def test_shifted_columns_of_a_whole_batch() -> None:
    columns = Options(columns=("title", "email", "state", "count"))
    left = [{"title": "A", "email": "won", "state": "1"}, {"title": "B", "email": "open"}]
    group = groups(left, orders, options=columns)[FORMAT, "email"]
    assert group["cause"]["name"] == "shifted_columns"
    assert group["remedy"]["transform"] == {"op": "shift", "from": "email", "by": 1}
    assert group["remedy"]["after"] == {"state": "won", "count": 1}
    right = [{"title": "A", "state": "a@b.cd", "count": "won"}] * 2
    found = groups(right, orders, options=columns)[CHOICE, "state"]
    assert found["remedy"]["transform"] == {"op": "shift", "from": "email", "by": -1}
    assert found["remedy"]["after"] == {"email": "a@b.cd", "state": "won"}
    # Nothing of an item may be lost: no column is empty here.
    full = [{"title": "A", "email": "won", "state": "1", "count": "x"}] * 2
    assert "cause" not in groups(full, orders, options=columns)[FORMAT, "email"]


def test_no_shift_takes_away_what_is_required() -> None:
    items = [{"title": "a@b.cd", "email": "5"}, {"title": "c@d.ef", "email": "6"}]
    columns = Options(columns=("title", "email", "count"))
    group = groups(items, orders, options=columns)[FORMAT, "email"]
    readings = [each["transform"] for each in group["cause"]["readings"]]
    # From the title on, no title would be left.
    assert {"op": "shift", "from": "title", "by": 1} not in readings
    assert {"op": "shift", "from": "email", "by": 1} in readings


def test_rows_that_end_with_a_delimiter() -> None:
    columns = Options(columns=("title", "count"))
    error = [ItemError(BAD_FORMAT, "This row has 3 cells, and not one for each of 2 columns.")]

    def found(*rows: list[str]) -> Any:
        failures = [Failure(index, row, error) for index, row in enumerate(rows)]
        made = Digest(batch_of(orders, len(rows), failures, columns), orders)
        made.add(failures)
        [group] = made.document()["groups"]
        return group, [made.mend(each, [*made.remedies().values()]).item for each in failures]

    group, mended = found(["A", "1", ""], ["B", "2", "", ""])
    assert group["cause"]["name"] == "extra_cells"
    assert group["remedy"]["transform"] == {"op": "drop_last_cells", "width": 2}
    assert group["remedy"]["before"] == ["A", "1", ""]
    assert group["remedy"]["after"] == {"title": "A", "count": 1}
    assert mended == [{"title": "A", "count": 1}, {"title": "B", "count": 2}]
    for rows in ([["A", "1", "x"]], [["A"]], [["A", "x", ""]], [["", "1", ""]]):
        assert "cause" not in found(*rows)[0], rows


def test_items_of_another_collection() -> None:
    items = [{"name": "Ann", "phone": "555 01"}, {"name": "Bo", "phone": "555 02"}]
    found = groups(items, orders, [people])
    for group in found.values():
        assert group["cause"]["name"] == "wrong_collection"
        assert group["cause"]["collection"] == "people"
        assert "remedy" not in group
    assert all("cause" not in each for each in groups(items, orders).values())
    mixed = groups([*items, {"title": "an order"}], orders, [people])
    assert all("cause" not in each for each in mixed.values())


def test_others_are_not_looked_at_by_the_field_that_finds_items_here() -> None:
    items = [{"name": "Ann", "phone": "555 01"}]
    found = groups(items, orders, [people], options=Options(matching="email"))
    assert found[42201, "title"]["cause"]["collection"] == "people"


def test_nothing_is_proven_by_another_schema() -> None:
    failure = Failure(0, {"title": "T", "price": "1,5"}, [ItemError(BAD_FORMAT, "No.", "price")])
    batch = replace(batch_of(orders, 1, [failure], Options()), layout="that of before")
    for resource in (orders, None):
        made = Digest(batch, resource)
        made.add([failure])
        document = made.document()
        assert "cause" not in document["groups"][0]
        assert document["notExplained"].startswith("Causes are not looked for")


def test_nothing_is_proven_of_rewritten_texts() -> None:
    found = groups([{"title": "T", "price": "1.5,5"}], orders, options=Options(rewritten=True))
    assert "cause" not in found[WRONG, "price"]
