"""`make demo`: real data through the whole service, on servers of its own.

Imports every airport of the PyPI package `vega_datasets`, a CSV file, with `ingest load`, shows
what becomes of broken rows and of a file that is loaded twice, reads the counts back, and stops.
The data stays in `.data`.
"""

import asyncio
import csv
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingest.errors import ConfigurationError
from ingest.processes.service import ServiceProcess

DATA_DIR = Path(".data")
BATCH = 500
FAILED = DATA_DIR / "airports.failed.csv"

Item = dict[str, Any]
console = Console()


def main() -> None:
    """Run the demo; status 1, and one line why, where something is not as it should be."""
    try:
        asyncio.run(demo())
    except KeyboardInterrupt:
        sys.exit(130)
    except (ConfigurationError, PackageNotFoundError, aiohttp.ClientError) as error:
        console.print(Text(f"demo: {error}", style="red"))
        sys.exit(1)


async def demo() -> None:
    """Start everything, import, show, stop."""
    # Found, not imported: importing the package wants pandas.
    file = Path(str(distribution("vega_datasets").locate_file("vega_datasets/_data/airports.csv")))
    good, count = read_airports(file)
    console.rule("Starting PostgreSQL, Valkey, the API and a worker")
    async with running_service() as (content, client):
        console.rule(f"Importing {count} airports from a CSV file, in batches of {BATCH}")
        await load(content, file)
        console.rule("Rows that are broken: nothing of their batch is saved")
        await send_broken(client, good)
        console.rule("The same file once more: nothing is written twice")
        await load(content, file)
        console.rule("Read back")
        await read_back(client, count)
    console.rule("Stopped")
    console.print(f"The data is kept in {DATA_DIR}; [bold]make serve[/] serves it on port 8080.")


def read_airports(path: Path) -> tuple[Item, int]:
    """The first airport as a JSON item, and how many there are."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    first = rows[0]
    place = {name: float(first[name]) for name in ("latitude", "longitude")}
    return {**first, **place}, len(rows)


@asynccontextmanager
async def running_service() -> AsyncIterator[tuple[dict[str, Any], aiohttp.ClientSession]]:
    """Run `ingest dev` on a free port, and yield its ready file's content and a client of it."""
    with tempfile.TemporaryDirectory(prefix="ingest-demo-") as folder:
        ready_file = Path(folder) / "ready.json"
        arguments = ["dev", "--port", "0", "--data-dir", str(DATA_DIR)]
        service = ServiceProcess(
            "dev",
            "ingest dev",
            [sys.executable, "-m", "ingest", *arguments, "--ready-file", str(ready_file)],
            {"INGEST_LOG_LEVEL": "WARNING", **os.environ},
            grace=90.0,
            start_timeout=120.0,  # a first initdb on a slow disk included
            orphaned=signal.SIGTERM,
            stdout=subprocess.DEVNULL,
        )
        async with service:
            content: dict[str, Any] = orjson.loads(ready_file.read_bytes())
            console.print(f"Listening on {content['url']}")
            headers = {"Authorization": f"Bearer {content['token']}"}
            async with aiohttp.ClientSession(content["url"], headers=headers) as client:
                yield content, client


async def request(
    client: aiohttp.ClientSession,
    method: str,
    path: str,
    batch: list[Item] | None = None,
    *,
    expected: int = 200,
) -> dict[str, Any]:
    """Send a request; the document of its response, which must have the status `expected`."""
    async with client.request(method, path, json=batch) as response:
        document: dict[str, Any] = await response.json()
    if response.status != expected:
        raise ConfigurationError(f"{response.status}, not {expected}: {document['message']}")
    return document


async def load(content: dict[str, Any], file: Path) -> None:
    """`ingest load`: the rows as CSV; those that are there already are merged."""
    options = ["--to", "airports", "--batch-size", str(BATCH)]
    options += ["--prefer", "resolution=merge-duplicates"]
    console.print(Text(" ".join(["$ ingest load", file.name, *options]), style="bold"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ingest", "load", str(file), *options, "--failed", str(FAILED)),
        env={**os.environ, "INGEST_URL": content["url"], "INGEST_TOKEN": content["token"]},
        stdin=asyncio.subprocess.DEVNULL,
    )
    status = await process.wait()  # Ctrl-C reaches it as well
    if status != 0:
        raise ConfigurationError(f"ingest load ended with status {status}")


async def send_broken(client: aiohttp.ClientSession, good: Item) -> None:
    """Send good and broken rows together, and show each failure with its place."""
    fine = {**good, "iata": "ZZZ9"}
    batch: list[Item] = [
        fine,
        {**good, "iata": "ZZZ8", "latitude": 123.4},
        {**good, "iata": "not a code", "longitude": "east"},
        {"iata": "ZZZ7", "name": "", "country": "USA", "latitude": 1.0},
        {**good, "iata": "ZZZ6", "runways": 2},
    ]
    document = await request(client, "POST", "/v1/airports", batch, expected=422)
    table = Table("index", "field", "code", "message")
    pairs = zip(document["metadata"]["invalidItems"], document["failures"], strict=True)
    for index, failure in pairs:
        for error in failure["errors"]:
            cells = (index, error.get("field", ""), error["code"], error["message"])
            table.add_row(*(Text(str(cell)) for cell in cells))
    console.print(f"422: {document['message']}")
    console.print(table)
    await request(client, "GET", f"/v1/airports/{fine['iata']}", expected=404)
    console.print(f"Its only good row, {fine['iata']}, was not saved either: 404")


async def read_back(client: aiohttp.ClientSession, expected: int) -> None:
    """Show counts, and one airport, as GET gives them."""
    counts = []
    for condition, label in (
        ("", "airports"),
        ("&state=CA", "of them in California"),
        ("&country=Palau", "in Palau"),
    ):
        document = await request(client, "GET", f"/v1/airports?limit=1{condition}")
        counts.append(document["metadata"]["recordsCount"])
        console.print(f"{counts[-1]:>6} {label}")
    document = await request(client, "GET", "/v1/airports/SFO")
    console.print_json(data=document["data"])
    if counts[0] < expected:
        raise ConfigurationError(f"there are {counts[0]} airports, and {expected} were imported")


if __name__ == "__main__":
    main()
