"""What batches share under load: transactions of PostgreSQL, round trips of Redis, jobs of arq.

    python -m benchmarks.sharing [--quick]

Counted by the servers themselves, for batches of one item from 1, 8 and 64 clients. Results go to
benchmarks/results/sharing.json and docs/benchmarks.md.
"""

import argparse
import asyncio
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
# Whoever writes has a number of its own.
_WRITERS = "SELECT pg_current_xact_id()::text::bigint"
_SCRIPT, _PUBLISH, _ENQUEUE = "cmdstat_evalsha", "cmdstat_publish", "cmdstat_zadd"


async def measure(*, seconds: float) -> dict[str, Any]:
    """Counts of each number of clients."""
    console = Console(stderr=True)
    found: dict[str, Any] = {}
    with run_servers() as servers:
        async with serve(servers) as session:
            for clients in CLIENTS:
                console.print(f"sharing: {clients} clients")
                await session.run(session.load(1, clients, 10**6, stream=True), _WARM_UP)
                found[str(clients)] = await _count(servers, session, clients, seconds)
    return {"machine": describe(), "clients": found}


async def _count(
    servers: Servers, session: Session, clients: int, seconds: float
) -> dict[str, Any]:
    load = session.load(1, clients, 10**6, stream=True)
    async with Redis.from_url(servers.valkey.url) as redis:
        before = await _counters(session, redis)
        measured = await session.run(load, seconds)
        after = await _counters(session, redis)
    if measured.void:
        raise RuntimeError(f"rows are missing: {measured.rows}, {measured.sent.errors}")
    counts = {name: after[name] - before[name] for name in after}
    return {"batches": measured.sent.requests, **counts}


async def _counters(session: Session, redis: Any) -> dict[str, int]:
    used = await redis.info("commandstats")
    calls = {name: used.get(name, {"calls": 0})["calls"] for name in (_SCRIPT, _PUBLISH, _ENQUEUE)}
    # Each job that a script enqueues is published by it, too: that is no round trip.
    trips = calls[_SCRIPT] + calls[_PUBLISH] - calls[_ENQUEUE]
    writers = await session.database.connection.fetchval(_WRITERS)
    return {"transactions": writers, "roundTrips": trips, "jobs": calls[_ENQUEUE]}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="half a second each")
    quick = parser.parse_args().quick
    results = asyncio.run(measure(seconds=0.5 if quick else 3.0))
    show(report.sheets(results))
    print(f"saved to {save('sharing', results, whole=not quick)}")


if __name__ == "__main__":
    main()
