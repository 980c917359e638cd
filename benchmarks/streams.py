"""What one long request costs: rows in one stream of NDJSON or CSV, against batches of JSON.

    python -m benchmarks.streams [--quick]

Starts `ingest dev` with fsync on, sends files of contacts as a client would, and writes
benchmarks/results/streams.json: rows a second until all of them are committed, and by how much
the memory of the API process and of the worker grew above what they have when idle.
"""

import argparse
import asyncio
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results" / "streams.json"
ROWS, QUICK = 1_000_000, 100_000
JSON_ITEMS = 10_000
AT_ONCE = 4
"""Batches of JSON that are in flight at a time."""
TIMEOUT = 600.0  # seconds for anything
_SAMPLE = 0.05  # seconds between two looks at the memory
_PIECE = 256 * 1024
_MIB = 1024 * 1024


def contact(run: str, number: int) -> dict[str, Any]:
    """About 230 bytes of NDJSON."""
    return {
        "email": f"{run}.{number}@customers.example.com",
        "first_name": f"First name {number % 997}",
        "last_name": f"Last name of a member of a large family, branch {number % 1_009}",
        "age": number % 120,
        "tags": ["imported", f"region-{number % 17}", "newsletter", "accepted-terms-of-2026"],
    }


def ndjson(path: Path, rows: int) -> None:
    with path.open("wb") as file:
        for number in range(rows):
            file.write(
                json.dumps(contact("ndjson", number), separators=(",", ":")).encode() + b"\n"
            )


def compressed(path: Path, rows: int) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        for number in range(rows):
            file.write(json.dumps(contact("gzip", number), separators=(",", ":")).encode() + b"\n")


def table(path: Path, rows: int) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["email", "first_name", "last_name", "age", "tags.0", "tags.1", "tags.2"])
        for number in range(rows):
            item = contact("csv", number)
            names = (item["email"], item["first_name"], item["last_name"], item["age"])
            writer.writerow([*names, *item["tags"][:3]])


class Service:
    """A running `ingest dev` of one API process and one worker."""

    def __init__(self, folder: Path) -> None:
        ready = folder / "ready.json"
        environment = {name: value for name, value in os.environ.items() if "INGEST_" not in name}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "ingest", "dev", "--port", "0"),
                *("--data-dir", str(folder / "data"), "--ready-file", str(ready)),
            ],
            cwd=folder,
            env={**environment, "INGEST_LOG_LEVEL": "WARNING"},
            stdout=subprocess.DEVNULL,
            stderr=(folder / "errors").open("wb"),
        )
        while not ready.exists():
            if self.process.poll() is not None:
                raise RuntimeError((folder / "errors").read_text())
            time.sleep(_SAMPLE)  # another process: there is nothing to wait on
        shown = json.loads(ready.read_text())
        self.url, self.token = shown["url"], shown["token"]
        self.parts = {part: psutil.Process(shown["pids"][part][0]) for part in ("api", "worker")}

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)

    @contextmanager
    def watched(self) -> Iterator[dict[str, float]]:
        """By how many MiB each part grew at most above what it had at the beginning."""
        idle = {name: part.memory_info().rss for name, part in self.parts.items()}
        peak = dict(idle)
        grown: dict[str, float] = {}
        stop = threading.Event()

        def watch() -> None:
            while not stop.wait(_SAMPLE):
                for name, part in self.parts.items():
                    peak[name] = max(peak[name], part.memory_info().rss)

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield grown
        finally:
            stop.set()
            watching.join()
            grown |= {name: round((peak[name] - idle[name]) / _MIB, 1) for name in idle}


async def send_stream(
    session: aiohttp.ClientSession, path: Path, rows: int, headers: dict[str, str]
) -> float:
    """Send a file as one request, and wait for its commit; the seconds until its 202."""

    async def pieces() -> Any:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    started = time.perf_counter()
    headers = {**headers, "Prefer": "respond-async, return=minimal"}
    async with session.post("/v1/contacts", data=pieces(), headers=headers) as response:
        assert response.status == 202, await response.text()
        location = response.headers["Location"]
    staged = time.perf_counter() - started
    while True:
        async with session.get(location) as response:
            batch = (await response.json())["data"]
        del batch["metadata"]  # two lists of all indices
        if batch["state"] == "committed":
            break
        assert batch["state"] == "accepted", batch
        await asyncio.sleep(_SAMPLE)
    assert batch["response"]["body"]["metadata"]["created"] == rows, batch
    return staged


async def send_batches(session: aiohttp.ClientSession, rows: int) -> None:
    """Send the rows as JSON, ten thousand in a batch, and wait for each batch's commit."""
    starts = iter(range(0, rows, JSON_ITEMS))
    headers = {"Prefer": "return=minimal, wait=60"}

    async def send() -> None:
        for start in starts:
            body = json.dumps(
                [contact("json", number) for number in range(start, start + JSON_ITEMS)]
            )
            async with session.post(
                "/v1/contacts",
                data=aiohttp.StringPayload(body, content_type="application/json"),
                headers=headers,
            ) as response:
                assert response.status == 201, await response.text()

    await asyncio.gather(*(send() for _ in range(AT_ONCE)))


async def measure(service: Service, folder: Path, rows: int) -> dict[str, dict[str, float]]:
    session = aiohttp.ClientSession(
        service.url,
        headers={"Authorization": f"Bearer {service.token}"},
        timeout=aiohttp.ClientTimeout(TIMEOUT),
    )
    measured: dict[str, dict[str, float]] = {}
    streams: dict[str, tuple[Callable[[Path, int], None], dict[str, str]]] = {
        "NDJSON": (ndjson, {"Content-Type": "application/x-ndjson"}),
        "NDJSON, gzip": (
            compressed,
            {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"},
        ),
        "CSV": (table, {"Content-Type": "text/csv"}),
    }
    async with session:
        for name, (write, headers) in streams.items():
            path = folder / "body"
            write(path, rows)
            with service.watched() as grown:
                started = time.perf_counter()
                staged = await send_stream(session, path, rows, headers)
                seconds = time.perf_counter() - started
            size = path.stat().st_size / _MIB
            measured[name] = {"MiB": round(size, 1), "staged": round(staged, 2), **grown}
            measured[name] |= {"seconds": round(seconds, 2), "rows/s": round(rows / seconds)}
        with service.watched() as grown:
            started = time.perf_counter()
            await send_batches(session, rows)
            seconds = time.perf_counter() - started
        measured["JSON, 10,000 a batch"] = dict(grown)
        measured["JSON, 10,000 a batch"] |= {
            "seconds": round(seconds, 2),
            "rows/s": round(rows / seconds),
        }
    return measured


def show(measured: dict[str, dict[str, float]], rows: int) -> None:
    shown = Table(title=f"{rows:,} contacts until they are committed")
    columns = ("MiB", "staged", "seconds", "rows/s", "api", "worker")
    units = ("sent", "s", "s", "", "MiB above idle", "MiB above idle")
    shown.add_column("body")
    for column, unit in zip(columns, units, strict=True):
        shown.add_column(f"{column}\n{unit}", justify="right")
    for name, each in measured.items():
        shown.add_row(name, *(f"{each[column]:,}" if column in each else "" for column in columns))
    Console().print(shown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} rows; writes no results")
    quick = parser.parse_args().quick
    rows = QUICK if quick else ROWS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        service = Service(folder)
        try:
            measured = asyncio.run(measure(service, folder, rows))
        finally:
            service.stop()
    show(measured, rows)
    if not quick:
        RESULTS.write_text(json.dumps({"rows": rows, "measured": measured}, indent=2) + "\n")


if __name__ == "__main__":
    main()
