"""What another API process or worker adds: one and two of each, under four loads.

    python -m benchmarks.processes [--quick]

Each round runs every combination in another order, and then the floor; the service is started anew
for each combination. Results go to benchmarks/results/processes.json.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from benchmarks.load import Generator, Load
from benchmarks.machine import describe
from benchmarks.reports import processes as report
from benchmarks.reports.sheet import show
from benchmarks.results import save
from benchmarks.samples import PEOPLE, SAMPLES
from benchmarks.session import Session, serve
from benchmarks.stack import Database, Servers, run_servers

COMBINATIONS = ((1, 1), (2, 1), (1, 2), (2, 2))
"""API processes, workers."""
_WARM_UP = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class _Load:
    """What is sent: items a request, from so many clients, to so many accounts in turns.

    Args:
        fastest: requests a second that bodies are prepared for; for the floor, twice as many.
        content_type: what the body is said to be: JSON is YAML, too.
    """

    title: str
    size: int
    clients: int
    accounts: int
    fastest: int
    content_type: str = "application/json"


LOADS = (
    _Load("1,000 items × 8 clients", 1_000, 8, 1, 150),
    _Load("1,000 items × 8 clients, two accounts", 1_000, 8, 2, 150),
    _Load("single items × 64 clients", 1, 64, 1, 10_000),
    _Load("200 items × 32 clients, YAML", 200, 32, 1, 300, "application/yaml"),
)
_ACCOUNTS = max(load.accounts for load in LOADS)


async def measure(*, rounds: int, seconds: float) -> dict[str, Any]:
    """All combinations in some rounds."""
    console = Console(stderr=True)
    began = time.monotonic()
    found: dict[str, dict[str, list[dict[str, Any]]]] = {
        load.title: defaultdict(list) for load in LOADS
    }
    rng = random.Random(0)
    async with run_servers() as servers:
        for number in range(1, rounds + 1):
            for api, workers in rng.sample(COMBINATIONS, len(COMBINATIONS)):
                console.print(f"processes: round {number}, {api} API, {workers} workers")
                name = f"{api} API, {workers} worker{'s' if workers > 1 else ''}"
                async with serve(servers, api=api, workers=workers, accounts=_ACCOUNTS) as session:
                    for load in LOADS:
                        found[load.title][name].append(await _one(session, load, seconds))
            for load in LOADS:
                found[load.title]["floor"].append(await _floor(servers, load, seconds))
    return {
        "machine": describe(),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "rounds": rounds,
        "loads": {
            title: {name: _summary(each) for name, each in by_name.items()}
            for title, by_name in found.items()
        },
    }


async def _one(session: Session, load: _Load, seconds: float) -> dict[str, Any]:
    tokens = session.service.tokens[: load.accounts]
    options: dict[str, Any] = {"tokens": tokens, "content_type": load.content_type}
    warm = session.load(load.size, load.clients, 10_000, stream=True, **options)
    await session.run(warm, _WARM_UP)
    await session.empty()
    requests = int(load.fastest * seconds)
    sent = session.load(load.size, load.clients, requests, **options)
    measured = await session.run(sent, seconds)
    if measured.void:
        raise RuntimeError(f"rows are missing: {measured.rows}, {measured.sent.errors}")
    took = measured.sent.seconds
    return {
        "itemsPerSecond": measured.items_per_second,
        "cores": {part: used / took for part, used in measured.cpu.items()},
    }


async def _floor(servers: Servers, load: _Load, seconds: float) -> dict[str, Any]:
    database = await Database.connect(servers.database_url())
    await database.connection.execute(f"DROP TABLE IF EXISTS public.{PEOPLE}")
    await database.connection.execute(SAMPLES[PEOPLE].peers_table)
    async with Generator() as generator:
        copied = Load(
            kind="copy",
            target=servers.database_url(),
            serial="floor",
            size=load.size,
            clients=load.clients,
            requests=int(2 * load.fastest * seconds),
        )
        await generator.prepare(copied)
        sent = await generator.run(seconds)
    await database.connection.close()
    return {"itemsPerSecond": sent.items / sent.seconds, "cores": {}}


def _summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    rates = [each["itemsPerSecond"] for each in rounds]
    return {
        "itemsPerSecond": {
            "median": round(statistics.median(rates)),
            "min": round(min(rates)),
            "max": round(max(rates)),
        },
        "cores": {
            part: round(statistics.median(each["cores"][part] for each in rounds), 3)
            for part in rounds[0]["cores"]
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one short round")
    quick = parser.parse_args().quick
    results = asyncio.run(measure(rounds=1 if quick else 3, seconds=0.5 if quick else 2.0))
    show(report.sheets(results))
    print(f"saved to {save('processes', results, whole=not quick)}")


if __name__ == "__main__":
    main()
