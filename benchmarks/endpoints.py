"""The endpoint benchmark: this service, the floor and the peers, interleaved in one run.

    python -m benchmarks.endpoints [--quick] [--rounds N] [--minutes N] [--only a,b,c] [--cells …]

Each round measures every cell for a short time, in another order; medians and spreads are over
rounds. Before each measurement all rows are removed and a checkpoint is made; after it the
rows are counted, and where they are not all there the figure is void. Results go to
benchmarks/results/endpoints.json, tables and plots to docs/benchmarks.md; a quick run's go to
endpoints-quick.json and nowhere else.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections import defaultdict
from datetime import datetime
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.contestants import BY_LETTER, CONTESTANTS, Running, run_contestants
from benchmarks.load import Generator, Load
from benchmarks.machine import describe
from benchmarks.plan import FULL_CELLS, QUICK_CELLS, Cell
from benchmarks.ratios import ratios
from benchmarks.reports import endpoints as report
from benchmarks.reports.sheet import show
from benchmarks.results import save
from benchmarks.samples import generated
from benchmarks.stack import Servers, run_servers
from benchmarks.usage import Meter

_WARM_UP = 0.3  # seconds
_WARM_UP_ITEMS = 20_000  # cells whose first requests have more are not warmed up
_FILLING = 300.0  # seconds at most to store what is to be changed
_MARGIN = 1.4  # bodies beyond what the last rate would use
_FIRST_RATE = 30_000.0  # items a second, until one is known
_FIRST_REQUESTS = 3_000.0  # requests a second, until one is known
_KEPT = ("itemsPerSecond", "requestsPerSecond", "p50", "p99")


class Before(NamedTuple):
    """When a load began, by PostgreSQL's clock, and how many rows there were."""

    moment: datetime
    rows: int


class Endpoints:
    """The measurements of one run.

    Args:
        seconds: how long clients send in each.
    """

    def __init__(
        self, running: dict[str, Running], servers: Servers, generator: Generator, seconds: float
    ) -> None:
        self._running = running
        self._servers = servers
        self._generator = generator
        self._seconds = seconds
        self._requests: dict[Cell, float] = {}
        self._serial = 0

    async def measure(self, cell: Cell, seconds: float | None = None) -> dict[str, Any]:
        """One measurement of a cell."""
        seconds = seconds or self._seconds
        contestant = self._running[cell.letter]
        await contestant.empty()
        load = self._load(contestant, cell, seconds)
        before = await self._fill(contestant, cell, load)
        await self._generator.prepare(load)
        meter = Meter(contestant.parts | self._servers.parts)
        sent = await self._generator.run(seconds)
        cpu = {"client": sent.cpu_seconds, **meter.cpu()}
        peaks = meter.peaks()
        if sent.errors:
            await contestant.settle(cell.sample)
        rows = await self._written(contestant, cell, before)
        if sent.requests:
            self._requests[cell] = sent.requests / sent.seconds
        return {
            "itemsPerSecond": sent.items / sent.seconds,
            "requestsPerSecond": sent.requests / sent.seconds,
            "p50": sent.p50,
            "p99": sent.p99,
            "cpuMicroseconds": {
                part: 1e6 * used / max(sent.items, 1) for part, used in cpu.items()
            },
            "peakBytes": peaks,
            "items": sent.items,
            "rows": rows,
            "refused": sent.refused,
            "errors": sent.errors,
            "void": bool(sent.errors) or rows != sent.items or not sent.items,
        }

    async def _fill(self, contestant: Running, cell: Cell, load: Load) -> Before:
        """Store what the load changes or removes."""
        database = contestant.database
        if every := cell.wanted.stored_every:
            await self._generator.prepare(contestant.filling(load, every))
            filled = await self._generator.run(_FILLING)
            if filled.errors:
                raise RuntimeError(f"what is to be changed is not stored: {filled.errors}")
            await database.connection.execute(f"VACUUM (ANALYZE) collections.{cell.sample}")
            await database.checkpoint()
        now = await database.connection.fetchval("SELECT clock_timestamp()")
        return Before(now, await contestant.count(cell.sample))

    async def _written(self, contestant: Running, cell: Cell, before: Before) -> int:
        """Rows that the load has created, changed or removed."""
        if cell.wanted.stored_every and cell.wanted.method != "DELETE":
            return await contestant.database.count_written_since(before.moment, cell.sample)
        return abs(await contestant.count(cell.sample) - before.rows)

    def _load(self, contestant: Running, cell: Cell, seconds: float) -> Load:
        self._serial += 1
        guess = min(_FIRST_RATE / cell.size, _FIRST_REQUESTS)
        wanted = self._requests.get(cell, guess) * seconds * _MARGIN
        most = contestant.contestant.most_items
        requests = min(int(wanted) + cell.clients, max(most // cell.size, 1))
        return contestant.load(f"s{self._serial}", cell, requests)


def summarise(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over the rounds of one cell, with the least and the greatest."""
    found: dict[str, Any] = {name: _spread([each[name] for each in rounds]) for name in _KEPT}
    for name in ("cpuMicroseconds", "peakBytes"):
        parts = rounds[0][name]
        found[name] = {part: _spread([each[name][part] for each in rounds]) for part in parts}
    found["items"] = sum(each["items"] for each in rounds)
    found["rows"] = sum(each["rows"] for each in rounds)
    found["refused"] = sum(each["refused"] for each in rounds)
    found["errors"] = sorted({error for each in rounds for error in each["errors"]})[:5]
    found["void"] = any(each["void"] for each in rounds)
    return found


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


async def run(
    cells: list[Cell], *, rounds: int, seconds: float, minutes: float, seed: int
) -> dict[str, Any]:
    """Measure cells; at least one round, and no new one once `minutes` would be exceeded."""
    console = Console(stderr=True)
    wanted = {cell.letter for cell in cells}
    skipped = {each.letter: each.missing for each in CONTESTANTS if each.missing}
    present = [each for each in CONTESTANTS if each.letter in wanted - skipped.keys()]
    cells = [cell for cell in cells if cell.letter not in skipped]
    measured: dict[Cell, list[dict[str, Any]]] = defaultdict(list)
    rng = random.Random(seed)
    began = time.monotonic()
    console.print(f"starting PostgreSQL, Valkey and {len(present)} contestants …")
    async with (
        run_servers() as servers,
        run_contestants(servers, present) as running,
        Generator() as generator,
    ):
        endpoints = Endpoints(running, servers, generator, seconds)
        with _progress(console) as progress:
            first = [cell for cell in cells if cell.size * cell.clients <= _WARM_UP_ITEMS]
            await _round(endpoints, first, progress, "warm-up", _WARM_UP)
            for number in range(1, rounds + 1):
                order = rng.sample(cells, len(cells))
                started = time.monotonic()
                results = await _round(endpoints, order, progress, f"round {number}")
                for cell, result in results.items():
                    measured[cell].append(result)
                now = time.monotonic()
                if now - began + (now - started) > 60 * minutes:
                    break
        settings = await _durability(running)
    return {
        "machine": describe(),
        "postgresql": settings,
        "rounds": len(next(iter(measured.values()))),
        "seconds": seconds,
        "seed": seed,
        "schema": generated.SEED,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "contestants": {each.letter: each.title for each in CONTESTANTS},
        "skipped": skipped,
        "cells": _with_ratios({cell: summarise(results) for cell, results in measured.items()}),
    }


def _with_ratios(cells: dict[Cell, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By name; each with its ratios to the floor of the same size and as many clients."""
    return {
        cell.name: found | {"ofFloor": ratios(found, cells.get(cell.floor))}
        for cell, found in cells.items()
    }


async def _round(
    endpoints: Endpoints,
    cells: list[Cell],
    progress: Progress,
    title: str,
    seconds: float | None = None,
) -> dict[Cell, dict[str, Any]]:
    task = progress.add_task(title, total=len(cells), cell="")
    results = {}
    for cell in cells:
        progress.update(task, cell=f"{BY_LETTER[cell.letter].title}, {cell.name[2:]}")
        results[cell] = await endpoints.measure(cell, seconds)
        progress.advance(task)
    progress.update(task, cell="")
    return results


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:>8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[cell]}"),
        console=console,
    )


async def _durability(running: dict[str, Running]) -> dict[str, str]:
    connection = next(iter(running.values())).database.connection
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes")
    return {name: await connection.fetchval(f"SHOW {name}") for name in names}


def _chosen(options: argparse.Namespace) -> list[Cell]:
    cells = QUICK_CELLS if options.quick and not options.cells else FULL_CELLS
    if options.only:
        cells = [cell for cell in cells if cell.letter in options.only.split(",")]
    if options.cells:
        cells = [cell for cell in cells if cell.name[2:] in options.cells.split(",")]
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer cells, two rounds, 90 seconds")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each measurement")
    parser.add_argument("--minutes", type=float, help="no new round that would exceed them")
    parser.add_argument("--only", help="contestants by letter, such as a,b,c")
    parser.add_argument("--cells", help="cells such as '1000x8,1x64,1000x8 bad'")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    results = asyncio.run(
        run(
            _chosen(options),
            rounds=options.rounds or (2 if options.quick else 5),
            seconds=options.seconds or (0.8 if options.quick else 1.2),
            minutes=options.minutes or (1.5 if options.quick else 24),
            seed=options.seed,
        )
    )
    show(report.sheets(results))
    whole = not (options.quick or options.only or options.cells)
    print(f"saved to {save('endpoints', results, whole=whole)}")


if __name__ == "__main__":
    main()
