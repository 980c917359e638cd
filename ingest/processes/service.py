"""The service's own processes as parts."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.environment import METRICS_FOLDER, PART
from ingest.processes.part import Part
from ingest.readiness import NOTIFY_SOCKET, READY_FD
from ingest.settings import Settings

_ARGUMENTS = {"api": ("-m", "ingest", "serve"), "worker": ("-m", "workers")}
_MARGIN = 5.0  # seconds beyond a process's own time to shut down


@dataclass(eq=False)
class ServiceProcess(Part):
    """A process that calls `readiness.announce` once it accepts work.

    Args:
        environment: all of its environment, but for what this adds.
        stdout: as for `Popen`; None to share ours.
    """

    kind: str
    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    grace: float
    start_timeout: float = 60.0
    orphaned: signal.Signals = signal.SIGKILL
    stdout: int | None = None

    async def _start(self) -> None:
        read, write = os.pipe()
        with open(read, "rb", buffering=0) as pipe:  # noqa: ASYNC230 - it does not block
            os.set_blocking(read, False)
            with open(write, "wb"):  # noqa: ASYNC230 - closed once the child has it
                part = self.name.replace(" ", "-")
                self._spawn(
                    self.command,
                    {**self.environment, PART: part, READY_FD: str(write)},
                    pass_fds=[write],
                    stdout=self.stdout,
                )

            async def announced() -> bool:
                return bool(pipe.read(1))

            await self._wait_for(announced)


def service_processes(
    kind: str,
    count: int,
    settings: Settings,
    metrics: Path,
    orphaned: signal.Signals,
) -> list[ServiceProcess]:
    """Processes that are started on the same settings.

    Args:
        kind: "api", which all share one port, or "worker".
        metrics: the folder in which all of them share their metrics.
        orphaned: what they get when we are killed.
    """
    command = [sys.executable, *_ARGUMENTS[kind]]
    environment = {
        **os.environ,
        "INGEST_DATABASE_URL": settings.database_url,
        "INGEST_REDIS_URL": settings.redis_url,
        "INGEST_RESOURCES": settings.resources,
        "INGEST_HOST": settings.host,
        "INGEST_PORT": str(settings.port),
        "INGEST_REUSE_PORT": "true",
        "INGEST_PROCESSES": "1",
        "INGEST_WORKER_METRICS_PORT": "0",  # every API process shows the workers' as well
        METRICS_FOLDER: str(metrics),
    }
    environment.pop(NOTIFY_SOCKET, None)  # this process reports for all of them
    grace = settings.shutdown_timeout + _MARGIN
    return [
        ServiceProcess(kind, f"{kind} {number}", command, environment, grace, orphaned=orphaned)
        for number in range(1, count + 1)
    ]
