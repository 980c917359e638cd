"""What the benchmarks send, and how they judge: a wrong figure is worse than none."""

import json
from pathlib import Path
from typing import Any

import pytest
from marshmallow import ValidationError

from benchmarks import results
from benchmarks.clients import Tally
from benchmarks.contacts import COLUMNS
from benchmarks.people import bad_among, is_bad, items, records
from benchmarks.plan import FULL_CELLS, GOALS, QUICK_CELLS, Goal
from benchmarks.profile import place_of
from ingest.examples.crm import ContactSchema


def _cell(value: float, *, void: bool = False) -> dict[str, Any]:
    return {"itemsPerSecond": {"median": value}, "p50": {"median": value}, "void": void}


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


def test_a_goal_compares_two_cells() -> None:
    goal = Goal("half of it", "itemsPerSecond", "a", "b", least=0.5)
    assert goal.measured({"a": _cell(40), "b": _cell(100)}) == pytest.approx(0.4)
    assert not goal.met(0.4)
    assert goal.met(0.5)


def test_a_goal_in_time_is_met_by_less() -> None:
    goal = Goal("under 5 ms", "p50", "a", most=5)
    assert goal.measured({"a": _cell(4.2)}) == 4.2
    assert goal.met(4.2)
    assert not goal.met(5.1)


@pytest.mark.parametrize("cells", [{"a": _cell(1)}, {"a": _cell(1), "b": _cell(1, void=True)}])
def test_a_goal_says_nothing_without_both_cells(cells: dict[str, Any]) -> None:
    assert Goal("half of it", "itemsPerSecond", "a", "b", least=0.5).measured(cells) is None


def test_every_goal_is_measured_by_a_full_run() -> None:
    names = {cell.name for cell in FULL_CELLS}
    assert len(names) == len(FULL_CELLS)
    for goal in GOALS:
        assert {goal.of, goal.to} - {""} <= names
    assert set(QUICK_CELLS) <= set(FULL_CELLS)


def test_percentiles_leave_refusals_out() -> None:
    tally = Tally(0.0)
    tally.answers = [(0.1, 0.010, 201), (0.2, 0.030, 201), (1.3, 0.020, 201), (1.4, 9.0, 503)]
    assert tally.percentile(0.5) == 20
    assert tally.percentile(1.0) == 30
    assert [second["statuses"] for second in tally.timeline()] == [
        {"201": 2},
        {"201": 1, "503": 1},
    ]


def test_a_run_replaces_its_own_part_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- growth -->\nold\n<!-- /growth -->\nafter\n")
    monkeypatch.setattr(results, "PAGE", page)
    results._replace("growth", r"new \1")
    assert page.read_text() == "before\n<!-- growth -->\nnew \\1\n<!-- /growth -->\nafter\n"
    with pytest.raises(RuntimeError, match="no place for endpoints"):
        results._replace("endpoints", "new")


def test_the_page_has_a_place_for_every_benchmark() -> None:
    page = results.PAGE.read_text(encoding="utf-8")
    for name in results.NAMES:
        assert page.count(f"<!-- {name} -->") == page.count(f"<!-- /{name} -->") == 1


_START = [
    "<module> (ingest/__main__.py:6)",
    "serve (ingest/app.py:119)",
    "run (asyncio/runners.py:118)",
]


@pytest.mark.parametrize(
    ("above", "place"),
    [
        ([], "the event loop"),
        (["data_received (aiohttp/web_protocol.py:1)"], "aiohttp itself"),
        (
            ["create (ingest/http/writes.py:39)", "fetch (asyncpg/connection.py:717)"],
            "ingest/http/writes.py create",
        ),
        (
            ["add (ingest/validation/runner.py:3)", "load (<ContactSchema create>:9)"],
            "code made from the schema (load, record)",
        ),
    ],
)
def test_a_sample_counts_for_the_nearest_line_of_ours(above: list[str], place: str) -> None:
    assert place_of([*_START, *above]) == place
