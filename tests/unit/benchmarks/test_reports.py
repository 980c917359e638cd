"""What the benchmarks send, and how they judge: a wrong figure is worse than none."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from marshmallow import ValidationError

from benchmarks import results
from benchmarks.clients import Client, Tally, _Requests
from benchmarks.contacts import COLUMNS
from benchmarks.load import Load, _send
from benchmarks.people import bad_among, is_bad, items, records
from benchmarks.plan import FULL_CELLS, GOALS, QUICK_CELLS, Goal
from benchmarks.profile import _places, place_of
from benchmarks.ratios import ratios
from benchmarks.reports import backpressure
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


@pytest.mark.parametrize(
    ("count", "share", "milliseconds"),
    [(0, 0.99, 0), (1, 0.5, 1), (2, 0.5, 1), (10, 0.5, 5), (10, 0.99, 10), (200, 0.99, 198)],
)
def test_a_percentile_is_that_of_the_nearest_rank(
    count: int, share: float, milliseconds: float
) -> None:
    tally = Tally(0.0)
    tally.answers = [(1.0, each / 1000, 201) for each in range(count, 0, -1)]
    assert tally.percentile(share) == milliseconds


def _measured(rate: float, *, parts: dict[str, float], void: bool = False) -> dict[str, Any]:
    median = {"median": rate}
    return {
        **dict.fromkeys(("itemsPerSecond", "requestsPerSecond", "p50", "p99"), median),
        "cpuMicroseconds": {part: {"median": used} for part, used in parts.items()},
        "peakBytes": {part: {"median": 10 * used} for part, used in parts.items()},
        "void": void,
    }


def test_a_ratio_to_the_floor_counts_every_part() -> None:
    floor = _measured(200, parts={"client": 1, "postgres": 3, "redis": 0})
    cell = _measured(50, parts={"client": 2, "api": 4, "postgres": 6, "redis": 0})
    assert ratios(cell, floor) == {
        "itemsPerSecond": 0.25,
        "requestsPerSecond": 0.25,
        "p50": 0.25,
        "p99": 0.25,
        "cpuMicroseconds": 3.0,
        "peakBytes": 3.0,
        "parts": {"client": 2.0, "postgres": 2.0},
    }


def test_there_is_no_ratio_to_what_is_void_or_nothing() -> None:
    parts = {"client": 1.0, "postgres": 0.0}
    cell, void = _measured(1, parts=parts), _measured(1, parts=parts, void=True)
    assert ratios(cell, None) is ratios(cell, void) is ratios(void, cell) is None
    assert (ratios(cell, cell) or {})["parts"] == {"client": 1.0, "postgres": None}


_PRESSED: dict[str, Any] = {
    "sustainable": 90,
    "sustainableAfter": 110,
    "offered": 300,
    "times": 3.0,
    "refused": 5,
    "retryAfter": [1.0, 4.0],
    "accepted": 1_000,
    "stored": 1_000,
    "errors": [],
}


def test_pressure_is_what_is_offered_by_the_mean_of_what_is_sustainable() -> None:
    assert backpressure.pressure(_PRESSED) == 3.0
    assert backpressure.void(_PRESSED) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sustainableAfter": 111}, "less than 3 times"),
        ({"refused": 0, "retryAfter": []}, "nothing was refused"),
        ({"retryAfter": [0.0, 4.0]}, "no Retry-After"),
        ({"stored": 999}, "1,000 items were accepted, 999 are stored"),
        ({"errors": ["500: oh"]}, "other answers: 500: oh"),
    ],
)
def test_a_run_under_too_little_pressure_or_with_losses_is_void(
    change: dict[str, Any], reason: str
) -> None:
    (found,) = backpressure.void(_PRESSED | change)
    assert reason in found


class _Sender(Client):
    """A client that sends nothing; a slow one goes on once all others' bodies are used up."""

    def __init__(self, sent: list[int], used_up: asyncio.Event, *, slow: bool) -> None:
        self._sent, self._used_up, self._slow = sent, used_up, slow

    async def send(self, place: int, tally: Tally) -> None:
        if self._slow:
            await self._used_up.wait()
        self._sent.append(place)
        if len(self._sent) == 9:
            self._used_up.set()

    async def close(self) -> None:
        pass


async def test_a_slow_client_keeps_no_bodies_for_itself() -> None:
    sent: list[int] = []
    used_up = asyncio.Event()
    load = Load(kind="json", target="1", serial="s", size=1, clients=2, requests=10)
    places, tally = iter(range(10)), Tally(0.0)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for slow in (True, False):
            client = _Sender(sent, used_up, slow=slow)
            group.create_task(_send(client, places, load, float("inf"), tally))
    assert sorted(sent) == list(range(10))


def test_requests_take_tokens_in_turns_and_have_keys_of_their_own() -> None:
    load = Load(
        kind="json", target="1", serial="s", size=1, clients=1, requests=3, path="/v1/contacts",
        tokens=["one", "two"], keys=True,
    )  # fmt: skip
    requests = [_Requests(load).get(place).decode() for place in range(3)]
    for request, token in zip(requests, ["one", "two", "one"], strict=True):
        assert request.count(f"Authorization: Bearer {token}\r\n") == 1
        head, _, body = request.partition("\r\n\r\n")
        assert head.endswith(f"Content-Length: {len(body)}")
    keys = {
        line
        for each in requests
        for line in each.split("\r\n")
        if line.startswith("Idempotency-Key: ")
    }
    assert len(keys) == 3


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


def test_a_thread_that_waits_for_a_task_does_not_count(tmp_path: Path) -> None:
    samples = tmp_path / "samples"
    waiting = "_bootstrap (threading.py:1002);_worker (concurrent/futures/thread.py:81)"
    working = f"{waiting};run (concurrent/futures/thread.py:58);add (ingest/validating.py:3)"
    samples.write_text(f"{waiting} 70\n{working} 30\n")
    assert _places(samples) == {"ingest/validating.py add": 30}
