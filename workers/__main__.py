"""`python -m workers`: one worker process, until SIGTERM or SIGINT."""

import asyncio
import signal
import sys

import structlog
import uvloop

from ingest import logs, metrics
from ingest.errors import ConfigurationError
from ingest.resources.registry import Registry, load_registry
from ingest.settings import Settings, read_settings
from workers.settings import open_committer, running_worker

log = structlog.get_logger(__name__)


async def run(settings: Settings, registry: Registry) -> None:
    """Work until a signal, or until a part of the worker fails."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stopping = asyncio.create_task(stop.wait())
    async with open_committer(settings, registry) as committer, running_worker(committer) as tasks:
        log.info("working", collections=list(registry))
        await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)


def main() -> int:
    try:
        settings = read_settings()
        logs.configure(settings)
        if settings.read_only:
            raise ConfigurationError("a worker writes: unset INGEST_READ_ONLY for it")
        registry = load_registry(settings.resources)
        metrics.prepare_worker(registry)
        if settings.worker_metrics_port:
            metrics.serve(settings.host, settings.worker_metrics_port)
    except ConfigurationError as error:
        print(f"ingest: {error}", file=sys.stderr)  # noqa: T201 - the command's one line
        return 1
    uvloop.run(run(settings, registry))
    return 0


if __name__ == "__main__":
    sys.exit(main())
