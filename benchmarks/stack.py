"""The servers and the service of a benchmark, each a process of its own.

PostgreSQL and Valkey come out of their wheels, with `fsync` and `synchronous_commit` on. The
service is run by its commands, with the settings that it comes with apart from those that a
benchmark is about.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from benchmarks.samples import PEOPLE
from ingest.processes.part import die_with_parent
from ingest.processes.port import free_port
from ingest.processes.postgres import EmbeddedPostgres
from ingest.processes.valkey import EmbeddedValkey

ROOT = Path(__file__).parents[1]
RESOURCES = ROOT / "benchmarks" / "resources.py"
ACCOUNT = "bench"
START_TIMEOUT = 60.0  # seconds
STOP_TIMEOUT = 40.0  # seconds
_TRIES = 5
_POSTGRES = {
    "max_connections": "300",
    "max_wal_size": "4GB",  # so that checkpoints happen between measurements, for all alike
}


@dataclass(frozen=True, slots=True)
class Servers:
    """PostgreSQL and Valkey that run, and a folder for logs."""

    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey
    folder: Path

    @property
    def parts(self) -> dict[str, list[int]]:
        """Process ids by part."""
        return {"postgres": [self.postgres.pid], "redis": [self.valkey.pid]}

    def database_url(self, database: str = "ingest") -> str:
        """Where the superuser connects."""
        return self.postgres.url_for("postgres", self.postgres.password, database)


@dataclass(frozen=True, slots=True)
class Service:
    """The service, running; each of its tokens is of an account of its own."""

    port: int
    tokens: Sequence[str]
    api: list[int] = field(default_factory=list)
    workers: list[int] = field(default_factory=list)

    @property
    def parts(self) -> dict[str, list[int]]:
        """Process ids by part."""
        return {"api": self.api, "worker": self.workers}


@asynccontextmanager
async def run_servers(**settings: str) -> AsyncIterator[Servers]:
    """PostgreSQL and Valkey in a temporary folder; `settings` of PostgreSQL by name."""
    with tempfile.TemporaryDirectory(prefix="ingest-bench-") as name:
        folder = Path(name)
        async with (
            EmbeddedPostgres(folder / "postgres", _POSTGRES | settings) as postgres,
            EmbeddedValkey(folder / "valkey") as valkey,
        ):
            yield Servers(postgres, valkey, folder)


@contextmanager
def run_service(
    servers: Servers,
    *,
    api: int = 1,
    workers: int = 1,
    accounts: int = 1,
    **settings: str,
) -> Iterator[Service]:
    """The migrated service, until the block ends.

    Args:
        settings: by name, such as `payload_ttl="5"`.
    """
    port = free_port()
    environment = clean_environment() | {
        "INGEST_DATABASE_URL": servers.postgres.url,
        "INGEST_REDIS_URL": servers.valkey.url,
        "INGEST_RESOURCES": str(RESOURCES),
        "INGEST_PORT": str(port),
        "INGEST_REUSE_PORT": "true",
        "INGEST_LOG_LEVEL": "WARNING",
        **{f"INGEST_{name.upper()}": value for name, value in settings.items()},
    }
    ingest, worker = [sys.executable, "-m", "ingest"], [sys.executable, "-m", "workers"]
    _call([*ingest, "migrate"], environment)
    tokens = [
        _call([*ingest, "token", "create", "--account", f"{ACCOUNT}{number}"], environment).strip()
        for number in range(1, accounts + 1)
    ]
    with ExitStack() as running:
        log = servers.folder / f"service-{port}.log"
        serving = [
            running.enter_context(run_process([*ingest, "serve"], environment, log))
            for _ in range(api)
        ]
        working = [
            running.enter_context(run_process(worker, environment, log)) for _ in range(workers)
        ]
        wait_for_port(port, serving, log)
        _wait_until_ready(f"http://127.0.0.1:{port}/readyz", log)
        yield Service(port, tokens, [each.pid for each in serving], [each.pid for each in working])


@contextmanager
def run_process(
    command: Sequence[str], environment: dict[str, str], log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is stopped when the block ends, and killed where it does not stop."""
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def clean_environment() -> dict[str, str]:
    """The environment without settings of a service that runs elsewhere."""
    return {name: each for name, each in os.environ.items() if not name.startswith("INGEST_")}


def wait_for_port(port: int, processes: Sequence["subprocess.Popen[bytes]"], log: Path) -> None:
    """Wait until a port accepts connections.

    Raises:
        RuntimeError: a process has ended, or the port refuses connections after `START_TIMEOUT`.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        if any(process.poll() is not None for process in processes):
            raise RuntimeError(f"a process ended: {_last_words(log)}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"port {port} refuses connections: {_last_words(log)}") from None
            time.sleep(0.05)
        else:
            return


def _wait_until_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{url} is not 200: {_last_words(log)}") from None
            time.sleep(0.05)


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]


def _call(command: Sequence[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


class Database:
    """What a benchmark does to the database as its superuser, between measurements."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    @classmethod
    async def connect(cls, url: str) -> "Database":
        if not urlsplit(url).path.strip("/"):
            raise ValueError("the URL names no database")
        return cls(await asyncpg.connect(url, timeout=10, command_timeout=600))

    async def empty_service(self) -> None:
        """Remove every item and batch; tokens and what else is set up stay."""
        rows = await self.connection.fetch(
            """
            SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
            WHERE schemaname IN ('collections', 'images')
               OR schemaname = 'ingest' AND tablename = ANY ($1)
            """,
            ["batches", "payloads", "failures", "counters", "before_images"],
        )
        truncate = f"TRUNCATE {', '.join(row['name'] for row in rows)} CASCADE"
        for _ in range(_TRIES):
            # A sweeper may hold one of the tables, and wait for another.
            with suppress(asyncpg.DeadlockDetectedError):
                await self.connection.execute(truncate)
                return
        await self.connection.execute(truncate)

    async def checkpoint(self) -> None:
        """Write everything out, so that no measurement pays for the one before it."""
        await self.connection.execute("CHECKPOINT")

    async def count(self, collection: str = PEOPLE) -> int:
        """How many items the service has stored."""
        return int(await self.connection.fetchval(f"SELECT count(*) FROM collections.{collection}"))

    async def count_written_since(self, moment: datetime, collection: str) -> int:
        """How many items the service has created or changed."""
        sql = f'SELECT count(*) FROM collections.{collection} WHERE "$updated_at" >= $1'
        return int(await self.connection.fetchval(sql, moment))
