"""Schemas of one collection before and after a change, and processes that serve either.

Every process is one that the stack does not know: an API on a port of its own, or a worker.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.processes.port import free_port
from tests.chaos.stack import ROOT, TIMEOUT, Stack
from tests.processes import clean_environment

_FILE = """
from marshmallow import Schema, fields
from ingest import Resource

class Parcel(Schema):
{fields}

parcels = Resource({name!r}, Parcel, key="code"{options})
"""
_CODE = "    code = fields.String(required=True)\n"


@dataclass(frozen=True, eq=False)
class Version:
    """One schema: its source, and what items of it carry, by the names that clients use."""

    fields: str
    columns: Mapping[str, str]
    """Columns by those names, beside the key."""
    options: str = ""


_A, _B = "    a = fields.String()\n", "    b = fields.Integer()\n"
BEFORE = Version(_CODE + _A, {"a": "a"})
CHANGES: Mapping[str, Version] = {
    # A new field comes first: the others are counted differently.
    "added": Version(_B + _CODE + _A, {"b": "b", "a": "a"}),
    "removed": Version(_CODE + _B, {"b": "b"}),
    "renamed": Version(_CODE + '    a = fields.String(data_key="A")\n', {"A": "a"}),
    "unique": Version(_CODE + _A, {"a": "a"}, ', unique=["a"]'),
    "all": Version(
        _B + _CODE + '    a = fields.String(data_key="A")\n', {"b": "b", "A": "a"}, ', unique=["a"]'
    ),
}


@dataclass(frozen=True)
class Process:
    """A process that serves one version; an API has a URL."""

    process: "subprocess.Popen[bytes]"
    version: Version
    url: str = ""

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)


class Versions:
    """Starts processes of several schemas on a stack's servers."""

    def __init__(self, stack: Stack, collection: str) -> None:
        self.collection = collection
        self._stack = stack
        self._running: list[Process] = []

    def api(self, version: Version) -> Process:
        port = free_port()
        process = self._start(version, ["-m", "ingest", "serve", "--port", str(port)])
        return self._kept(Process(process, version, f"http://127.0.0.1:{port}"))

    def worker(self, version: Version) -> Process:
        return self._kept(Process(self._start(version, ["-m", "workers"]), version))

    async def migrate(self, version: Version) -> int:
        """Run `ingest migrate`; its status."""
        process = self._start(version, ["-m", "ingest", "migrate"])
        return await asyncio.to_thread(process.wait, TIMEOUT)

    def end(self) -> None:
        """End every process that is left."""
        for each in self._running:
            each.process.kill()
            each.process.wait()

    def _kept(self, process: Process) -> Process:
        self._running.append(process)
        return process

    def _start(self, version: Version, command: list[str]) -> "subprocess.Popen[bytes]":
        environment = {
            **clean_environment(),
            "INGEST_LOG_FORMAT": "json",
            "INGEST_DATABASE_URL": self._stack.ready["databaseUrl"],
            "INGEST_REDIS_URL": self._stack.ready["redisUrl"],
            "INGEST_RESOURCES": str(self._file(version)),
            "INGEST_SWEEP_AFTER": "0.5",
        }
        with open(self._stack.log, "ab") as log:
            return subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    def _file(self, version: Version) -> Path:
        name = f"{self.collection}_{abs(hash(version.fields + version.options))}.py"
        file = self._stack.folder / name
        file.write_text(
            _FILE.format(fields=version.fields, name=self.collection, options=version.options)
        )
        return file
