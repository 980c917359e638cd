"""Processes of the service's own as parts, and the folder in which they share their metrics."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.processes.part import ProcessPart
from ingest.settings import METRICS_FOLDER, Settings

API = ("-m", "ingest", "serve")
WORKER = ("-m", "workers")
_MARGIN = 5.0  # seconds beyond a process's own time to shut down


@dataclass(frozen=True, slots=True)
class Service:
    """What all processes are given. All of them listen on the one port, or on none.

    `orphaned` is what they get when we are killed.
    """

    settings: Settings
    metrics: Path
    orphaned: signal.Signals

    def parts(self, kind: str, count: int, arguments: tuple[str, ...]) -> list[ProcessPart]:
        """`count` processes that run this Python with `arguments`."""
        command = [sys.executable, *arguments]
        grace = self.settings.shutdown_timeout + _MARGIN
        return [
            ProcessPart(
                kind, f"{kind} {number}", command, self._environment(), grace, self.orphaned
            )
            for number in range(1, count + 1)
        ]

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "INGEST_DATABASE_URL": self.settings.database_url,
            "INGEST_REDIS_URL": self.settings.redis_url,
            "INGEST_RESOURCES": self.settings.resources,
            "INGEST_HOST": self.settings.host,
            "INGEST_PORT": str(self.settings.port),
            "INGEST_REUSE_PORT": "true",
            "INGEST_PROCESSES": "1",
            "INGEST_WORKER_METRICS_PORT": "0",  # every API process shows the workers' as well
            METRICS_FOLDER: str(self.metrics),
        }


@contextmanager
def metrics_folder(path: Path | None = None) -> Iterator[Path]:
    """An empty private folder, removed in the end.

    Args:
        path: where; what a killed process left there is removed first. None for a new place.
    """
    if path is None:
        path = Path(tempfile.mkdtemp(prefix="ingest-metrics-"))
    else:
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
