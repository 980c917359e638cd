"""Three times the load that can be committed: what is accepted, what is refused, how it recovers.

    python -m benchmarks.backpressure [--quick] [--times N] [--backlog ITEMS]

First the sustainable rate is measured: so many clients that wait for their commits that there is
always a full group to commit. Then requests come at a multiple of it whatever the answers are, with
`respond-async`, and what is refused (503) is not sent again. Then nothing comes until the backlog
is empty, and then the sustainable rate again. Every item that was accepted must be stored at the
end, and what was offered must be three times the sustainable rate, or the run is void.

The clients share the processors with the service, so the commits must be the limit for three times
the sustainable rate to be offered at all: a trigger makes each take a fixed time longer, as a slow
disk would. Results go to benchmarks/results/backpressure.json and docs/benchmarks.md.
"""

import argparse
import asyncio
import time
from typing import Any

from rich.console import Console

from benchmarks.machine import describe
from benchmarks.reports import backpressure as report
from benchmarks.reports.sheet import show
from benchmarks.results import save
from benchmarks.session import Session, sampling, serve
from benchmarks.stack import run_servers

SIZE = 500
CLIENTS, PRESSING_CLIENTS = 64, 256
TIMES = 3.0
"""The least that must be offered, in multiples of the sustainable rate."""
_AIM = 1.15  # times that: the rate after the pressure may be higher than the one before it
_STALL = 0.2  # seconds that each commit takes longer
_SLOW_COMMITS = f"""
CREATE FUNCTION collections.stall() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep({_STALL}); RETURN NULL; END $$;
CREATE TRIGGER stall AFTER INSERT ON collections.people
    FOR EACH STATEMENT EXECUTE FUNCTION collections.stall()
"""
_FASTEST = 80_000  # items a second that bodies are prepared for
_RECOVERY = 300.0  # seconds after which a backlog counts as stuck
_BACKLOG = """
SELECT count(*) AS batches, coalesce(sum(received), 0)::bigint AS items
FROM ingest.batches WHERE state = 'accepted'
"""
_COMMITS = """
SELECT floor(extract(epoch FROM finished_at - $1))::integer AS second,
       sum(created)::bigint AS items
FROM ingest.batches WHERE state = 'committed' GROUP BY 1 ORDER BY 1
"""
_LATENCIES = """
SELECT floor(extract(epoch FROM accepted_at - $1))::integer AS second,
       max(extract(epoch FROM finished_at - created_at))::float8 AS max
FROM ingest.batches WHERE state = 'committed' GROUP BY 1 ORDER BY 1
"""


async def measure(*, seconds: float, pressing: float, times: float, backlog: int) -> dict[str, Any]:
    """The whole run on one service whose backlog is limited to `backlog` items."""
    console = Console(stderr=True)
    began = time.monotonic()
    async with (
        run_servers() as servers,
        serve(servers, max_backlog_items=str(backlog)) as session,
    ):
        await session.database.connection.execute(_SLOW_COMMITS)
        await _sustainable(session, 1.0)
        before = await _sustainable(session, seconds)
        console.print(f"backpressure: {before:,.0f} items/s are sustainable")
        pressed = await _press(session, pressing, _AIM * times * before)
        console.print(f"backpressure: recovered after {pressed['recovery']:.1f} s")
        after = await _sustainable(session, seconds)
    return {
        "machine": describe(),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "stallSeconds": _STALL,
        "clients": PRESSING_CLIENTS,
        "backlogLimit": backlog,
        "times": times,
        "sustainable": round(before),
        "sustainableAfter": round(after),
        **pressed,
    }


async def _sustainable(session: Session, seconds: float) -> float:
    """Items a second of clients that wait for their commits."""
    await session.empty()
    load = session.load(SIZE, CLIENTS, int(_FASTEST * seconds / SIZE))
    measured = await session.run(load, seconds)
    if measured.void:
        raise RuntimeError(f"rows are missing: {measured.rows}, {measured.sent.errors}")
    return measured.items_per_second


async def _press(session: Session, seconds: float, rate: float) -> dict[str, Any]:
    await session.empty()
    connection = session.database.connection

    async def sample() -> dict[str, Any]:
        return dict(await connection.fetchrow(_BACKLOG))

    load = session.load(
        SIZE,
        PRESSING_CLIENTS,
        int(rate * seconds / SIZE),
        prefer="respond-async, return=minimal",
        per_second=rate / SIZE,
        patient=False,
    )
    await session.generator.prepare(load)
    began = await connection.fetchval("SELECT clock_timestamp()")
    async with sampling(sample, 0.25) as samples:
        sent = await session.generator.run(seconds)
        recovery = await _recovery(samples)
    return {
        "seconds": sent.seconds,
        "wanted": round(rate),
        "offered": round(SIZE * sent.requests / sent.seconds),
        "offeredTimeline": _offered(sent.timeline),
        "samples": samples,
        "commits": [dict(row) for row in await connection.fetch(_COMMITS, began)],
        "latencies": [dict(row) for row in await connection.fetch(_LATENCIES, began)],
        "requests": sent.requests,
        "refused": sent.refused,
        "retryAfter": sent.retry_after,
        "accepted": sent.items,
        "stored": await session.database.count(),
        "errors": sent.errors,
        "recovery": recovery,
    }


async def _recovery(samples: list[dict[str, Any]]) -> float:
    """Seconds until a sample that is taken from now on finds no backlog."""
    stopped, known = time.monotonic(), len(samples)
    while len(samples) == known or samples[-1]["batches"]:
        if time.monotonic() - stopped > _RECOVERY:
            raise RuntimeError(f"after {_RECOVERY:.0f} s there is still a backlog")
        await asyncio.sleep(0.05)
    return time.monotonic() - stopped


def _offered(timeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items accepted and refused in each second."""
    return [
        {
            "second": each["second"],
            "accepted": SIZE * (each["statuses"].get("202", 0) + each["statuses"].get("201", 0)),
            "refused": SIZE * each["statuses"].get("503", 0),
        }
        for each in timeline
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a small form, to see that it works")
    parser.add_argument("--times", type=float, default=TIMES, help="of the sustainable rate")
    parser.add_argument("--backlog", type=int, default=100_000, help="the limit, in items")
    options = parser.parse_args()
    results = asyncio.run(
        measure(
            seconds=1.0 if options.quick else 4.0,
            pressing=4.0 if options.quick else 20.0,
            times=options.times,
            backlog=options.backlog,
        )
    )
    show(report.page(results))
    print(f"saved to {save('backpressure', results, whole=not options.quick)}")


if __name__ == "__main__":
    main()
