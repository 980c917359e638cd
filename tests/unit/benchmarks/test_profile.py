"""The place that a sample counts for."""

from pathlib import Path

import pytest

from benchmarks.profile import count_places, place_of

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
    working = f"{waiting};run (concurrent/futures/thread.py:58);add (ingest/batches/staging.py:3)"
    samples.write_text(f"{waiting} 70\n{working} 30\n")
    assert count_places(samples) == {"ingest/batches/staging.py add": 30}
