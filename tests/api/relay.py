"""A wire to PostgreSQL that a test can cut where it likes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import Enum, auto
from functools import partial
from urllib.parse import urlsplit

ACCEPTS = b"INSERT INTO ingest.payloads"  # it is in no other statement of a small write
_READY = b"Z\0\0\0\5I"


class Cut(Enum):
    """What gets lost of the statement that accepts a batch, which is a transaction by itself."""

    NOTHING = auto()
    STATEMENT = auto()
    ANSWER = auto()
    CLIENT = auto()
    """The statement is held back, its client disconnected; `release` lets it through."""


class Relay:
    """Forwards connections to a PostgreSQL server, until a cut is set."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._wires: set[asyncio.StreamWriter] = set()
        self.cut = Cut.NOTHING
        self.then_away = False
        """Whether nothing can be reached after the cut."""
        self._statement: bytes | None = None
        self._held: Callable[[], Awaitable[bytes]] | None = None

    @property
    def url(self) -> str:
        login = self._target.netloc.rpartition("@")[0]
        return self._target._replace(netloc=f"{login}@127.0.0.1:{self._port}").geturl()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def release(self) -> bytes:
        """Let a statement through that was held back, and return what the server says to it."""
        assert self._held is not None, "nothing is held back"
        return await self._held()

    def close(self) -> None:
        """Refuse new connections, and drop those that are there."""
        if self._server is not None:
            self._server.close()
        for wire in self._wires:
            wire.transport.abort()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        host, port = self._target.hostname, self._target.port
        server, to_server = await asyncio.open_connection(host, port)
        wires = {to_client, to_server}
        self._wires |= wires
        lost = asyncio.Event()
        pumps = [
            asyncio.create_task(self._ask(client, to_server, lost)),
            asyncio.create_task(_answer(server, to_client, lost)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        if lost.is_set() and self.then_away:
            self.close()
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        if (held := self._statement) is not None:
            self._statement = None
            self._held = partial(_let_through, held, server, to_server)
            wires = {to_client}
        self._wires -= wires
        for wire in wires:
            wire.transport.abort()

    async def _ask(
        self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        accepts = b""
        while data := await client.read(65536):
            if data[:1] == b"P" and ACCEPTS in data:
                accepts = data[5 : data.index(b"\0", 5) + 1]  # what the statement is called
            if accepts and _is_bind(data, accepts) and self.cut is not Cut.NOTHING:
                lost.set()
                cut, self.cut = self.cut, Cut.NOTHING
                if cut is Cut.CLIENT:
                    self._statement = data
                if cut is not Cut.ANSWER:
                    return
            to_server.write(data)


def _is_bind(data: bytes, statement: bytes) -> bool:
    """Whether a message binds a statement: `B`, its length, the portal, the statement."""
    return data[:1] == b"B" and data[data.index(b"\0", 5) + 1 :].startswith(statement)


async def _let_through(
    statement: bytes, server: asyncio.StreamReader, to_server: asyncio.StreamWriter
) -> bytes:
    to_server.write(statement)
    try:
        return await server.readuntil(_READY)
    finally:
        to_server.transport.abort()


async def _answer(
    server: asyncio.StreamReader, to_client: asyncio.StreamWriter, lost: asyncio.Event
) -> None:
    while data := await server.read(65536):
        if lost.is_set():
            return  # the server has run the statement, and its answer is lost
        to_client.write(data)


@asynccontextmanager
async def relayed(target: str) -> AsyncIterator[Relay]:
    """A relay to `target`, closed in the end."""
    relay = Relay(target)
    await relay.open()
    try:
        yield relay
    finally:
        relay.close()
