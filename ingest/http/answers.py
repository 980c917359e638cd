"""How answers are written: a piece at a time, at the pace at which their clients read.

A client that does not read must not cost memory. No more than a piece of its answer is handed to
its connection before it has read the one before, what all long answers of a process hold is
bounded, and who reads more slowly than `INGEST_ANSWER_PACE` is cut off.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import structlog
from aiohttp import web
from aiohttp.http import StreamWriter

from ingest.http.admission import Share
from ingest.http.pace import Pace, TooSlowClient
from ingest.http.service import SERVICE

log = structlog.get_logger(__name__)

PIECE = 64 * 1024
"""Bytes that are written at once; a connection waits for its client when it holds as many."""


class LongResponse(web.Response):
    """A response whose body is written in pieces."""

    def __init__(self, *, held: Share, **options: Any) -> None:
        """Args: `held` counts the body until it is written."""
        super().__init__(**options)
        self._held = held

    async def write_eof(self, data: bytes = b"") -> None:
        request, body = self._req, self._body
        try:
            if isinstance(request, web.Request) and isinstance(body, bytes):
                self._body = None
                if request.method != "HEAD":
                    async with paced(request) as pace:
                        await write(request, body, pace)
            await super().write_eof(data)
        finally:
            self._held.hold(0)


@asynccontextmanager
async def paced(request: web.Request) -> AsyncIterator[Pace]:
    """The pace at which the answer to a request must be read; else the connection is cut off.

    Raises:
        ConnectionResetError: it was.
    """
    settings = request.app[SERVICE].settings
    try:
        yield Pace(settings.answer_pace, settings.body_timeout)
    except TooSlowClient as error:
        log.warning("an answer was read too slowly", bytes=error.size)
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the answer was read too slowly") from error


async def write(request: web.Request, data: bytes, pace: Pace) -> None:
    """Write a part of the answer to a request, whose head is prepared. Raises as `drained`."""
    writer, view = cast("StreamWriter", request.writer), memoryview(data)
    for start in range(0, len(view), PIECE):
        piece = view[start : start + PIECE]
        await writer.write(piece, drain=False)
        await drained(request, pace)
        pace.count(len(piece))


async def drained(request: web.BaseRequest, pace: Pace) -> None:
    """Wait until the connection has room for more.

    Raises:
        TooSlowClient: that takes too long.
        ConnectionError: the client has gone.
    """
    if request.protocol.writing_paused:
        await asyncio.sleep(0)  # what the client has room for is sent at the end of this round
    if request.protocol.writing_paused:
        # Waiting is begun anew in each window, and what aiohttp waits with must not be cancelled.
        draining = asyncio.ensure_future(request.writer.drain())
        draining.add_done_callback(_look_at_error)
        await pace.keep(partial(asyncio.shield, draining))


def _look_at_error(task: "asyncio.Task[None]") -> None:
    """Keep asyncio from logging what a connection that was cut off has raised."""
    if not task.cancelled():
        task.exception()
