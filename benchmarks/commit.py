"""What a commit costs: by the rows that are stored, by the size of the batch.

    python -m benchmarks.commit [--quick]

Starts a PostgreSQL of its own with fsync on, commits as a worker does, and writes
benchmarks/results/commit.json. Every number is the median of several commits.
"""

import argparse
import asyncio
import json
import platform
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from benchmarks.reports.sheet import Sheet, show
from benchmarks.results import save
from benchmarks.samples.people import SAMPLE, people
from ingest.ids import uuid7
from ingest.model import Action, BatchState, NewBatch, Options, Resolution
from ingest.processes.postgres import EmbeddedPostgres
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store import batches, staging
from ingest.store.commit import apply_batch
from ingest.store.pool import Pool, open_pool
from ingest.validation.intake import Intake
from ingest.validation.items import ItemValidator
from migrations.run import migrate

ACCOUNT = "acme"
REGISTRY = Registry([people])
MAX_VALUES = 100_000  # as the service has it
ITEMS = 1_000
STORED = (1_000, 100_000, 1_000_000)
BATCHES = (1, 100, 1_000, 10_000)
MERGE = Options(resolution=Resolution.MERGE)
_STEP = 7_919  # prime: spreads the items of a batch over everything that is stored

_FILL = """
INSERT INTO collections.people
    ("$account", "$batch", "$version", "$created_at", "$updated_at",
     id, email, first_name, last_name, age, status, tags, created_at, score)
SELECT $1, gen_random_uuid(), 1, now(), now(),
       ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       'p' || n || '@example.com', 'P' || n, 'Person', 1, 'lead', '["one","two"]', now(), 1.25
FROM {numbers} n
"""
_FILL_UP = _FILL.format(numbers="generate_series($2::integer, $3::integer)")
_PUT_BACK = _FILL.format(numbers="unnest($2::integer[])")
_UNDO = """
DELETE FROM collections.people WHERE "$batch" = '{batch}' AND email LIKE 'new%';
UPDATE collections.people SET first_name = 'P', age = 1 WHERE "$batch" = '{batch}'
"""
_COUNT = """
INSERT INTO ingest.counters VALUES ($1, 'people', $2)
ON CONFLICT (account, collection) DO UPDATE SET items = $2
"""
_FLOOR_TABLE = """
CREATE TABLE public.floor (account text, id uuid, email text, first_name text, last_name text,
    age bigint, status text, tags jsonb, created_at timestamptz, score double precision,
    PRIMARY KEY (account, id), UNIQUE (account, email))
"""
_FLOOR = """
INSERT INTO public.floor
SELECT $2, r.* FROM ingest.payloads p
CROSS JOIN LATERAL json_to_recordset(convert_from(p.records, 'UTF8')::json)
    AS r(id uuid, email text, first_name text, last_name text, age bigint, status text,
         tags jsonb, created_at timestamptz, score double precision)
WHERE p.batch = $1
"""

Item = dict[str, Any]


class Kind(NamedTuple):
    """A kind of batch; `item` makes the item of a number where so many rows are stored."""

    action: Action
    options: Options
    item: Callable[[int, int], Item]


def _key(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012x}"


def _person(number: int, **values: Any) -> Item:
    (text,) = SAMPLE.items("commit", range(number, number + 1))
    return {**json.loads(text), **values}


def _place(number: int, stored: int) -> int:
    return number * _STEP % stored + 1


def _new(number: int, stored: int) -> Item:
    return _person(number, email=f"new{number}@example.com")


def _changed(number: int, stored: int) -> Item:
    place = _place(number, stored)
    return _person(number, id=_key(place), email=f"p{place}@example.com")


def _half(number: int, stored: int) -> Item:
    return _changed(number, stored) if number % 2 else _new(number, stored)


def _only(*names: str) -> Callable[[int, int], Item]:
    return lambda number, stored: {name: _changed(number, stored)[name] for name in names}


KINDS = {
    "create": Kind(Action.CREATE, Options(), _new),
    "upsert, half new": Kind(Action.CREATE, MERGE, _half),
    "PATCH": Kind(Action.UPDATE, Options(), _only("id", "first_name")),
    "PATCH by email": Kind(Action.UPDATE, Options(matching="email"), _only("email", "age")),
    "DELETE": Kind(Action.DELETE, Options(), _only("id")),
}


class Bench:
    """A database with some people, and batches to commit into it."""

    def __init__(self, superuser: Any, pool: Pool, repeats: int) -> None:
        self.superuser = superuser
        self.pool = pool
        self.repeats = repeats
        self.stored = 0
        self._next = 0

    async def fill(self, rows: int) -> None:
        if rows > self.stored:
            await self.superuser.execute(_FILL_UP, ACCOUNT, self.stored + 1, rows)
            self.stored = rows
        await self.superuser.execute(_COUNT, ACCOUNT, rows)
        await self.superuser.execute("VACUUM (ANALYZE) collections.people")
        await self.superuser.execute("CHECKPOINT")

    async def stage(self, kind: Kind, count: int) -> NewBatch:
        """An accepted batch of `count` items that no batch before it had."""
        intake = Intake(
            ItemValidator(people, kind.action, kind.options), kind.options, max_values=MAX_VALUES
        )
        items = [kind.item(self._next + number, self.stored) for number in range(count)]
        taken = 0
        while taken < count:
            taken += intake.take(items, taken)
        self._next += count
        batch = NewBatch(
            id=uuid7(),
            account=ACCOUNT,
            collection="people",
            action=kind.action,
            options=kind.options,
            trace_id="",
            chunk=intake.cut(last=True),
            state=BatchState.ACCEPTED,
            layout=people.fingerprint,
        )
        (error,) = await staging.save(self.pool, ACCOUNT, [batch])
        if error is not None:
            raise error
        return batch

    async def commit(self, batch: NewBatch) -> float:
        """Seconds of one commit, until PostgreSQL says that it is durable."""
        started = time.perf_counter()
        async with self.pool.transaction(ACCOUNT) as connection:
            await apply_batch(connection, REGISTRY, ACCOUNT, batch.id)
        seconds = time.perf_counter() - started
        found = await batches.get(self.pool, ACCOUNT, batch.id)
        if found is None or found.state != "committed":
            raise RuntimeError(f"not committed: {found}")
        return seconds

    async def by_stored_rows(self, kind: Kind) -> float:
        """Seconds of a commit of 1,000 items; the rows are afterwards as they were."""
        times = []
        for _ in range(self.repeats + 1):
            first = self._next
            batch = await self.stage(kind, ITEMS)
            times.append(await self.commit(batch))
            await self.superuser.execute(_UNDO.format(batch=batch.id))
            if kind.action is Action.DELETE:
                gone = [_place(number, self.stored) for number in range(first, first + ITEMS)]
                await self.superuser.execute(_PUT_BACK, ACCOUNT, gone)
            await self.superuser.execute(_COUNT, ACCOUNT, self.stored)
            await self.superuser.execute("VACUUM collections.people")
        return statistics.median(times[1:])

    async def by_batch_size(self, kind: Kind, size: int) -> float:
        """Items a second of one (account, collection), one commit after the other, all kept."""
        count = max(3, min(100, 20_000 // size)) if self.repeats > 1 else 3
        staged = [await self.stage(kind, size) for _ in range(count)]
        await self.commit(staged.pop())
        return size * len(staged) / sum([await self.commit(batch) for batch in staged])

    async def floor(self, count: int) -> float:
        """Seconds to insert staged items into a plain table with the same two indexes."""
        times = []
        for _ in range(self.repeats + 1):
            batch = await self.stage(KINDS["create"], count)
            started = time.perf_counter()
            await self.superuser.execute(_FLOOR, batch.id, ACCOUNT)
            times.append(time.perf_counter() - started)
        return statistics.median(times[1:])


@asynccontextmanager
async def _bench(repeats: int) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ingest-bench-")))
        server = await stack.enter_async_context(
            EmbeddedPostgres(folder / "postgres", {"max_wal_size": "4GB"})
        )
        await asyncio.to_thread(migrate, server.url, REGISTRY)
        settings = Settings(database_url=server.url, redis_url="redis://unused")
        superuser = await asyncpg.connect(server.url)
        stack.push_async_callback(superuser.close)
        pool = await stack.enter_async_context(open_pool(settings, statement_timeout=600))
        await superuser.execute(_FLOOR_TABLE)
        yield Bench(superuser, pool, repeats)


async def measure(*, quick: bool) -> dict[str, Any]:
    """All figures: milliseconds by stored rows, items a second by batch size, the floor."""
    milliseconds: dict[str, dict[str, float]] = {name: {} for name in KINDS}
    async with _bench(1 if quick else 5) as bench:
        floor = await bench.floor(ITEMS)
        for rows in STORED[:2] if quick else STORED:
            await bench.fill(rows)
            for name, kind in KINDS.items():
                milliseconds[name][str(rows)] = round(1000 * await bench.by_stored_rows(kind), 2)
        rates = {
            name: {
                str(size): round(await bench.by_batch_size(KINDS[name], size)) for size in BATCHES
            }
            for name in ("create", "upsert, half new", "PATCH")
        }
        version = await bench.superuser.fetchval("SHOW server_version")
    return {
        "what": f"commit of {ITEMS} people, ms, by stored rows; items/s, by batch size",
        "python": platform.python_version(),
        "postgresql": version,
        "fsync": "on",
        "commitMilliseconds": milliseconds,
        "floorMilliseconds": round(1000 * floor, 2),
        "itemsPerSecond": rates,
    }


def sheets(figures: dict[str, Any]) -> list[Sheet]:
    """One by stored rows, one by the size of batches."""
    floor, by_rows = figures["floorMilliseconds"], figures["commitMilliseconds"]
    stored = [f"{int(rows):,} stored" for rows in next(iter(by_rows.values()))]
    rows = []
    for name, times in by_rows.items():
        values = list(times.values())
        cells = [f"{value:.1f} ({value / floor:.1f}x)" for value in values]
        rows.append((name, *cells, f"{values[-1] / values[0]:.2f}"))
    title = f"Commit of {ITEMS:,} items, ms (times the floor of {floor} ms)"
    rates = [
        (name, *(f"{rate:,}" for rate in by_size.values()))
        for name, by_size in figures["itemsPerSecond"].items()
    ]
    sizes = [f"of {size:,}" for size in BATCHES]
    return [
        Sheet(title, ("batch", *stored, "largest / smallest"), rows),
        Sheet("Most of one account and collection, items/s", ("batch", *sizes), rates),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows and repeats")
    quick = parser.parse_args().quick
    figures = asyncio.run(measure(quick=quick))
    show(sheets(figures))
    print(f"saved to {save('commit', figures, whole=not quick)}")


if __name__ == "__main__":
    main()
