"""`ingest serve --processes N`: API processes that share a port, kept running by this one."""

import asyncio
import signal
import tempfile
from dataclasses import replace
from pathlib import Path

import structlog

from ingest import logs, readiness
from ingest.processes.port import reserved_port
from ingest.processes.service import service_processes
from ingest.processes.supervisor import Supervisor
from ingest.ready_file import check_ready_file, places_of, ready_file
from ingest.redis import open_redis
from ingest.resources.registry import load_registry
from ingest.settings import Settings

_log = structlog.get_logger(__name__)


def serve_processes(settings: Settings, file: Path | None = None) -> None:
    """Run `settings.processes` API processes until SIGTERM or SIGINT.

    Each answers what it has before it ends; a second signal kills them. When this process is
    killed they end in the same way.

    Args:
        file: the ready file, rewritten whenever a process was started again; None for none.

    Raises:
        ConfigurationError: the resources cannot be served, the port is taken, or a process does
            not start; none is left running.
    """
    logs.configure(settings)
    if file is not None:
        check_ready_file(file)
    registry = load_registry(settings.resources)  # here, so that an error is reported once
    with (
        reserved_port(settings.host, settings.port, shared=settings.reuse_port) as port,
        tempfile.TemporaryDirectory(prefix="ingest-metrics-", ignore_cleanup_errors=True) as folder,
    ):
        settings = replace(settings, port=port)
        parts = service_processes(
            "api", settings.processes, settings, Path(folder), orphaned=signal.SIGTERM
        )
        supervisor = Supervisor()

        async def work() -> None:
            async with open_redis(settings):  # what is wrong with its URL is reported once, too
                pass
            await supervisor.start(parts)
            _log.info(
                "processes serve",
                host=settings.host,
                port=port,
                pids=supervisor.pids()["api"],
                collections=list(registry),
            )
            with ready_file(file, places_of(settings), supervisor.pids) as rewrite:
                readiness.announce()
                await supervisor.keep(on_recovery=rewrite)

        asyncio.run(supervisor.run(work()))
