"""The command line: `ingest …`.

Commands import what they need when they run, so that `ingest --help` is quick. An error is one
line on standard error and status 1; wrong usage is status 2.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest.cli.batches import batches
from ingest.cli.doctor import doctor
from ingest.cli.operator import admin_settings
from ingest.cli.quotas import quotas
from ingest.cli.roles import roles
from ingest.cli.tokens import tokens
from ingest.errors import ConfigurationError, IngestError, RequestError
from ingest.load.command import load

if TYPE_CHECKING:
    from ingest.settings import Settings

_AT_LEAST_ONE = click.IntRange(min=1)
_PORT = click.IntRange(0, 65535)
_READY_FILE = click.option(
    "--ready-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Written, as JSON, once every part answers; removed at the end.",
)


class _Group(click.Group):
    """Shows every error of ours as one line."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except BrokenPipeError:  # the reader of our output has closed it
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - flushed at exit
            sys.exit(1)
        except (IngestError, OSError) as error:
            message, cause = str(error), error.__cause__
            if isinstance(error, RequestError) and cause is not None:
                message = f"{error.message}: {str(cause) or type(cause).__name__}"
            click.echo(f"ingest: {message}", err=True)
            sys.exit(1)


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
@_READY_FILE
def dev(host: str | None, port: int | None, resources: str | None, **options: Any) -> None:
    """Run everything on this machine: PostgreSQL, Valkey, API processes and workers."""
    from ingest.processes.dev import DevOptions, run

    if sys.stderr.isatty():  # for a person, in this process and in those it starts
        os.environ.setdefault("INGEST_LOG_FORMAT", "console")
    settings = _settings(host=host, port=port, resources=resources, database_url="", redis_url="")
    run(DevOptions(settings=settings, **options))


@cli.command()
@click.option("--host", help="Where to listen.  [default: INGEST_HOST or 127.0.0.1]")
@click.option("--port", type=_PORT, help="[default: INGEST_PORT or 8080]")
@click.option("--processes", type=_AT_LEAST_ONE, help="[default: INGEST_PROCESSES or 1]")
@_READY_FILE
def serve(
    host: str | None, port: int | None, processes: int | None, ready_file: Path | None
) -> None:
    """Run the API: one process, or several that share the port."""
    settings = _settings(host=host, port=port, processes=processes)
    if settings.processes > 1:
        from ingest.processes.serve import serve_processes

        serve_processes(settings, ready_file)
    else:
        from ingest.app import serve as serve_app

        serve_app(settings, ready_file)


@cli.command()
@_READY_FILE
def worker(ready_file: Path | None) -> None:
    """Run one worker."""
    file = [] if ready_file is None else ["--ready-file", str(ready_file)]
    # A process of its own: `ingest` never imports `workers`.
    os.execv(sys.executable, [sys.executable, "-m", "workers", *file])  # noqa: S606 - our own program


@cli.command()
@click.option("--plan", is_flag=True, help="Print the statements, and change nothing.")
@click.option("--drop", is_flag=True, help="Drop unique constraints that are no longer declared.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for the database to come up.  [default: 0]",
)
def migrate(plan: bool, drop: bool, wait: float) -> None:
    """Create or extend the tables; refuse what would lose data.

    Connects with INGEST_MIGRATE_DATABASE_URL, or with INGEST_DATABASE_URL where that is not set.
    """
    from ingest.resources.registry import load_registry

    nothing = "nothing to do: the database is up to date"
    if plan:
        from migrations.run import plan as call

        nothing = f"-- {nothing}"
    else:
        from migrations.run import migrate as call
    settings = admin_settings()
    done = call(settings.database_url, load_registry(settings.resources), drop=drop, wait=wait)
    for line in done or [nothing]:
        click.echo(line)


for _command in (batches, tokens, roles, quotas, doctor, load):
    cli.add_command(_command)


@cli.group()
def schema() -> None:
    """Look into the schemas that are served."""


@schema.command("explain")
@click.argument("collection", metavar="NAME")
def explain_collection(collection: str) -> None:
    """Show how each field of a collection is validated, and why no faster."""
    from ingest.resources.registry import load_registry
    from ingest.validation import explain_resource

    registry = load_registry(_settings(database_url="", redis_url="").resources)
    if collection not in registry:
        known = ", ".join(sorted(registry))
        raise ConfigurationError(f"there is no collection {collection!r}; there are {known}")
    for row in explain_resource(registry[collection]):
        click.echo("\t".join(row).rstrip())


def _settings(**given: Any) -> "Settings":
    """The settings of the environment, under the options that were given."""
    from ingest.environment import read_settings

    return read_settings(**{name: value for name, value in given.items() if value is not None})
