"""What batches share under load: transactions of PostgreSQL, round trips of Redis, jobs of arq.

    python -m benchmarks.sharing [--quick]

Counted by the servers themselves, for batches of one item from 1, 8 and 64 clients, without
idempotency keys and with a key of its own for each. Results go to benchmarks/results/sharing.json.
"""

import argparse
import asyncio
import time
from typing import Any

from redis.asyncio import Redis
from rich.console import Console

from benchmarks.machine import describe
from benchmarks.reports import sharing as report
from benchmarks.reports.sheet import show
from benchmarks.results import save
from benchmarks.session import Session, serve
from benchmarks.stack import Servers, run_servers

CLIENTS = (1, 8, 64)
_WARM_UP = 0.5  # seconds
# A transaction that writes has a number of its own.
_WRITERS = "SELECT pg_current_xact_id()::text::bigint"
_ENQUEUE = "cmdstat_zadd"


async def measure(*, seconds: float) -> dict[str, Any]:
    """Counts of each number of clients, without keys and with them."""
    console = Console(stderr=True)
    began = time.monotonic()
    found: dict[str, dict[str, Any]] = {"without keys": {}, "with keys": {}}
    with run_servers() as servers:
        async with serve(servers) as session:
            for name, counts in found.items():
                for clients in CLIENTS:
                    console.print(f"sharing: {clients} clients, {name}")
                    await session.run(session.load(1, clients, 10**6, stream=True), _WARM_UP)
                    keys = name == "with keys"
                    counts[str(clients)] = await _count(
                        servers, session, clients, seconds, keys=keys
                    )
    minutes = round((time.monotonic() - began) / 60, 1)
    return {"machine": describe(), "minutes": minutes, "counts": found}


async def _count(
    servers: Servers, session: Session, clients: int, seconds: float, *, keys: bool
) -> dict[str, Any]:
    load = session.load(1, clients, 10**6, stream=True, keys=keys)
    async with Redis.from_url(servers.valkey.url) as redis:
        before = await _counters(session, redis)
        measured = await session.run(load, seconds)
        after = await _counters(session, redis)
    if measured.void:
        raise RuntimeError(f"rows are missing: {measured.rows}, {measured.sent.errors}")
    counts = {name: after[name] - before[name] for name in after}
    return {"batches": measured.sent.requests, **counts}


async def _counters(session: Session, redis: Any) -> dict[str, int]:
    # All reads of API and worker, arq's bookkeeping included: a script or a pipeline is one read.
    # This connection adds a handful.
    trips = (await redis.info("stats"))["total_reads_processed"]
    used = await redis.info("commandstats")
    writers = await session.database.connection.fetchval(_WRITERS)
    jobs = used.get(_ENQUEUE, {"calls": 0})["calls"]
    return {"transactions": writers, "redisReads": trips, "jobs": jobs}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="half a second each")
    quick = parser.parse_args().quick
    results = asyncio.run(measure(seconds=0.5 if quick else 3.0))
    show(report.sheets(results))
    print(f"saved to {save('sharing', results, whole=not quick)}")


if __name__ == "__main__":
    main()
