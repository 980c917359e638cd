"""`ingest serve --processes N`: API processes that share a port, kept running by this one."""

import asyncio
import signal
from dataclasses import replace

import structlog

from ingest import logs, readiness
from ingest.processes.ports import reserved_port
from ingest.processes.service import API, Service, metrics_folder
from ingest.processes.supervisor import Supervisor, run_until_signal
from ingest.resources.registry import load_registry
from ingest.settings import Settings

log = structlog.get_logger(__name__)


def serve_processes(settings: Settings) -> None:
    """Run `settings.processes` API processes until SIGTERM or SIGINT.

    Each answers what it has before it ends; a second signal kills them. When this process is
    killed they end in the same way.

    Raises:
        ConfigurationError: the resources cannot be served, the port is taken, or a process does
            not start; none is left running.
    """
    logs.configure(settings)
    registry = load_registry(settings.resources)  # here, so that what is wrong is said once
    with (
        reserved_port(settings.host, settings.port, shared=settings.reuse_port) as port,
        metrics_folder() as folder,
    ):
        service = Service(replace(settings, port=port), folder, signal.SIGTERM)
        asyncio.run(_serve(service, list(registry)))


async def _serve(service: Service, collections: list[str]) -> None:
    settings = service.settings
    supervisor = Supervisor()

    async def work() -> None:
        await supervisor.start(service.parts("api", settings.processes, API))
        log.info(
            "processes serve",
            host=settings.host,
            port=settings.port,
            pids=supervisor.pids()["api"],
            collections=collections,
        )
        readiness.announce()
        await supervisor.keep()

    await run_until_signal(supervisor, work(), supervisor.stop)
