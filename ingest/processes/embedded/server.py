"""What both embedded servers have in common: a folder, a port, a child in the foreground."""

import importlib.util
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, ClassVar, Self

from ingest.errors import ConfigurationError
from ingest.processes.children import die_with_parent, signal_session
from ingest.processes.embedded.files import FolderLock, keep_secret, private_folder
from ingest.processes.embedded.ports import free_port
from ingest.processes.embedded.privileges import Account

START_TIMEOUT = 60.0
"""How long a server may take to answer, recovery after a crash included, in seconds."""
STOP_TIMEOUT = 30.0
"""How long a server may take to stop before it is killed, in seconds."""
POLL = 0.02
"""How often to look whether a server answers, in seconds."""
_LAST_WORDS = 2_000  # bytes of the log


class EmbeddedServer(ABC):
    """A database server out of a wheel, as a child in the foreground of its own session.

    `start` and `stop` block. `prepare`, `spawn` and `answers` are the steps of `start`, for a
    caller that must not block. The port is chosen at the first start and kept from then on, so a
    server that died is started again with `start` and answers at the same `url`.

    Args:
        folder: where its data, its password and its log are kept; made where it is missing.
        settings: settings of the server, over the ones that this class chooses.
    """

    title: ClassVar[str]
    process_name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder.absolute()
        self.settings = dict(settings or {})
        self.process: subprocess.Popen[bytes] | None = None
        self._lock = FolderLock(self.folder)
        self._port: int | None = None
        self._log_offset = 0

    @property
    @abstractmethod
    def url(self) -> str:
        """Where to connect, password included."""

    @property
    def data(self) -> Path:
        """The folder that the server itself works in."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The file that the server's own messages go to."""
        return self.folder / "log"

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        if self._port is None:
            self._port = free_port()
        return self._port

    @property
    def password(self) -> str:
        """The password of the server, made at the first use; the folder must exist."""
        return keep_secret(self.folder / "password")

    @property
    def alive(self) -> bool:
        """Whether the process runs, answering or not."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the server.

        Raises:
            RuntimeError: it was not started.
        """
        if self.process is None:
            raise RuntimeError(f"{self.title} was not started")
        return self.process.pid

    def start(self) -> None:
        """Start the server and wait until it answers; while it runs, do nothing.

        Raises:
            ConfigurationError: its folder is in use or not writable, it stopped, or it took longer
                than a minute; what it last said is in the message.
        """
        if self.alive:
            return
        try:
            self.prepare()
            self.spawn()
            self._wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, wait until it is gone, and free its folder."""
        self._stop(self.stop_signal)

    def prepare(self) -> None:
        """Lock the folder, stop what a killed process left running in it, and fill it if new."""
        self.check_installed()
        private_folder(self.folder)
        self._lock.acquire()
        # Here and not above, because psutil comes with the extra that was just checked.
        from ingest.processes.embedded.orphans import stop_orphans

        stop_orphans(self.process_name, self.data.resolve(), self.stop_signal, STOP_TIMEOUT)
        self._fill()

    @classmethod
    @abstractmethod
    def check_installed(cls) -> None:
        """Raise ConfigurationError where the wheel with the server is not installed."""

    @abstractmethod
    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the prepared server, and return at once."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server takes connections now."""

    @abstractmethod
    def _fill(self) -> None:
        """Make what the folder needs before the server can start."""

    def check_alive(self) -> None:
        """Raise ConfigurationError, with the server's last words, where it has stopped."""
        if self.process is not None and self.process.poll() is not None:
            raise ConfigurationError(
                f"{self.title} stopped with status {self.process.returncode}: {self._last_words()}"
            )

    def release(self) -> None:
        """Free the folder, once the server has stopped."""
        self._lock.release()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not self.answers():
            self.check_alive()
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    f"{self.title} does not answer after {START_TIMEOUT:.0f} s; see {self.log}"
                )
            time.sleep(POLL)

    def _stop(self, number: signal.Signals) -> None:
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(number)
            try:
                self.process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                signal_session(self.process, signal.SIGKILL)
                self.process.wait()
        self.release()

    def _spawn(self, command: Sequence[str], account: Account | None) -> subprocess.Popen[bytes]:
        """Start a server in its data folder, logging to its log, in a session of its own.

        Its own session, because Ctrl-C on a terminal goes to the whole group: whoever started the
        server stops it, after the processes that still need it.
        """
        with self._open_log() as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own binary and arguments
                command,
                cwd=self.data,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(self.stop_signal),
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        return self.process

    def _environment(self) -> dict[str, str]:
        """What a server inherits: nothing that would change how it behaves."""
        kept = {
            name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ
        }
        return {**kept, "LC_ALL": "C", "TZ": "UTC"}

    def _open_log(self) -> IO[bytes]:
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._log_offset = os.fstat(descriptor).st_size
        return open(descriptor, "ab")

    def _last_words(self) -> str:
        """The last lines that the server logged since it was started, as one."""
        with open(self.log, "rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_offset, size - _LAST_WORDS))
            lines = log.read().decode(errors="replace").splitlines()
        return " ".join(line.strip() for line in lines[-2:]) or f"see {self.log}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


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
