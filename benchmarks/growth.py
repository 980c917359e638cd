"""What grows with size, rows, clients and time, and what does not.

    python -m benchmarks.growth [--quick] [--only sizes,rows,memory,sustained]

- sizes: cost of an item in batches of 10², 10³ and 10⁴, from 8 and 64 clients, and from 64 clients
  that want the default answer, with all items;
- rows: cost of an item where 10³ to 10⁶ are stored (the batch is deleted again after each sample);
- memory: of an API process under 64 clients with 10,000 items each;
- sustained: the size of the staged payloads, and the rate, over many times their life.

Results go to benchmarks/results/growth.json and docs/benchmarks.md.
"""

import argparse
import asyncio
import statistics
import time
from dataclasses import dataclass
from typing import Any

import psutil
from rich.console import Console

from benchmarks.contestants import MAX_WAIT
from benchmarks.machine import describe
from benchmarks.reports import growth as report
from benchmarks.reports.sheet import show
from benchmarks.results import save
from benchmarks.samples import PEOPLE, SAMPLES
from benchmarks.session import Measured, Session, sampling, serve
from benchmarks.stack import Servers, run_servers
from ingest.settings import Settings

ITEMS = 1_000
FLAT = 1.5
"""The most by which a cost may differ from the least of its kind."""
_SIZES = (100, 1_000, 10_000)
_KINDS = (
    ("8 clients", 8, False),
    ("64 clients", 64, False),
    ("64 clients, default answer", 64, True),
)
"""Titles, clients, and whether they want the default answer."""
_FASTEST = 150_000  # items a second that bodies are prepared for
_NAPTIME = 5.0
"""Seconds between two runs of autovacuum: fewer than one in a payload's life; by default sixty."""
_console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    rounds: int
    seconds: float
    samples: int
    stored: tuple[int, ...]
    clients: int
    sustained: float
    payload_ttl: float


FULL = Scale(3, 2.0, 60, (1_000, 10_000, 100_000, 1_000_000), 64, 90.0, 3.0)
QUICK = Scale(1, 0.5, 5, (1_000, 10_000), 8, 24.0, 1.0)


async def sizes(servers: Servers, scale: Scale) -> dict[str, Any]:
    """Microseconds an item by items a batch, for each kind of client: clock and processors."""
    found: dict[str, dict[int, list[Measured]]] = {
        title: {size: [] for size in _SIZES} for title, *_ in _KINDS
    }
    async with serve(servers) as session:
        for _ in range(scale.rounds):
            for title, clients, full in _KINDS:
                for size, results in found[title].items():
                    await session.empty()
                    requests = max(clients, int(_FASTEST * scale.seconds / size))
                    prefer = f"{'' if full else 'return=minimal, '}wait={MAX_WAIT}"
                    load = session.load(size, clients, requests, prefer=prefer)
                    results.append(await session.run(load, scale.seconds))
    return {
        title: {str(size): _cost(results) for size, results in by_size.items()}
        for title, by_size in found.items()
    }


async def rows(servers: Servers, scale: Scale) -> dict[str, Any]:
    """Microseconds an item by rows that are stored: one client, batches of 1,000 items."""
    found: dict[str, Any] = {}
    stored = 0
    async with serve(servers) as session:
        for wanted in scale.stored:
            _console.print(f"growth: {wanted:,} stored rows")
            stored += await _fill(session, wanted - stored)
            found[str(wanted)] = await _at(session, scale)
    return found


async def _fill(session: Session, count: int) -> int:
    size = min(count, 10_000)
    measured = await session.run(session.load(size, min(8, count // size), count // size), 600)
    _complain(measured)
    await session.database.connection.execute("VACUUM (ANALYZE) collections.people")
    await session.database.checkpoint()
    return measured.sent.items


async def _at(session: Session, scale: Scale) -> dict[str, Any]:
    """Costs at the rows that are stored; each batch is deleted before the next comes."""
    stored = await session.database.count()
    saved, removed = [], []
    for sample in range(scale.samples):
        serial = f"r{stored}.{sample}"
        load = session.load(ITEMS, 1, 1, serial=serial)
        saved.append(await session.run(load, 60, counted=False))
        path = "/v1/people?matching=email"
        load = session.load(ITEMS, 1, 1, serial=serial, method="DELETE", path=path)
        removed.append(await session.run(load, 60, counted=False))
    if await session.database.count() != stored:
        raise RuntimeError(f"void: of {stored} rows there are some more or less")
    return {"create": _cost(saved), "delete": _cost(removed)}


def _cost(results: list[Measured]) -> dict[str, float]:
    """Microseconds an item: the median by the clock; the mean of processors, which tick slowly."""
    for measured in results:
        _complain(measured)
    cpu = sum(used for each in results for part, used in each.cpu.items() if part != "client")
    return {
        "clock": round(statistics.median(1e6 / each.items_per_second for each in results), 2),
        "cpu": round(1e6 * cpu / sum(each.sent.items for each in results), 2),
    }


def _complain(measured: Measured) -> None:
    if measured.void:
        raise RuntimeError(
            f"void: {measured.rows} rows of {measured.sent.items}, {measured.sent.errors}"
        )


async def memory(servers: Servers, scale: Scale) -> dict[str, Any]:
    """An API process's memory before, under and after 64 clients × 10,000 items; in bytes."""
    async with serve(servers) as session:
        process = psutil.Process(session.service.api[0])
        idle = process.memory_info().rss
        load = session.load(10_000, scale.clients, 2 * scale.clients)
        measured = await session.run(load, 600)
        _complain(measured)
        return {
            "clients": scale.clients,
            "bodies": scale.clients * len(",".join(SAMPLES[PEOPLE].items("memory", range(10_000)))),
            "idle": idle,
            "peak": measured.peaks["api"],
            "after": process.memory_info().rss,
            "bound": idle + scale.clients * Settings(database_url="", redis_url="").max_body,
            "workerPeak": measured.peaks["worker"],
            "refused": measured.sent.refused,
        }


async def sustained(servers: Servers, scale: Scale) -> dict[str, Any]:
    """The staged payloads and the rate over many times `INGEST_PAYLOAD_TTL`."""
    options = {"payload_ttl": str(scale.payload_ttl), "retention_interval": "0.5"}
    async with serve(servers, **options) as session:
        connection = session.database.connection

        async def sample() -> dict[str, Any]:
            row = await connection.fetchrow(
                """
                SELECT pg_total_relation_size('ingest.payloads') AS bytes,
                       count(*) AS payloads,
                       coalesce(sum(octet_length(records) + coalesce(octet_length(raw), 0)), 0)
                           ::bigint AS live,
                       pg_relation_size('ingest.batches_waiting') AS waiting
                FROM ingest.payloads
                """
            )
            return dict(row)

        load = session.load(ITEMS, 8, 10**9, stream=True)
        await session.generator.prepare(load)
        async with sampling(sample, 1.0) as samples:
            sent = await session.generator.run(scale.sustained)
        stored = await session.database.count()
    if sent.errors or stored != sent.items:
        raise RuntimeError(f"void: {stored} rows of {sent.items}, {sent.errors}")
    return {
        "payloadTtl": scale.payload_ttl,
        "naptime": _NAPTIME,
        "seconds": sent.seconds,
        "items": sent.items,
        "samples": samples,
        "itemsPerSecond": [
            {"second": each["second"], "items": ITEMS * each["statuses"].get("201", 0)}
            for each in sent.timeline
        ],
    }


PARTS = {"sizes": sizes, "rows": rows, "memory": memory, "sustained": sustained}


async def measure(names: list[str], scale: Scale) -> dict[str, Any]:
    """The named parts, each on servers of its own."""
    results: dict[str, Any] = {}
    began = time.monotonic()
    for name in names:
        _console.print(f"growth: {name}")
        settings = {"autovacuum_naptime": f"{_NAPTIME:g}s"} if name == "sustained" else {}
        async with run_servers(**settings) as servers:
            results[name] = await PARTS[name](servers, scale)
    minutes = round((time.monotonic() - began) / 60, 1)
    return {
        "machine": describe(),
        "minutes": minutes,
        "rounds": scale.rounds,
        "flat": FLAT,
        **results,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a small form, to see that it works")
    parser.add_argument("--only", help="parts, such as sizes,rows")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(PARTS)
    results = asyncio.run(measure(names, QUICK if options.quick else FULL))
    show(report.sheets(results))
    whole = not (options.quick or options.only)
    print(f"saved to {save('growth', results, whole=whole)}")


if __name__ == "__main__":
    main()
