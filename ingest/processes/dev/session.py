"""One run of `ingest dev`, from the first check to the last process that stops."""

import asyncio
import http.client
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import click
import orjson
import structlog

from ingest import logs
from ingest.errors import ConfigurationError
from ingest.processes.dev.access import development_token, migrate, service_login
from ingest.processes.dev.checks import check_ready_file
from ingest.processes.dev.greeting import greeting
from ingest.processes.dev.parts import ServerPart
from ingest.processes.embedded import (
    EmbeddedPostgres,
    EmbeddedValkey,
    FolderLock,
    private_folder,
    write_private,
)
from ingest.processes.part import POLL
from ingest.processes.ports import reserved_port
from ingest.processes.service import API, WORKER, Service, metrics_folder
from ingest.processes.supervisor import Supervisor, run_until_signal
from ingest.resources.registry import Registry, load_registry
from ingest.settings import Settings

SERVER_GRACE = 30.0
"""How long PostgreSQL and Valkey may take to stop, in seconds."""
_READY_TIMEOUT = 30.0  # seconds until /readyz must be 200
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOptions:
    """What `ingest dev` was asked for. The two URLs in `settings` are filled in by it."""

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
    settings = replace(options.settings, resources=_absolute(options.settings.resources))
    registry = load_registry(settings.resources)
    EmbeddedPostgres.check_installed()
    EmbeddedValkey.check_installed()
    folder = private_folder(options.data_dir)
    with (
        FolderLock(folder),
        reserved_port(settings.host, settings.port) as port,
        metrics_folder(folder / "metrics") as metrics,
    ):
        if options.ready_file is not None:
            check_ready_file(options.ready_file)
        options = replace(options, settings=replace(settings, port=port), data_dir=folder)
        asyncio.run(_Session(options, registry, metrics).run())


class _Session:
    def __init__(self, options: DevOptions, registry: Registry, metrics: Path) -> None:
        self._options = options
        self._settings = options.settings
        self._registry = registry
        self._folder = options.data_dir
        self._metrics = metrics
        self._postgres = EmbeddedPostgres(self._folder / "postgres")
        self._valkey = EmbeddedValkey(self._folder / "valkey")
        self._supervisor = Supervisor(on_recovery=self._rewrite_ready_file)
        self._url = _url(self._settings.host, self._settings.port)
        self._token = ""

    async def run(self) -> None:
        """Start everything and keep it running until a signal comes; then stop everything."""
        await run_until_signal(self._supervisor, self._work(), self._stop)

    async def _work(self) -> None:
        await self._supervisor.start(
            [ServerPart("postgres", self._postgres, SERVER_GRACE)],
            [ServerPart("redis", self._valkey, SERVER_GRACE)],
        )
        for sentence in await migrate(self._postgres, self._registry):
            click.echo(sentence, err=True)
        self._settings = replace(
            self._settings,
            database_url=await service_login(self._postgres, self._folder),
            redis_url=self._valkey.url,
        )
        self._token = await development_token(self._settings, self._postgres, self._folder)
        # PostgreSQL and Valkey stop when we are killed: there is nothing left to finish.
        service = Service(self._settings, self._metrics, orphaned=signal.SIGKILL)
        await self._supervisor.start(
            service.parts("worker", self._options.workers, WORKER),
            service.parts("api", self._options.api, API),
        )
        await self._answering()
        self._write_ready_file()
        click.echo(greeting(self._url, self._token, self._registry, self._folder))
        await self._supervisor.keep()

    async def _stop(self) -> None:
        if self._options.ready_file is not None:
            self._options.ready_file.unlink(missing_ok=True)
        await self._supervisor.stop()
        self._valkey.release()
        self._postgres.release()

    async def _answering(self) -> None:
        """Wait until `/readyz` is 200."""
        try:
            async with asyncio.timeout(_READY_TIMEOUT):
                while await asyncio.to_thread(_status, self._url) != 200:  # noqa: ASYNC110 - remote
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise ConfigurationError(
                f"{self._url}/readyz is not 200 after {_READY_TIMEOUT:.0f} s"
            ) from None

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


def _absolute(resources: str) -> str:
    """A file's path is made absolute for the processes that get it; a module's name stays."""
    is_file = resources.endswith(".py") or "/" in resources
    return str(Path(resources).absolute()) if is_file else resources


def _url(host: str, port: int) -> str:
    """Where this machine reaches what listens on `host`."""
    reachable = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _status(url: str) -> int | None:
    """The status of `GET /readyz`; None where nobody answers."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
