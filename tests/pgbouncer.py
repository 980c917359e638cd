"""PgBouncer in transaction mode before the tests' PostgreSQL, where it is installed."""

import asyncio
import os
import shutil
import signal
from pathlib import Path
from urllib.parse import urlsplit

from ingest.processes.part import Part
from ingest.processes.port import LOOPBACK, free_port
from ingest.processes.privileges import open_way, run_as, unprivileged_account

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
_CONFIGURATION = """
[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = {address}
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 100
"""


class PgBouncer(Part):
    """Shares three sessions of a server, of the login in its URL, among all transactions.

    The rest of its configuration is PgBouncer's default.
    """

    kind, name = "pgbouncer", "PgBouncer"
    stop_signal = orphaned = signal.SIGTERM  # without waiting for its clients

    def __init__(self, folder: Path, server: str) -> None:
        self._folder = folder
        self._server = urlsplit(server)
        self.port = free_port()

    def url(self, database: str) -> str:
        """Where to connect to a database of the server."""
        return f"postgresql://{self._server.username}@{LOOPBACK}:{self.port}/{database}"

    async def _start(self) -> None:
        file, account = self._folder / "pgbouncer.ini", unprivileged_account()
        text = _CONFIGURATION.format(
            host=self._server.hostname,
            port=self._server.port,
            user=self._server.username,
            password=self._server.password,
            address=LOOPBACK,
            listen=self.port,
        )
        file.write_text(text, encoding="utf-8")
        if account is not None:
            open_way(account, file)
            os.chown(file, account.pw_uid, account.pw_gid)
        with (self._folder / "log").open("wb") as log:
            options = {"cwd": "/", "stdout": log, "stderr": log, **run_as(account)}
            self._spawn([str(PROGRAM), str(file)], {}, **options)
        await self._wait_for(self._answers)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, self.port)
        except OSError:
            return False
        writer.close()
        return True
