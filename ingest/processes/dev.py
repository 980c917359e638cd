"""`ingest dev`: everything on this machine, from the first check to the last process that stops."""

import asyncio
import shutil
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import click

from ingest import logs, readiness
from ingest.access.callers import digest_of
from ingest.errors import ConfigurationError
from ingest.folders import keep_secret, lock_folder, private_folder, write_private
from ingest.listening import local_url
from ingest.processes.greeting import greeting
from ingest.processes.port import reserved_port
from ingest.processes.postgres import EmbeddedPostgres
from ingest.processes.service import service_processes
from ingest.processes.supervisor import Supervisor
from ingest.processes.valkey import EmbeddedValkey
from ingest.ready_file import check_ready_file, ready_file
from ingest.resources.registry import Registry, load_registry
from ingest.settings import Settings
from ingest.store.pool import Pool, open_pool
from ingest.store.tokens import create_token, find_caller
from migrations.run import migrate

ACCOUNT = "dev"
LOGIN = "ingest_dev"
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
    api: int
    workers: int
    ready_file: Path | None


def run(options: DevOptions) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP; a second signal kills.

    Raises:
        ConfigurationError: something cannot work; nothing is left running.
    """
    settings = options.settings
    if settings.read_only:
        raise ConfigurationError("`ingest dev` runs a worker, which writes: unset INGEST_READ_ONLY")
    logs.configure(settings)
    registry = load_registry(settings.resources)
    folder = private_folder(options.data_dir)
    with lock_folder(folder), reserved_port(settings.host, settings.port) as port:
        metrics = folder / "metrics"
        shutil.rmtree(metrics, ignore_errors=True)  # what the last run counted
        metrics.mkdir(mode=0o700)
        if options.ready_file is not None:
            check_ready_file(options.ready_file)
        options = replace(options, settings=replace(settings, port=port), data_dir=folder)
        supervisor = Supervisor()
        asyncio.run(supervisor.run(_work(supervisor, options, registry, metrics)))


async def _work(
    supervisor: Supervisor, options: DevOptions, registry: Registry, metrics: Path
) -> None:
    """Start everything, print where it is, and keep it running."""
    folder = options.data_dir
    postgres, valkey = EmbeddedPostgres(folder / "postgres"), EmbeddedValkey(folder / "valkey")
    await supervisor.start([postgres], [valkey])
    for sentence in await asyncio.to_thread(migrate, postgres.url, registry):
        click.echo(sentence, err=True)
    password = keep_secret(folder / "service-password")
    async with open_pool(replace(options.settings, database_url=postgres.url), role=None) as pool:
        await _make_login(pool, password)
        token = await _development_token(pool, folder)
    settings = replace(
        options.settings, database_url=postgres.url_for(LOGIN, password), redis_url=valkey.url
    )
    # PostgreSQL and Valkey stop when we are killed: these have nothing left to finish.
    workers, apis = (
        service_processes(kind, count, settings, metrics, orphaned=signal.SIGKILL)
        for kind, count in (("worker", options.workers), ("api", options.api))
    )
    await supervisor.start(workers, apis)

    url = local_url(settings.host, settings.port)
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


async def _make_login(pool: Pool, password: str) -> None:
    """Make the login under which the services connect, which row-level security binds."""
    async with pool.connection() as connection:
        # The password is hexadecimal: it needs no quoting.
        await connection.execute(_LOGIN.format(login=LOGIN, password=password))


async def _development_token(pool: Pool, folder: Path) -> str:
    """The token of the account `dev`: the one of the last run while it works, else a new one."""
    file = folder / "token"
    if file.exists():
        token = file.read_text(encoding="utf-8")
        caller = await find_caller(pool, digest_of(token))
        if caller is not None and caller.account == ACCOUNT:
            return token
    _, token = await create_token(pool, ACCOUNT, "ingest dev")
    write_private(file, token)
    return token
