"""Where the time goes, 1,000 items × 8 clients: in the API, in the worker, in PostgreSQL.

    python -m benchmarks.profile [--size N] [--clients N] [--seconds N]

The processes run under cProfile, which makes calls of Python dearer than they are, and what happens
in C look cheap beside them: read the order, not the figures. What PostgreSQL does is sampled.
"""

import argparse
import asyncio
import os
import pstats
import signal
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.reports.sheet import Sheet, number, show
from benchmarks.session import sampling, serve
from benchmarks.stack import run_servers

_LINES = 25
_WARM_UP = 1.0  # seconds
_EVERY = 0.02  # seconds between samples
_ACTIVE = """
SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 90) AS query,
       coalesce(wait_event_type || ' ' || wait_event, 'running') AS doing
FROM pg_stat_activity
WHERE state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


async def measure(size: int, clients: int, seconds: float, folder: Path) -> list[Sheet]:
    """A table for each process, and one for PostgreSQL."""
    with run_servers() as servers:
        async with serve(servers, profiles=folder) as session:
            connection = session.database.connection

            async def sample() -> dict[str, Any]:
                return {"active": [tuple(row) for row in await connection.fetch(_ACTIVE)]}

            await session.run(session.load(size, clients, 10**9, stream=True), _WARM_UP)
            for pid in (*session.service.api, *session.service.workers):
                os.kill(pid, signal.SIGUSR1)
            await session.generator.prepare(session.load(size, clients, 10**9, stream=True))
            async with sampling(sample, _EVERY) as samples:
                sent = await session.generator.run(seconds)
    found = Counter(each for one in samples for each in one["active"])
    title = f"{sent.items / sent.seconds:,.0f} items/s under the profiler; "
    profiles = [_process(folder / name, sent.items) for name in ("api-0", "worker-0")]
    return [*profiles, _postgres(title, found, len(samples))]


def _process(path: Path, items: int) -> Sheet:
    entries: dict[Any, Any] = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]  # not in its stub
    rows = []
    order = sorted(entries.items(), key=lambda entry: -entry[1][2])
    for (file, line, name), (_, calls, own, whole, _) in order[:_LINES]:
        where = name if file == "~" else f"{'/'.join(Path(file).parts[-2:])}:{line} {name}"
        cells = (number(each * 1e6 / items, 2) for each in (own, whole))
        rows.append((where, *cells, number(calls / items, 3)))
    columns = ("function", "own µs an item", "with what it calls", "calls an item")
    return Sheet(path.name, columns, rows)


def _postgres(title: str, found: Counter[tuple[str, str]], samples: int) -> Sheet:
    rows = [
        (query, doing, number(count / samples, 2))
        for (query, doing), count in found.most_common(20)
    ]
    return Sheet(f"{title}what PostgreSQL does", ("statement", "state", "backends"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, default=1_000, help="items a request")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ingest-profile-") as folder:
        show(asyncio.run(measure(options.size, options.clients, options.seconds, Path(folder))))


if __name__ == "__main__":
    main()
