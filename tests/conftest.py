"""Real servers for the tests: one PostgreSQL and one Valkey for each test process.

Tests share one migrated database, which is emptied before each of them, as Valkey is. A test that
changes the schema or the database's settings is marked `own_database`, and gets a copy.
"""

import asyncio
import gc
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
import redis
import structlog
from aiohttp.test_utils import TestClient, TestServer

from ingest.app import create_app
from ingest.processes.postgres import EmbeddedPostgres
from ingest.processes.valkey import EmbeddedValkey
from ingest.settings import Settings
from ingest.store.pool import Pool, open_pool
from ingest.store.tokens import create_token
from migrations.run import migrate
from tests.databases import Emptied, copied, execute, url_of
from tests.harness import REGISTRY, Service
from tests.known_types import remember_types
from tests.processes import running
from workers.commit import Committer
from workers.settings import open_committer, running_worker

_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_TEMPLATE, _SHARED = "template_migrated", "shared"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give each run a folder of its own.

    pytest's own place for them is one for all runs of a user, and each run closes it to others as
    it starts: also to PostgreSQL, which root starts as another user.
    """
    if not config.option.basetemp and not hasattr(config, "workerinput"):
        folder = Path(tempfile.mkdtemp(prefix="ingest-tests-"))
        config.option.basetemp = folder / "run"
        config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))


@pytest.fixture(autouse=True, scope="module")
def _short_collections() -> None:
    """Keep what earlier tests left out of every collection of garbage: a full one of the test
    process stops its servers for a second, and not those of users."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _plain_tracebacks() -> None:
    """By itself structlog paints tracebacks with every local variable: seconds in which the servers
    of the test process stand still."""
    *before, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before, plain])


@pytest.fixture(autouse=True, scope="session")
def _known_types() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        remember_types(patch)
        yield


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
def migrated_template(postgres_url: str) -> str:
    """The name of a migrated database that nothing connects to, to be copied."""
    asyncio.run(execute(postgres_url, f"CREATE DATABASE {_TEMPLATE}"))
    migrate(url_of(postgres_url, _TEMPLATE), REGISTRY)
    return _TEMPLATE


@pytest.fixture(scope="session")
def _shared_database(postgres_url: str, migrated_template: str) -> Iterator[Emptied]:
    asyncio.run(execute(postgres_url, f"CREATE DATABASE {_SHARED} TEMPLATE {migrated_template}"))
    shared = Emptied(url_of(postgres_url, _SHARED))
    yield shared
    shared.close()


@pytest.fixture
async def _own_database(postgres_url: str, migrated_template: str) -> AsyncIterator[str]:
    async with copied(postgres_url, migrated_template) as url:
        yield url


@pytest.fixture
async def empty_database(postgres_url: str) -> AsyncIterator[str]:
    """The superuser's URL of a database without anything in it."""
    async with copied(postgres_url, "template1") as url:
        yield url


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """The superuser's URL of a migrated database without any rows."""
    if request.node.get_closest_marker("own_database"):
        own: str = request.getfixturevalue("_own_database")
        return own
    shared: Emptied = request.getfixturevalue("_shared_database")
    shared.empty()
    return shared.url


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
async def worker(committer: Committer) -> AsyncIterator[None]:
    """A worker of this process, with its sweeper."""
    async with running_worker(committer):
        yield


@pytest.fixture
async def api(settings: Settings, operator: Pool) -> AsyncIterator[Service]:
    """An API of this process, without any worker."""
    _, token = await create_token(operator, "acme", "tests")
    server = TestServer(create_app(settings, REGISTRY))
    async with TestClient(server, auto_decompress=False) as client:
        yield Service(client, token)


@pytest.fixture
async def service(api: Service, worker: None) -> Service:
    """The whole service: API and worker."""
    return api
