"""`make demo`: real data through the whole service, on servers of its own.

Imports every airport of the PyPI package `vega_datasets` in batches, shows what becomes of broken
rows and of a batch that is sent twice, reads the counts back, and stops. The data stays in `.data`.
"""

import asyncio
import csv
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ingest.errors import ConfigurationError
from ingest.supervision.children import die_with_parent

DATA_DIR = Path(".data")
BATCH = 500
START_TIMEOUT = 120.0  # seconds, a first initdb on a slow disk included
STOP_TIMEOUT = 90.0  # seconds
_POLL = 0.05  # seconds

Item = dict[str, Any]
console = Console()


def main() -> None:
    """Run the demo; status 1, and one line why, where something is not as it should be."""
    try:
        asyncio.run(demo())
    except KeyboardInterrupt:
        sys.exit(130)
    except (ConfigurationError, aiohttp.ClientError) as error:
        console.print(Text(f"demo: {error}", style="red"))
        sys.exit(1)


async def demo() -> None:
    """Start everything, import, show, stop."""
    airports = read_airports()
    console.rule("Starting PostgreSQL, Valkey, the API and a worker")
    with running_service() as service:
        async with connected(await ready(service)) as client:
            console.rule(f"Importing {len(airports)} airports in batches of {BATCH}")
            batches = [airports[at : at + BATCH] for at in range(0, len(airports), BATCH)]
            await import_all(client, batches)
            console.rule("A batch with broken rows: nothing of it is saved")
            await send_broken(client, airports[0])
            console.rule("The first batch once more: a replay is rejected")
            await replay(client, batches[0])
            console.rule("Read back")
            await read_back(client, len(airports))
    console.rule("Stopped")
    console.print(f"The data is kept in {DATA_DIR}; [bold]make serve[/] serves it on port 8080.")


def read_airports() -> list[Item]:
    """The rows of `airports.csv`, as items: numbers are numbers, and `NA` is null."""
    spec = find_spec("vega_datasets")  # found, not imported: importing it wants pandas
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError("the package 'vega_datasets' is not installed; run make setup")
    path = Path(spec.submodule_search_locations[0]) / "_data" / "airports.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [_item(row) for row in csv.DictReader(file)]


def _item(row: dict[str, str]) -> Item:
    item: Item = {name: None if value in ("", "NA") else value for name, value in row.items()}
    return {**item, "latitude": float(row["latitude"]), "longitude": float(row["longitude"])}


@contextmanager
def running_service() -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """`ingest dev` on a free port, and the file that it writes once everything answers."""
    with tempfile.TemporaryDirectory(prefix="ingest-demo-") as folder:
        ready_file = Path(folder) / "ready.json"
        arguments = ["dev", "--port", "0", "--data-dir", str(DATA_DIR)]
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "ingest", *arguments, "--ready-file", str(ready_file)],
            env={"INGEST_LOG_LEVEL": "WARNING", **os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us; we stop it
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        try:
            yield process, ready_file
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT)


async def ready(service: tuple[subprocess.Popen[bytes], Path]) -> dict[str, Any]:
    """What the ready file says, once it is there."""
    process, ready_file = service
    try:
        async with asyncio.timeout(START_TIMEOUT):
            while not ready_file.exists():
                if process.poll() is not None:
                    raise ConfigurationError(f"ingest dev ended with status {process.returncode}")
                await asyncio.sleep(_POLL)
    except TimeoutError:
        raise ConfigurationError(f"nothing answers after {START_TIMEOUT:.0f} s") from None
    content: dict[str, Any] = orjson.loads(ready_file.read_bytes())
    console.print(f"Listening on {content['url']}")
    return content


@asynccontextmanager
async def connected(content: dict[str, Any]) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the service that the ready file describes."""
    headers = {"Authorization": f"Bearer {content['token']}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(content["url"], headers=headers) as session:
        yield session


async def post(client: aiohttp.ClientSession, batch: list[Item]) -> tuple[int, dict[str, Any]]:
    """Send a batch under a key made of its content; the status and the document that came back."""
    body = orjson.dumps(batch)
    key = f"airports-{hashlib.sha256(body).hexdigest()[:32]}"
    headers = {"Idempotency-Key": key}
    async with client.post("/v1/airports", data=body, headers=headers) as response:
        return response.status, orjson.loads(await response.read())


async def get(client: aiohttp.ClientSession, path: str) -> tuple[int, dict[str, Any]]:
    """The status and the document of a GET."""
    async with client.get(path) as response:
        return response.status, orjson.loads(await response.read())


async def import_all(client: aiohttp.ClientSession, batches: list[list[Item]]) -> None:
    """Send every batch, and say what became of them."""
    outcomes: Counter[str] = Counter()
    with Progress(
        TextColumn("airports"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("", total=sum(map(len, batches)))
        for batch in batches:
            status, document = await post(client, batch)
            outcomes[_outcome(status, document)] += 1
            progress.advance(task, len(batch))
    for outcome, count in outcomes.items():
        console.print(f"{count} batches: {outcome}")


def _outcome(status: int, document: dict[str, Any]) -> str:
    """What became of a batch, in words; anything but saved now or earlier is an error."""
    if status == 201:
        return "saved"
    if status == 409 and document["error"]["code"] == 40901:
        return "sent in an earlier run, so rejected as replays; nothing was written twice"
    if status == 422 and _codes(document) == {40903}:
        return "refused, because these airports are there already from an earlier run"
    raise ConfigurationError(f"a batch was answered with {status}: {document['message']}")


def _codes(document: dict[str, Any]) -> set[int]:
    return {error["code"] for failure in document["failures"] for error in failure["errors"]}


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
    status, document = await post(client, batch)
    _expect(status, 422, document)
    table = Table("index", "field", "code", "message")
    pairs = zip(document["metadata"]["invalidItems"], document["failures"], strict=True)
    for index, failure in pairs:
        for error in failure["errors"]:
            cells = (index, error.get("field", ""), error["code"], error["message"])
            table.add_row(*(Text(str(cell)) for cell in cells))
    console.print(f"{status}: {document['message']}")
    console.print(table)
    status, document = await get(client, f"/v1/airports/{fine['iata']}")
    _expect(status, 404, document)
    console.print(f"Its only good row, {fine['iata']}, was not saved either: {status}")


async def replay(client: aiohttp.ClientSession, batch: list[Item]) -> None:
    """Send a batch again under its key, and show that it is rejected."""
    status, document = await post(client, batch)
    if _outcome(status, document) == "saved":
        raise ConfigurationError("a batch was saved twice")
    error = document.get("error")
    said = f"{error['code']} {error['name']}: " if error else ""
    console.print(f"{status} {said}{document['message']}")


async def read_back(client: aiohttp.ClientSession, expected: int) -> None:
    """Show counts, and one airport, as GET gives them."""
    total = await _count(client, "")
    for label, count in (
        ("airports", total),
        ("of them in California", await _count(client, "&state=CA")),
        ("in Palau", await _count(client, "&country=Palau")),
    ):
        console.print(f"{count:>6} {label}")
    status, document = await get(client, "/v1/airports/SFO")
    _expect(status, 200, document)
    console.print_json(data=document["data"])
    if total < expected:
        raise ConfigurationError(f"there are {total} airports, and {expected} were imported")


async def _count(client: aiohttp.ClientSession, condition: str) -> int:
    status, document = await get(client, f"/v1/airports?limit=1{condition}")
    _expect(status, 200, document)
    count: int = document["metadata"]["recordsCount"]
    return count


def _expect(status: int, expected: int, document: dict[str, Any]) -> None:
    if status != expected:
        raise ConfigurationError(f"{status} instead of {expected}: {document['message']}")


if __name__ == "__main__":
    main()
