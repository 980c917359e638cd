"""The parts of `ingest dev` that are no processes of the service's own: the two servers."""

import asyncio
import subprocess

from ingest.processes.embedded import EmbeddedServer
from ingest.processes.part import POLL, Part


class ServerPart(Part):
    """One of the embedded servers."""

    def __init__(self, kind: str, server: EmbeddedServer, grace: float) -> None:
        super().__init__(kind, server.title, server.stop_signal, grace)
        self._server = server

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        return self._server.process

    async def _start(self) -> None:
        await asyncio.to_thread(self._server.prepare)
        self._server.spawn()  # not in a thread: the server would die when that thread ends
        while not await asyncio.to_thread(self._server.answers):
            self._server.check_alive()
            await asyncio.sleep(POLL)
