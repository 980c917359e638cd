"""What one long request costs: rows in one stream of NDJSON or CSV, against batches of JSON.

    python -m benchmarks.streams [--quick]

Each round sends the same number of people in each form, in another order, from a file or from
bodies that are made before: rows a second until all of them are committed, as a ratio to the
batches of JSON in the same round, and by how much the memory of the API process and of the worker
grew at most. Results go to benchmarks/results/streams.json and
docs/formats.md.
"""

import argparse
import asyncio
import gzip
import random
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import psutil
from rich.console import Console

from benchmarks.bodies import body_of
from benchmarks.machine import describe
from benchmarks.reports import streams as report
from benchmarks.reports.sheet import show
from benchmarks.results import save
from benchmarks.samples import PEOPLE, SAMPLES
from benchmarks.session import Session, serve
from benchmarks.stack import run_servers
from benchmarks.usage import Meter
from ingest.formats.negotiation import CSV, NDJSON

BATCH, CLIENTS = 10_000, 4
"""Items of a batch of JSON, and how many are in flight at a time."""
_PIECE = 256 * 1024
_TIMEOUT = 600.0  # seconds for anything
_EVERY = 0.02  # seconds between two looks at a batch
_MIB = 2**20


class Form(NamedTuple):
    """A form of a stream."""

    media_type: str
    compressed: bool = False


JSON = f"JSON, {BATCH:,} a batch"
STREAMS = {"NDJSON": Form(NDJSON), "NDJSON, gzip": Form(NDJSON, True), "CSV": Form(CSV)}


async def measure(*, rows: int, rounds: int) -> dict[str, Any]:
    """All forms in some rounds."""
    console = Console(stderr=True)
    began = time.monotonic()
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    rng = random.Random(0)
    async with run_servers() as servers, serve(servers) as session:
        await _batches(session, "warm", rows // 10)
        for turn in range(rounds):
            for name in rng.sample([JSON, *STREAMS], len(STREAMS) + 1):
                console.print(f"streams: round {turn + 1}, {name}")
                await session.empty()
                found[name].append(await _one(session, servers.folder, name, f"s{turn}", rows))
    return {
        "machine": describe(),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "rounds": rounds,
        "rows": rows,
        "measured": {
            name: {
                figure: _median(each[figure] for each in found[name]) for figure in found[name][0]
            }
            for name in (JSON, *STREAMS)
        },
        "ofJson": {
            name: _median(
                ours["rows/s"] / json["rows/s"]
                for ours, json in zip(found[name], found[JSON], strict=True)
            )
            for name in STREAMS
        },
    }


def _median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 3)


async def _one(
    session: Session, folder: Path, name: str, serial: str, rows: int
) -> dict[str, float]:
    """One form once: rows a second, and by how many MiB each part grew."""
    parts = session.service.parts
    idle = {part: psutil.Process(pids[0]).memory_info().rss for part, pids in parts.items()}
    meter = Meter(parts)
    if name == JSON:
        took = await _batches(session, serial, rows)
    else:
        took = await _stream(session, folder / "body", STREAMS[name], serial, rows)
    peaks = meter.peaks()
    if (stored := await session.database.count()) != rows:
        raise RuntimeError(f"void: {stored:,} rows of {rows:,}")
    grown = {part: max(peaks[part] - idle[part], 0) / _MIB for part in parts}
    return {"seconds": took, "rows/s": rows / took, **grown}


async def _batches(session: Session, serial: str, rows: int) -> float:
    """Send rows as batches of JSON; the seconds until all are committed."""
    size = min(BATCH, rows)
    load = session.load(size, CLIENTS, rows // size, serial=serial)
    await session.generator.prepare(load)
    sent = await session.generator.run(_TIMEOUT)
    if sent.errors or sent.items != rows:
        raise RuntimeError(f"void: {sent.items:,} of {rows:,} items, {sent.errors}")
    return sent.seconds


async def _stream(session: Session, path: Path, form: Form, serial: str, rows: int) -> float:
    """Send rows as one request from a file; the seconds until all are committed."""
    _write(path, form, serial, rows)
    headers = {
        "Authorization": f"Bearer {session.service.tokens[0]}",
        "Content-Type": form.media_type,
        "Prefer": "respond-async, return=minimal",
    }
    if form.compressed:
        headers["Content-Encoding"] = "gzip"
    url = f"http://127.0.0.1:{session.service.port}"
    timeout = aiohttp.ClientTimeout(_TIMEOUT)
    async with aiohttp.ClientSession(url, headers=headers, timeout=timeout) as client:
        started = time.perf_counter()
        async with client.post(f"/v1/{PEOPLE}", data=_pieces(path)) as response:
            if response.status != 202:
                raise RuntimeError(f"void: {response.status}: {await response.text()}")
        await _committed(session)
        return time.perf_counter() - started


def _write(path: Path, form: Form, serial: str, rows: int) -> None:
    body = body_of(form.media_type, SAMPLES[PEOPLE].items(serial, range(rows)))
    path.write_bytes(gzip.compress(body, 1) if form.compressed else body)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


async def _committed(session: Session) -> None:
    """Wait until the one batch that there is is committed."""
    while True:
        state = await session.database.connection.fetchval("SELECT state FROM ingest.batches")
        if state == "committed":
            return
        if state != "accepted":
            raise RuntimeError(f"void: the batch is {state}")
        await asyncio.sleep(_EVERY)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round of fewer rows")
    quick = parser.parse_args().quick
    rows, rounds = (50_000, 1) if quick else (200_000, 5)
    results = asyncio.run(measure(rows=rows, rounds=rounds))
    show(report.page(results))
    print(f"saved to {save('streams', results, whole=not quick)}")


if __name__ == "__main__":
    main()
