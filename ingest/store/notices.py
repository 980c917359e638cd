"""PostgreSQL's NOTIFY: short messages to every process that listens, where Redis carries none.

https://www.postgresql.org/docs/current/sql-notify.html: a payload has less than 8,000 bytes, and
what is sent while nothing listens is lost.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from ingest.errors import Unavailable
from ingest.settings import Settings
from ingest.store.pool import Pool, open_pool
from ingest.store.session import is_pooled

_SEND = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) payload"
_UNREAD = 10_000  # messages of one process; what comes on top is lost
_ALIVE = 10.0  # seconds of silence after which the connection is tried


class Notices:
    """What a process sends and receives so."""

    def __init__(self, pool: Pool, own: Pool | None) -> None:
        """Args: `own`: has a connection to listen on, which is used for nothing else; None where
        no session is our own."""
        self._pool = pool
        self._own = own

    async def send(self, channel: str, payloads: Sequence[str]) -> bool:
        """Send messages. False where the database does not take them now."""
        try:
            async with self._pool.connection() as connection:
                await connection.execute(_SEND, channel, payloads)
        except Unavailable:
            return False
        return True

    async def received(self, channel: str) -> AsyncIterator[str]:
        """The messages of a channel, as they come; none behind a pooler, which carries none.

        Raises:
            Unavailable: the connection is lost; messages may have been missed.
        """
        messages: asyncio.Queue[str | None] = asyncio.Queue(_UNREAD)

        def receive(*message: Any) -> None:
            with suppress(asyncio.QueueFull):
                messages.put_nowait(message[-1])

        if self._own is None:
            await asyncio.Event().wait()
            return
        async with self._own.connection() as connection:
            try:
                connection.add_termination_listener(lambda _: receive(None))
                await connection.add_listener(channel, receive)
                while True:
                    message = None
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_ALIVE):
                            message = await messages.get()
                    if message is None:
                        await connection.execute("SELECT 1")
                    else:
                        yield message
            finally:
                connection.terminate()  # or the next one to use it would listen, too


@asynccontextmanager
async def open_notices(settings: Settings, pool: Pool) -> AsyncIterator[Notices]:
    """Open what listens; `pool` sends."""
    if is_pooled(settings):
        yield Notices(pool, None)
        return
    async with open_pool(replace(settings, database_pool=1), logged=False) as own:
        yield Notices(pool, own)
