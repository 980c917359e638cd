"""Real servers for the tests: one PostgreSQL and one Valkey for each test process.

A database for each test is a copy of a migrated template; Valkey is flushed before each.
"""

import asyncio
import gc
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest
import redis
from aiohttp.test_utils import TestClient, TestServer

from ingest.app import create_app
from ingest.processes.part import running
from ingest.processes.postgres import EmbeddedPostgres
from ingest.processes.valkey import EmbeddedValkey
from ingest.settings import Settings
from ingest.store.pool import Pool, open_pool
from ingest.store.tokens import create_token
from ingest.tasks import end
from migrations.run import migrate
from tests.harness import REGISTRY, Service
from workers.__main__ import work
from workers.commit import Committer
from workers.settings import create_worker, open_committer
from workers.sweep import sweep

_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_TEMPLATE = "template_migrated"
_numbers = itertools.count()


@pytest.fixture(autouse=True, scope="module")
def _short_collections() -> None:
    """Keep what earlier tests left out of every collection of garbage: a full one of the test
    process stops its servers for a second, and not those of users."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    folder = tmp_path_factory.mktemp("postgres") / "server"
    with running(EmbeddedPostgres(folder, _FAST)) as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with running(EmbeddedValkey(tmp_path_factory.mktemp("valkey") / "server")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: EmbeddedPostgres) -> str:
    """Where the superuser connects."""
    return postgres_server.url


@pytest.fixture(scope="session")
def _template(postgres_url: str) -> str:
    """The name of a migrated database without connections, to copy from."""
    asyncio.run(_execute(postgres_url, f"CREATE DATABASE {_TEMPLATE}"))
    migrate(_renamed(postgres_url, _TEMPLATE), REGISTRY)
    return _TEMPLATE


@pytest.fixture
async def empty_database(postgres_url: str) -> AsyncIterator[str]:
    """The superuser's URL of a database without anything in it."""
    async with _database(postgres_url, "template1") as url:
        yield url


@pytest.fixture
async def database_url(postgres_url: str, _template: str) -> AsyncIterator[str]:
    """The superuser's URL of a migrated database."""
    async with _database(postgres_url, _template) as url:
        yield url


@asynccontextmanager
async def _database(postgres_url: str, template: str) -> AsyncIterator[str]:
    name = f"test_{next(_numbers)}"
    await _execute(postgres_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield _renamed(postgres_url, name)
    finally:
        await _execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def redis_url(valkey_server: EmbeddedValkey) -> str:
    """An empty Valkey."""
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
    return valkey_server.url


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return Settings(database_url=database_url, redis_url=redis_url, poll_delay=0.005)


@pytest.fixture
async def operator(settings: Settings) -> AsyncIterator[Pool]:
    """The database with the superuser's rights, which no row-level security stops."""
    async with open_pool(settings, role=None) as pool:
        yield pool


@pytest.fixture
async def committer(settings: Settings) -> AsyncIterator[Committer]:
    async with open_committer(settings, REGISTRY) as committer:
        yield committer


@pytest.fixture
async def worker(committer: Committer) -> AsyncIterator[asyncio.Task[None]]:
    """A worker of this process, with its sweeper."""
    stop = asyncio.Event()
    working = asyncio.create_task(work(create_worker(committer), stop, grace=10))
    sweeping = asyncio.create_task(sweep(committer))
    yield working
    stop.set()
    await end([sweeping])
    await asyncio.gather(working, return_exceptions=True)


@pytest.fixture
async def api(settings: Settings, operator: Pool) -> AsyncIterator[Service]:
    """An API of this process, without any worker."""
    _, token = await create_token(operator, "acme", "tests")
    server = TestServer(create_app(settings, REGISTRY))
    async with TestClient(server, auto_decompress=False) as client:
        yield Service(client, token)


@pytest.fixture
async def service(api: Service, worker: asyncio.Task[None]) -> Service:
    """The whole service: API and worker."""
    return api


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _renamed(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()
