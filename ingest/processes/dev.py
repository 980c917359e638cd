"""`ingest dev`: everything on this machine, from the first check to the last process that stops."""

import asyncio
import http.client
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from ingest import logs, readiness
from ingest.access.callers import digest_of
from ingest.errors import ConfigurationError
from ingest.processes.folders import keep_secret, lock_folder, private_folder, write_private
from ingest.processes.greeting import greeting
from ingest.processes.part import POLL
from ingest.processes.port import reserved_port
from ingest.processes.postgres import EmbeddedPostgres
from ingest.processes.ready_file import check_ready_file, ready_file
from ingest.processes.service import service_processes
from ingest.processes.supervisor import Supervisor
from ingest.processes.valkey import EmbeddedValkey
from ingest.resources.registry import Registry, load_registry
from ingest.settings import Settings
from ingest.store.pool import open_pool
from ingest.store.tokens import create_token, find_caller
from migrations.run import migrate

ACCOUNT = "dev"
LOGIN = "ingest_dev"
_READY_TIMEOUT = 30.0  # seconds until /readyz must be 200
_LOGIN = """\
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{login}') THEN
        CREATE ROLE {login};
    END IF;
END $$;
ALTER ROLE {login} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{password}';
GRANT ingest_app TO {login};
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOptions:
    """The options of `ingest dev`. It fills in the two URLs of `settings` itself."""

    settings: Settings
    data_dir: Path
    api: int = 1
    workers: int = 1
    ready_file: Path | None = None


def run(options: DevOptions) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP; a second signal kills.

    Raises:
        ConfigurationError: something cannot work; nothing is left running.
    """
    logs.configure(options.settings)
    settings = replace(options.settings, resources=absolute_resources(options.settings.resources))
    registry = load_registry(settings.resources)
    for server in (EmbeddedPostgres, EmbeddedValkey):
        server.binary()  # before anything is written: it may not be installed
    folder = private_folder(options.data_dir)
    with (
        lock_folder(folder),
        reserved_port(settings.host, settings.port) as port,
        _metrics_folder(folder) as metrics,
    ):
        if options.ready_file is not None:
            check_ready_file(options.ready_file)
        options = replace(options, settings=replace(settings, port=port), data_dir=folder)
        supervisor = Supervisor()
        asyncio.run(supervisor.run(_work(supervisor, options, registry, metrics)))


async def _work(
    supervisor: Supervisor, options: DevOptions, registry: Registry, metrics: Path
) -> None:
    """Start everything, print where it is, and keep it running."""
    folder, url = options.data_dir, local_url(options.settings.host, options.settings.port)
    postgres, valkey = EmbeddedPostgres(folder / "postgres"), EmbeddedValkey(folder / "valkey")
    await supervisor.start([postgres], [valkey])
    for sentence in await asyncio.to_thread(migrate, postgres.url, registry):
        click.echo(sentence, err=True)
    settings = replace(
        options.settings,
        database_url=await _service_login(postgres, folder),
        redis_url=valkey.url,
    )
    token = await _development_token(replace(settings, database_url=postgres.url), folder)
    # PostgreSQL and Valkey stop when we are killed: these have nothing left to finish.
    workers, apis = (
        service_processes(kind, count, settings, metrics, orphaned=signal.SIGKILL)
        for kind, count in (("worker", options.workers), ("api", options.api))
    )
    await supervisor.start(workers, apis)
    await _wait_until_ready(url)

    places = {
        "url": url,
        "token": token,
        "databaseUrl": postgres.url,
        "redisUrl": valkey.url,
    }
    with ready_file(options.ready_file, places, supervisor.pids) as rewrite:
        click.echo(greeting(url, token, registry, folder))
        readiness.announce()
        await supervisor.keep(on_recovery=rewrite)


async def _service_login(postgres: EmbeddedPostgres, folder: Path) -> str:
    """The URL under which the services connect: a login that row-level security binds."""
    password = keep_secret(folder / "service-password")  # hexadecimal: it needs no quoting
    sql = _LOGIN.format(login=LOGIN, password=password)
    await asyncio.to_thread(postgres.execute, sql)
    return postgres.url_for(LOGIN, password)


async def _development_token(settings: Settings, folder: Path) -> str:
    """The token of the account `dev`: the one of the last run while it works, else a new one."""
    file = folder / "token"
    async with open_pool(settings, role=None) as pool:
        if file.exists():
            token = file.read_text(encoding="utf-8")
            caller = await find_caller(pool, digest_of(token))
            if caller is not None and caller.account == ACCOUNT:
                return token
        _, token = await create_token(pool, ACCOUNT, "ingest dev")
    write_private(file, token)
    return token


@contextmanager
def _metrics_folder(folder: Path) -> Iterator[Path]:
    """An empty private folder in which the processes share their metrics, removed in the end."""
    path = folder / "metrics"
    shutil.rmtree(path, ignore_errors=True)  # a killed process may have left it
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def absolute_resources(resources: str) -> str:
    """A file's path is made absolute for the processes that get it; a module's name stays."""
    is_file = resources.endswith(".py") or "/" in resources
    return str(Path(resources).absolute()) if is_file else resources


def local_url(host: str, port: int) -> str:
    """Where this machine reaches what listens on `host`."""
    reachable = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


async def _wait_until_ready(url: str) -> None:
    """Wait until `/readyz` is 200."""
    try:
        async with asyncio.timeout(_READY_TIMEOUT):
            while await asyncio.to_thread(_ready_status, url) != 200:  # noqa: ASYNC110 - remote
                await asyncio.sleep(POLL)
    except TimeoutError:
        raise ConfigurationError(f"{url}/readyz is not 200 after {_READY_TIMEOUT:.0f} s") from None


def _ready_status(url: str) -> int | None:
    """The status of `GET /readyz`; None without an answer."""
    with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)) as connection:
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
