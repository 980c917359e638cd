"""What another API process or worker adds: 1,000 items × 8 clients, one and two of each.

    python -m benchmarks.processes [--quick]

Each round runs every combination, and the floor, in another order; the service is started anew for
each. Results go to benchmarks/results/processes.json and docs/benchmarks.md.
"""

import argparse
import asyncio
import random
import statistics
from typing import Any

from rich.console import Console

from benchmarks.contacts import PEERS_TABLE
from benchmarks.load import Generator, Load
from benchmarks.machine import describe
from benchmarks.reports import processes as report
from benchmarks.reports.sheet import show
from benchmarks.results import save
from benchmarks.session import Session, serve
from benchmarks.stack import Database, Servers, run_servers

SIZE, CLIENTS = 1_000, 8
COMBINATIONS = ((1, 1), (2, 1), (1, 2), (2, 2))
"""API processes, workers."""
_WARM_UP = 0.5  # seconds
_FASTEST = 150_000  # items a second that bodies are prepared for


async def measure(*, rounds: int, seconds: float) -> dict[str, Any]:
    """All combinations in some rounds."""
    console = Console(stderr=True)
    found: dict[str, list[dict[str, Any]]] = {}
    rng = random.Random(0)
    with run_servers() as servers:
        for number in range(1, rounds + 1):
            for api, workers in rng.sample(COMBINATIONS, len(COMBINATIONS)):
                console.print(f"processes: round {number}, {api} API, {workers} workers")
                async with serve(servers, api=api, workers=workers) as session:
                    one = await _one(session, seconds)
                found.setdefault(f"{api} API, {workers} workers", []).append(one)
            found.setdefault("floor", []).append(await _floor(servers, seconds))
    return {
        "machine": describe(),
        "rounds": rounds,
        "combinations": {name: _summary(each) for name, each in found.items()},
    }


async def _one(session: Session, seconds: float) -> dict[str, Any]:
    await session.run(session.load(SIZE, CLIENTS, 10_000, stream=True), _WARM_UP)
    await session.empty()
    load = session.load(SIZE, CLIENTS, int(_FASTEST * seconds / SIZE))
    measured = await session.run(load, seconds)
    if measured.void:
        raise RuntimeError(f"rows are missing: {measured.rows}, {measured.sent.errors}")
    took = measured.sent.seconds
    return {
        "itemsPerSecond": measured.items_per_second,
        "cores": {part: used / took for part, used in measured.cpu.items()},
    }


async def _floor(servers: Servers, seconds: float) -> dict[str, Any]:
    database = await Database.connect(servers.database_url())
    await database.connection.execute("DROP TABLE IF EXISTS public.contacts")
    await database.connection.execute(PEERS_TABLE)
    async with Generator() as generator:
        load = Load(
            kind="copy",
            target=servers.database_url(),
            serial="floor",
            size=SIZE,
            clients=CLIENTS,
            requests=int(2 * _FASTEST * seconds / SIZE),
        )
        await generator.prepare(load)
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
