"""A wire that counts the round trips between a process and one of its servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Wire:
    """Forwards connections to a server; what a client sends before it is answered is one trip."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._port = 0
        self._ends: set[asyncio.StreamWriter] = set()
        self.trips: list[bytes] = []
        """What was sent in each, in order."""

    @property
    def url(self) -> str:
        """Where the server is found through the wire."""
        login, at, _ = self._target.netloc.rpartition("@")
        return self._target._replace(netloc=f"{login}{at}127.0.0.1:{self._port}").geturl()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Wire"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for end in self._ends:
                end.transport.abort()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._ends |= {to_client, to_server}
        answered = asyncio.Event()
        answered.set()
        pumps = {
            asyncio.create_task(self._ask(client, to_server, answered)),
            asyncio.create_task(_answer(server, to_client, answered)),
        }
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for end in (to_client, to_server):
            end.transport.abort()
        await asyncio.gather(*pumps, return_exceptions=True)
        self._ends -= {to_client, to_server}

    async def _ask(
        self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter, answered: asyncio.Event
    ) -> None:
        while data := await client.read(65536):
            if answered.is_set():
                answered.clear()
                self.trips.append(b"")
            self.trips[-1] += data
            to_server.write(data)


async def _answer(
    server: asyncio.StreamReader, to_client: asyncio.StreamWriter, answered: asyncio.Event
) -> None:
    while data := await server.read(65536):
        answered.set()
        to_client.write(data)
