"""How far one has to walk through the code: the files that a write enters, and how often.

`python -m benchmarks.walk` sends one POST of five items, one stream and one commit through a
service of this process. For each it prints how many functions and files of ours ran, and how many
*stays* there were: runs of calls in one file, so that coming back to a file is a stay more.
`--files` lists the stays of each file.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import orjson
from aiohttp import ClientSession, web

from ingest.app import create_app
from ingest.http.server import JsonAppRunner
from ingest.processes.postgres import EmbeddedPostgres
from ingest.processes.valkey import EmbeddedValkey
from ingest.resources.registry import load_registry
from ingest.settings import EXAMPLES, Settings
from ingest.store.pool import open_pool
from ingest.store.tokens import create_token
from migrations.run import migrate
from workers.settings import open_committer

_ROOT = Path(__file__).parents[1]
_OURS = tuple(f"{_ROOT / package}/" for package in ("ingest", "workers", "migrations"))


@dataclass(slots=True)
class Walk:
    """What ran, in its order: (file, function) of every call."""

    calls: list[tuple[str, str]] = field(default_factory=list)

    @property
    def functions(self) -> int:
        return len(set(self.calls))

    @property
    def files(self) -> Counter[str]:
        """How many stays each file had."""
        stays: Counter[str] = Counter()
        before = ""
        for file, _ in self.calls:
            stays[file] += file != before
            before = file
        return stays

    def __str__(self) -> str:
        files = self.files
        return f"{self.functions} functions, {len(files)} files, {files.total()} stays"


@contextmanager
def walking() -> Iterator[Walk]:
    """Follow what runs while the block does, but for tasks that ran before."""
    walk, others = Walk(), asyncio.all_tasks() - {asyncio.current_task()}
    seen: set[FrameType] = set()  # a coroutine that goes on is not called again

    def called(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(_OURS) or frame in seen:
            return
        try:
            if asyncio.current_task() in others:
                return
        except RuntimeError:  # between two tasks
            return
        seen.add(frame)
        walk.calls.append((code.co_filename.removeprefix(f"{_ROOT}/"), code.co_qualname))

    sys.setprofile(called)
    try:
        yield walk
    finally:
        sys.setprofile(None)


@dataclass(frozen=True, slots=True)
class Service:
    """An API of this process, and what is needed for a worker of its own."""

    settings: Settings
    url: str
    token: str

    async def post(self, body: bytes, **headers: str) -> int:
        """Send a body over a connection of its own; the answer's status."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers["Authorization"] = f"Bearer {self.token}"
        async with (
            ClientSession() as client,
            client.post(f"{self.url}/v1/contacts", data=body, headers=headers) as response,
        ):
            await response.read()
            return response.status


async def main(show: bool) -> None:
    async with _service() as service:
        with _worker(service.settings):
            await _measure("a POST of 5 items", partial_post(service), show)
            await _measure("a stream of 20,000 items", partial_stream(service), show)
        async with open_committer(service.settings, load_registry(EXAMPLES)) as committer:

            async def commit() -> None:
                await committer.commit_pending("walk", "contacts")

            for _ in range(2):
                await service.post(_items(5), Content_Type="application/json", Prefer="wait=0")
                with walking() as walk:
                    await commit()
            _print("a commit", walk, show)


def partial_post(service: Service) -> Callable[[], Awaitable[int]]:
    return lambda: service.post(_items(5), Content_Type="application/json")


def partial_stream(service: Service) -> Callable[[], Awaitable[int]]:
    return lambda: service.post(_lines(20_000), Content_Type="application/x-ndjson")


async def _measure(what: str, send: Callable[[], Awaitable[int]], show: bool) -> None:
    """Walk along once what is made at the first use is there."""
    for _ in range(3):
        await send()
    with walking() as walk:
        status = await send()
    if status >= 300:
        raise RuntimeError(f"{what}: {status}")
    _print(what, walk, show)


def _print(what: str, walk: Walk, show: bool) -> None:
    print(f"{what}: {walk}")
    if show:
        for file, stays in walk.files.most_common():
            print(f"    {stays:4} {file}")


_serial = iter(range(1_000_000_000))


def _contact() -> dict[str, Any]:
    number = next(_serial)
    return {"email": f"walk{number}@example.com", "first_name": f"Name {number}", "age": 30}


def _items(count: int) -> bytes:
    return orjson.dumps([_contact() for _ in range(count)])


def _lines(count: int) -> bytes:
    return b"".join(orjson.dumps(_contact()) + b"\n" for _ in range(count))


def _key() -> str:
    return f"walk-{next(_serial)}"


@asynccontextmanager
async def _service() -> AsyncIterator[Service]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            EmbeddedPostgres(folder / "postgres") as postgres,
            EmbeddedValkey(folder / "valkey") as valkey,
        ):
            registry = load_registry(EXAMPLES)
            await asyncio.to_thread(migrate, postgres.url, registry)
            settings = Settings(database_url=postgres.url, redis_url=valkey.url)
            async with open_pool(settings, role=None) as pool:
                _, token = await create_token(pool, "walk", "walk")
            runner = JsonAppRunner(
                create_app(settings, registry), access_log=None, auto_decompress=False
            )
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            try:
                host, port = runner.addresses[0][:2]
                yield Service(settings, f"http://{host}:{port}", token)
            finally:
                await runner.cleanup()


@contextmanager
def _worker(settings: Settings) -> Iterator[None]:
    import os

    environment = {
        **os.environ,
        "INGEST_DATABASE_URL": settings.database_url,
        "INGEST_REDIS_URL": settings.redis_url,
        "INGEST_LOG_LEVEL": "ERROR",
    }
    worker = subprocess.Popen([sys.executable, "-m", "workers"], env=environment, cwd=_ROOT)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait()


if __name__ == "__main__":
    asyncio.run(main("--files" in sys.argv))
