"""Where the time goes: in the API, in the worker, in PostgreSQL.

    python -m benchmarks.profile [--quick]

Python processes are sampled from outside by py-spy, which changes little about them; every sample
counts for the line of ours that is nearest to what runs, or for its package where none of ours is
on the stack. What PostgreSQL does is sampled in `pg_stat_activity`. Results go to
benchmarks/results/profile.json.
"""

import argparse
import asyncio
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.machine import describe
from benchmarks.reports import profile as report
from benchmarks.reports.sheet import show
from benchmarks.results import save
from benchmarks.session import Session, sampling, serve
from benchmarks.stack import run_servers

CELLS = ((1_000, 8), (10_000, 8), (1, 64), (1, 1))
"""Items a request and clients: those of the goals."""
_SPY = Path(sys.executable).with_name("py-spy")
_RATE = 200  # samples a second of each process
_WARM_UP = 1.0  # seconds
_EVERY = 0.02  # seconds between two looks at PostgreSQL
_KEPT = 8  # places of each process
_ACTIVE = """
SELECT query, coalesce(wait_event_type, 'running') AS doing
FROM pg_stat_activity
WHERE state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_STATEMENTS = {
    "WITH here AS": "stage batches, and commit that",
    'INTO "collections"': "apply batches",
    "take_waiting": "take what waits",
    "batches_of": "read outcomes",
    "COMMIT": "commit what was applied",
}
# What starts a process is below everything that it does.
_STARTS = frozenset({"_Group.invoke", "serve", "main", "run", "<module>"})
# A thread that waits for its next task, which py-spy may take for one that runs.
_WAITS = re.compile(r"_worker \(concurrent/futures/thread\.py:")
_FRAME = re.compile(r"(?P<function>.*) \((?P<file>.*):\d+\)")


async def measure(*, seconds: int) -> dict[str, Any]:
    """All cells, one after the other."""
    console = Console(stderr=True)
    began = time.monotonic()
    cells = {}
    with run_servers() as servers, tempfile.TemporaryDirectory(prefix="ingest-spy-") as folder:
        async with serve(servers) as session:
            for size, clients in CELLS:
                console.print(f"profile: {size:,} items × {clients} clients")
                cells[f"{size}x{clients}"] = await _cell(
                    session, size, clients, seconds, Path(folder)
                )
    minutes = round((time.monotonic() - began) / 60, 1)
    return {"machine": describe(), "minutes": minutes, "cells": cells}


async def _cell(
    session: Session, size: int, clients: int, seconds: int, folder: Path
) -> dict[str, Any]:
    connection = session.database.connection

    async def look() -> dict[str, Any]:
        return {"active": [tuple(row) for row in await connection.fetch(_ACTIVE)]}

    await session.run(session.load(size, clients, 10**9, stream=True), _WARM_UP)
    await session.empty()
    processes = {"api": session.service.api[0], "worker": session.service.workers[0]}
    async with sampling(look, _EVERY) as looks:
        load = asyncio.create_task(
            session.run(
                session.load(size, clients, 10**9, stream=True), seconds + _WARM_UP, counted=False
            )
        )
        await asyncio.gather(
            *(_spy(pid, seconds, folder / name) for name, pid in processes.items())
        )
        measured = await load
    active = Counter(
        f"{_statement(query)} ({doing})" for one in looks for query, doing in one["active"]
    )
    return {
        "itemsPerSecond": round(measured.items_per_second),
        "cpuMicroseconds": {
            part: round(used, 2) for part, used in measured.cpu_microseconds.items()
        },
        **{name: _shares(count_places(folder / name)) for name in processes},
        "postgres": _shares(active, len(looks)),
    }


async def _spy(pid: int, seconds: int, output: Path) -> None:
    """Sample what a process does while it does anything."""
    options = ("--rate", str(_RATE), "--duration", str(seconds), "--format", "raw")
    command = (str(_SPY), "record", *options, "--output", str(output), "--pid", str(pid))
    spy = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, complaints = await spy.communicate()
    if spy.returncode:
        raise RuntimeError(f"py-spy failed: {complaints.decode().strip()}")


def count_places(path: Path) -> Counter[str]:
    """Samples by the place that they count for."""
    places: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if not _WAITS.match(frames[-1]):
            places[place_of(frames)] += int(count)
    return places


def place_of(stack: list[str]) -> str:
    """The function of ours that is nearest to what runs, or else the package that does."""
    frames = [match for match in map(_FRAME.fullmatch, stack) if match]
    for frame in reversed(frames):
        if frame["file"].startswith(("ingest/", "workers/")) and frame["function"] not in _STARTS:
            return f"{frame['file']} {frame['function']}"
        if frame["file"].startswith("<") and "frozen" not in frame["file"]:
            return "code made from the schema (load, record)"
    packages = [frame["file"].partition("/")[0] for frame in frames if "/" in frame["file"]]
    if not packages or packages[-1] in ("asyncio", "uvloop"):
        return "the event loop"
    return f"{packages[-1]} itself"


def _statement(query: str) -> str:
    for part, what in _STATEMENTS.items():
        if part in query:
            return what
    return "anything else"


def _shares(samples: Counter[str], of: int | None = None) -> list[tuple[str, float]]:
    whole = of or samples.total() or 1
    return [(place, round(count / whole, 4)) for place, count in samples.most_common(_KEPT)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two seconds each")
    quick = parser.parse_args().quick
    if shutil.which(_SPY) is None:
        raise SystemExit("profile: py-spy is missing: make .venv/.bench")
    results = asyncio.run(measure(seconds=2 if quick else 8))
    show(report.sheets(results))
    print(f"saved to {save('profile', results, whole=not quick)}")


if __name__ == "__main__":
    main()
