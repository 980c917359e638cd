"""`ingest dev`: everything on this machine, from the first check to the last process that stops."""

import asyncio
import http.client
import os
import signal
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import click
import orjson
import structlog

from ingest import logs, readiness
from ingest.access.secrets import digest_of
from ingest.errors import ConfigurationError
from ingest.processes.folders import keep_secret, lock_folder, private_folder, write_private
from ingest.processes.greeting import greeting
from ingest.processes.part import POLL
from ingest.processes.port import reserved_port
from ingest.processes.postgres import EmbeddedPostgres
from ingest.processes.service import metrics_folder, service_processes
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
_log = structlog.get_logger(__name__)


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
        metrics_folder(folder / "metrics") as metrics,
    ):
        if options.ready_file is not None:
            check_ready_file(options.ready_file)
        options = replace(options, settings=replace(settings, port=port), data_dir=folder)
        asyncio.run(_Session(options, registry, metrics).run())


def check_ready_file(path: Path) -> None:
    """Remove what an earlier run left at `path`, and check that a new file can be put there.

    Raises:
        ConfigurationError: it cannot.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the ready file {path} cannot be replaced: {error.strerror or error}"
        ) from error
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"the ready file {path} cannot be written: its folder is missing or not writable"
        )


class _Session:
    def __init__(self, options: DevOptions, registry: Registry, metrics: Path) -> None:
        self._options = options
        self._registry = registry
        self._metrics = metrics
        self._postgres = EmbeddedPostgres(options.data_dir / "postgres")
        self._valkey = EmbeddedValkey(options.data_dir / "valkey")
        self._supervisor = Supervisor(on_recovery=self._rewrite_ready_file)
        self._url = local_url(options.settings.host, options.settings.port)
        self._token = ""

    async def run(self) -> None:
        """Start everything and keep it running until a signal comes; then stop everything."""
        await self._supervisor.run(self._work())

    async def _work(self) -> None:
        await self._supervisor.start([self._postgres], [self._valkey])
        settings = await self._set_up_database()
        # PostgreSQL and Valkey stop when we are killed: these have nothing left to finish.
        workers, apis = (
            service_processes(kind, count, settings, self._metrics, orphaned=signal.SIGKILL)
            for kind, count in (("worker", self._options.workers), ("api", self._options.api))
        )
        await self._supervisor.start(workers, apis)
        await _wait_until_ready(self._url)
        try:
            self._write_ready_file()
            click.echo(greeting(self._url, self._token, self._registry, self._options.data_dir))
            readiness.announce()
            await self._supervisor.keep()
        finally:
            if self._options.ready_file is not None:
                self._options.ready_file.unlink(missing_ok=True)

    async def _set_up_database(self) -> Settings:
        """Migrate, make a login that row-level security binds, and a token; the settings of all."""
        folder, superuser = self._options.data_dir, self._postgres.url
        for sentence in await asyncio.to_thread(migrate, superuser, self._registry):
            click.echo(sentence, err=True)
        password = keep_secret(folder / "service-password")  # hexadecimal: it needs no quoting
        sql = _LOGIN.format(login=LOGIN, password=password)
        await asyncio.to_thread(self._postgres.execute, sql)
        settings = replace(
            self._options.settings, database_url=superuser, redis_url=self._valkey.url
        )
        self._token = await _development_token(settings, folder)
        return replace(settings, database_url=self._postgres.url_for(LOGIN, password))

    def _rewrite_ready_file(self) -> None:
        try:
            self._write_ready_file()
        except OSError as error:  # everything runs, which matters more
            _log.error("the ready file cannot be written", reason=str(error))

    def _write_ready_file(self) -> None:
        if self._options.ready_file is None:
            return
        content = {
            "url": self._url,
            "token": self._token,
            "databaseUrl": self._postgres.url,
            "redisUrl": self._valkey.url,
            "pids": self._supervisor.pids(),
        }
        write_private(self._options.ready_file, orjson.dumps(content).decode())


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
