"""The command line: `ingest …`.

Commands import what they need when they run, so that `ingest --help` is quick. Whatever cannot
work is one line on standard error and status 1; wrong usage is status 2.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from ingest.cli_batches import batches
from ingest.console import admin_settings, show, time_text
from ingest.console import operator_pool as _pool
from ingest.errors import ConfigurationError, IngestError, RequestError
from ingest.load.command import load

if TYPE_CHECKING:
    from ingest.settings import Settings
    from ingest.store.tokens import Token

_AT_LEAST_ONE = click.IntRange(min=1)
_PORT = click.IntRange(0, 65535)


def main() -> None:
    """The entry point."""
    cli()


class _Group(click.Group):
    """Shows every error of ours as one line."""

    def invoke(self, context: click.Context) -> Any:
        with _one_line():
            return super().invoke(context)


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the flush at exit
        sys.exit(1)
    except (IngestError, OSError) as error:
        click.echo(f"ingest: {_message(error)}", err=True)
        sys.exit(1)


def _message(error: Exception) -> str:
    cause = error.__cause__
    if isinstance(error, RequestError) and cause is not None:
        return f"{error.message}: {cause or type(cause).__name__}"
    return str(error)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ingest-service", prog_name="ingest")
def cli() -> None:
    """Asynchronous batch ingestion: declare marshmallow schemas, get bulk endpoints and tables.

    Parts are configured by INGEST_DATABASE_URL, INGEST_REDIS_URL, INGEST_RESOURCES and the other
    INGEST_… variables.
    """
    if sys.path[0] != "":  # INGEST_RESOURCES=crm finds crm.py where the command is run
        sys.path.insert(0, "")


@cli.command()
@click.option("--host", help="Where to listen.  [default: 127.0.0.1]")
@click.option("--port", type=_PORT, help="0 takes a free one.  [default: 8080]")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".data"),
    show_default=True,
    help="Where PostgreSQL and Valkey keep their data.",
)
@click.option("--resources", help="A module (crm) or a file (./crm.py).  [default: examples]")
@click.option("--api", type=_AT_LEAST_ONE, default=1, show_default=True, help="API processes.")
@click.option("--workers", type=_AT_LEAST_ONE, default=1, show_default=True, help="Workers.")
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Written, as JSON, once every part answers.",
)
def dev(
    host: str | None,
    port: int | None,
    data_dir: Path,
    resources: str | None,
    api: int,
    workers: int,
    ready_file: Path | None,
) -> None:
    """Run everything on this machine: PostgreSQL, Valkey, API processes and workers."""
    from ingest.dev import DevOptions, run

    if sys.stderr.isatty():  # for a person, here and in the parts
        os.environ.setdefault("INGEST_LOG_FORMAT", "console")
    settings = _settings(host=host, port=port, resources=resources, database_url="", redis_url="")
    run(
        DevOptions(
            settings=settings, data_dir=data_dir, api=api, workers=workers, ready_file=ready_file
        )
    )


@cli.command()
@click.option("--host", help="Where to listen.  [default: INGEST_HOST or 127.0.0.1]")
@click.option("--port", type=_PORT, help="[default: INGEST_PORT or 8080]")
@click.option("--processes", type=_AT_LEAST_ONE, help="[default: INGEST_PROCESSES or 1]")
def serve(host: str | None, port: int | None, processes: int | None) -> None:
    """Run the API: one process, or several that share the port."""
    settings = _settings(host=host, port=port, processes=processes)
    if settings.processes > 1:
        from ingest.supervision.serve import serve_processes

        serve_processes(settings)
    else:
        from ingest.app import serve as serve_app

        serve_app(settings)


@cli.command()
def worker() -> None:
    """Run one worker."""
    # A process of its own: `ingest` never imports `workers`.
    os.execv(sys.executable, [sys.executable, "-m", "workers"])  # noqa: S606 - our own program


@cli.command()
def migrate() -> None:
    """Create or extend the tables; refuse what would lose data.

    Connects with INGEST_MIGRATE_DATABASE_URL, or with INGEST_DATABASE_URL where that is not set.
    """
    from ingest.resources import load_registry
    from migrations.run import migrate as run_migrations

    settings = admin_settings()
    done = run_migrations(settings.database_url, load_registry(settings.resources))
    for sentence in done or ["nothing to do: the database is up to date"]:
        click.echo(sentence)


cli.add_command(batches)
cli.add_command(load)


@cli.group()
def token() -> None:
    """Create, list and revoke tokens.

    Connects as `ingest migrate` does.
    """


@token.command("create")
@click.option("--account", required=True, help="Whose items the token reads and writes.")
@click.option("--name", default="", help="To recognise it in the list.")
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]),
    help="When it stops working; UTC unless it says otherwise.",
)
def create_token(account: str, name: str, expires: datetime | None) -> None:
    """Make a token and print it, alone, on standard output. It is never shown again."""
    from ingest.store import tokens

    expires_at = _future(expires)

    async def create() -> tuple[UUID, str]:
        async with _pool() as pool:
            return await tokens.create_token(pool, account, name, expires_at)

    token_id, secret = asyncio.run(create())
    click.echo(f"token {token_id} of account {account}; keep it, it is not shown again:", err=True)
    click.echo(secret)


@token.command("list")
@click.option("--account", help="Only this account's.")
def list_tokens(account: str | None) -> None:
    """List tokens: ids, accounts, names and times; never secrets."""
    from ingest.store import tokens

    async def read() -> "list[Token]":
        async with _pool() as pool:
            return await tokens.list_tokens(pool, account)

    _show([_row(each) for each in asyncio.run(read())])


@token.command("revoke")
@click.argument("token_id", metavar="ID", type=click.UUID)
def revoke_token(token_id: UUID) -> None:
    """Make a token stop working, at once and for good."""
    from ingest.store import tokens

    async def revoke() -> bool:
        async with _pool() as pool:
            return await tokens.revoke_token(pool, token_id)

    if not asyncio.run(revoke()):
        raise ConfigurationError(f"there is no token {token_id} that could be revoked")
    click.echo(f"revoked token {token_id}", err=True)


@cli.group()
def schema() -> None:
    """Look into the schemas that are served."""


@schema.command("explain")
@click.argument("collection", metavar="NAME")
def explain_collection(collection: str) -> None:
    """Show which fields of a collection are validated by compiled code, and why others are not."""
    from ingest.resources import load_registry
    from ingest.validation import explain_schema

    registry = load_registry(_settings(database_url="", redis_url="").resources)
    if collection not in registry:
        known = ", ".join(sorted(registry))
        raise ConfigurationError(f"there is no collection {collection!r}; there are {known}")
    for row in explain_schema(registry[collection].schema):
        click.echo("\t".join(row).rstrip())


def _settings(**given: Any) -> "Settings":
    """The settings of the environment, under the options that were given."""
    from ingest.settings import read_settings

    return read_settings(**{name: value for name, value in given.items() if value is not None})


def _future(expires: datetime | None) -> datetime | None:
    if expires is None:
        return None
    expires_at = expires if expires.tzinfo else expires.replace(tzinfo=UTC)
    if expires_at <= datetime.now(UTC):
        raise click.BadParameter("must be in the future", param_hint="--expires")
    return expires_at


_COLUMNS = ("id", "account", "name", "created", "expires", "revoked")


def _row(each: "Token") -> tuple[str, ...]:
    times = (each.created_at, each.expires_at, each.revoked_at)
    return (str(each.id), each.account, each.name, *(time_text(time) for time in times))


def _show(rows: list[tuple[str, ...]]) -> None:
    show(_COLUMNS, rows)
