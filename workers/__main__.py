"""`python -m workers`: one worker process, until SIGTERM or SIGINT."""

import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click
import structlog
import uvloop

from ingest import logs, metrics, readiness
from ingest.environment import read_settings
from ingest.errors import ConfigurationError
from ingest.ready_file import check_ready_file, ready_file, servers_of
from ingest.resources.registry import Registry, load_registry
from ingest.settings import Settings
from workers.settings import open_committer, running_worker

log = structlog.get_logger(__name__)


async def run(settings: Settings, registry: Registry, file: Path | None = None) -> None:
    """Work until a signal, or until a part of the worker fails.

    Args:
        file: the ready file; None for none.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with ExitStack() as opened:
        announce = partial(_announce, opened, settings, file)
        async with (
            open_committer(settings, registry) as committer,
            running_worker(committer, announce) as tasks,
        ):
            log.info("working", collections=list(registry))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            readiness.stopping()


def _announce(opened: ExitStack, settings: Settings, file: Path | None) -> None:
    """Report that the worker works; the ready file lies there until `opened` is closed."""
    try:
        pids = {"worker": [os.getpid()]}
        opened.enter_context(ready_file(file, servers_of(settings), lambda: pids))
    except OSError as error:  # it works, which matters more
        log.error("the ready file cannot be written", reason=str(error))  # noqa: TRY400 - no bug
    readiness.announce()


def main(file: Path | None = None) -> int:
    """Run a worker; the status of the process.

    Args:
        file: the ready file; None for none.
    """
    try:
        settings = read_settings()
        if settings.read_only:
            raise ConfigurationError("a worker writes: unset INGEST_READ_ONLY for it")
        logs.configure(settings)
        if file is not None:
            check_ready_file(file)
        registry = load_registry(settings.resources)
        metrics.prepare_worker(registry)
        if settings.worker_metrics_port:
            metrics.serve(settings.host, settings.worker_metrics_port)
        uvloop.run(run(settings, registry, file))
    except ConfigurationError as error:
        print(f"ingest: {error}", file=sys.stderr)  # noqa: T201 - the command's one line
        return 1
    return 0


@click.command()
@click.option("--ready-file", type=click.Path(path_type=Path, dir_okay=False))
def command(ready_file: Path | None) -> None:
    """Run one worker."""
    sys.exit(main(ready_file))


if __name__ == "__main__":
    command()
