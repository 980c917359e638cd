"""The contestants: the service, the floor, and the endpoints that others would write."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Literal

from benchmarks.load import Load
from benchmarks.plan import FLOOR, SERVICE, Cell
from benchmarks.samples import SAMPLES
from benchmarks.stack import (
    Database,
    Servers,
    clean_environment,
    run_process,
    run_service,
    wait_for_port,
)
from ingest.processes.port import free_port

KINTO_AUTHORIZATION = "Basic YmVuY2g6YmVuY2g="  # bench:bench
_SETTLING, _SETTLED = 300.0, 2.0  # seconds: at most, and without a new row
_FILLING = 10_000  # items a request that stores what is to be changed
MAX_WAIT = 60
"""Seconds that a request waits for its commit, so that every figure is one after the commit."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One of those that are compared.

    Args:
        letter: a to h, as in docs/benchmarks.md.
        needs: packages that must be installed.
        program: the module in benchmarks/peers; empty where there is none.
        most_items: of one measurement, unless one request has more; so that the slowest takes
            seconds and not minutes.
    """

    letter: str
    title: str
    program: str = ""
    needs: tuple[str, ...] = ()
    kind: Literal["json", "kinto", "copy"] = "json"
    most_items: int = 1_000_000

    @property
    def missing(self) -> list[str]:
        """Packages that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]


_PYDANTIC = ("fastapi", "pydantic", "email_validator", "uvicorn", "httptools")
CONTESTANTS = (
    Contestant(SERVICE, "this service"),
    Contestant(FLOOR, "floor: COPY", kind="copy"),
    Contestant("c", "FastAPI + COPY", "fastapi_copy", _PYDANTIC),
    Contestant("d", "FastAPI + SQLAlchemy", "fastapi_sqlalchemy", _PYDANTIC),
    Contestant("e", "Django REST", "drf", ("rest_framework", "psycopg", "gunicorn")),
    Contestant("f", "aiohttp + marshmallow", "aiohttp_marshmallow"),
    Contestant("g", "Starlette + bytes", "starlette_bytes", _PYDANTIC[1:]),
    Contestant("h", "Kinto", "kinto_batch", ("kinto", "psycopg2", "waitress"), "kinto", 200),
)
BY_LETTER = {each.letter: each for each in CONTESTANTS}


@dataclass(slots=True)
class Running:
    """A contestant that runs.

    Args:
        target: where its load goes, as in `Load`.
        parts: its processes, without those of the servers.
    """

    contestant: Contestant
    target: str
    database: Database
    headers: dict[str, str] = field(default_factory=dict)
    parts: dict[str, list[int]] = field(default_factory=dict)

    def load(self, serial: str, cell: Cell, requests: int) -> Load:
        """What clients send to it."""
        kind, headers = self.contestant.kind, dict(self.headers)
        path = {"json": f"/{cell.sample}", "kinto": "/v1/batch", "copy": ""}[kind]
        wanted = cell.wanted
        if self.contestant.letter == SERVICE:
            headers["Prefer"] = ", ".join(filter(None, (f"wait={MAX_WAIT}", wanted.prefer)))
            path = f"/v1/{cell.sample}"
        return Load(
            kind=kind,
            target=self.target,
            serial=serial,
            size=cell.size,
            clients=cell.clients,
            requests=requests,
            method=wanted.method,
            path=path,
            sample=cell.sample,
            fields=wanted.fields,
            edition=wanted.edition,
            headers=headers,
            bad=wanted.bad,
            keys=wanted.keys,
        )

    def filling(self, load: Load, every: int) -> Load:
        """What stores every so manyth item of a load of the service's before it is sent."""
        items = load.requests * load.size
        headers = load.headers | {"Prefer": f"wait={MAX_WAIT}, return=minimal"}
        size = min(_FILLING, items)
        return replace(
            load, method="POST", headers=headers, fields=(), edition=0, every=every,
            size=size, requests=-(-items // (size * every)), clients=1,
        )  # fmt: skip

    async def empty(self) -> None:
        """Leave nothing of the measurement before."""
        if self.contestant.letter == SERVICE:
            await self.database.empty_service()
        elif self.contestant.kind == "kinto":
            await self.database.connection.execute(
                "DELETE FROM objects WHERE resource_name = 'record'"
            )
            await self.database.connection.execute(
                "DELETE FROM access_control_entries WHERE object_id LIKE '%/records/%'"
            )
            await self.database.connection.execute("VACUUM objects, access_control_entries")
        else:
            tables = ", ".join(f"public.{name}" for name in SAMPLES)
            await self.database.connection.execute(f"TRUNCATE {tables}")
        await self.database.checkpoint()

    async def settle(self, sample: str) -> None:
        """Wait until nothing more is saved: a client that gave up leaves its server at work."""
        before, deadline = -1, time.monotonic() + _SETTLING
        while before != (rows := await self.count(sample)) and time.monotonic() < deadline:
            before = rows
            await asyncio.sleep(_SETTLED)

    async def count(self, sample: str) -> int:
        """How many items are stored now."""
        if self.contestant.letter == SERVICE:
            return await self.database.count(sample)
        if self.contestant.kind == "kinto":
            sql = "SELECT count(*) FROM objects WHERE resource_name = 'record' AND NOT deleted"
        else:
            sql = f"SELECT count(*) FROM public.{sample}"
        return int(await self.database.connection.fetchval(sql))


@asynccontextmanager
async def run_contestants(
    servers: Servers, contestants: list[Contestant]
) -> AsyncIterator[dict[str, Running]]:
    """All of them, side by side on one PostgreSQL; those that are not measured are idle."""
    own = await Database.connect(servers.database_url())
    await own.connection.execute("CREATE DATABASE kinto")
    others = await Database.connect(servers.database_url("kinto"))
    for sample in SAMPLES.values():
        await own.connection.execute(sample.peers_table)
    running: dict[str, Running] = {}
    with ExitStack() as processes:
        for each in contestants:
            database = others if each.kind == "kinto" else own
            running[each.letter] = _start(processes, servers, each, database)
        yield running
    await own.connection.close()
    await others.connection.close()


def _start(
    processes: ExitStack, servers: Servers, contestant: Contestant, database: Database
) -> Running:
    if contestant.letter == SERVICE:
        service = processes.enter_context(run_service(servers))
        headers = {"Authorization": f"Bearer {service.tokens[0]}"}
        return Running(contestant, str(service.port), database, headers, service.parts)
    url = servers.database_url("kinto" if contestant.kind == "kinto" else "ingest")
    if contestant.letter == FLOOR:
        return Running(contestant, url, database)
    port = free_port()
    environment = clean_environment() | {"PEER_DATABASE_URL": url, "PEER_PORT": str(port)}
    log = servers.folder / f"{contestant.program}.log"
    command = [sys.executable, "-m", f"benchmarks.peers.{contestant.program}"]
    process = processes.enter_context(run_process(command, environment, log))
    wait_for_port(port, [process], log)
    headers = {"Authorization": KINTO_AUTHORIZATION} if contestant.kind == "kinto" else {}
    return Running(contestant, str(port), database, headers, {"api": [process.pid]})
