"""Bodies of NDJSON and CSV, worked on piece by piece while they arrive, in bounded memory."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from aiohttp import web

from ingest.errors import RequestTimeout
from ingest.formats.compression import STEP, Decompressor
from ingest.formats.decoding import Decoder
from ingest.http.admission import LONG, STREAM, LargeItem, Share
from ingest.http.bodies import Body, unbroken
from ingest.http.service import SERVICE

# Bytes of one item beyond which it is large: no two of those are worked on at once, and what is
# held of all of them is bounded. What is compressed is worked on alone from its first byte until it
# makes an item: size costs its sender nothing.
_LARGE_ITEM = 128 * 1024
# What a short body of zstd keeps is not counted: it is not refused for what long ones keep.
_LARGE_WINDOW = 128 * 1024
# Columns of a CSV file, and bytes of their names, above which they are not kept with its batch.
_MAX_COLUMNS = 1_000
_MAX_NAMES = 64 * 1024


class Stream(Body):
    """A body whose items come as they are complete; it only has to keep its pace."""

    streamed = True

    def __init__(self, request: web.Request, limit: int, decoder: Decoder) -> None:
        super().__init__(request, limit, decoder)
        service = request.app[SERVICE]
        self._pace = _Pace(service.settings.stream_pace, service.settings.body_timeout)
        self._largest = service.settings.max_body
        self._received = 0
        self._decompressor = Decompressor(self._head.encodings, limit)
        timeout = service.settings.body_timeout
        self._large = LargeItem(service.admission, self._account, timeout)
        self._window = Share(service.admission.windows, self._account)
        self._pieces = self._decompressed_pieces()

    @property
    def columns(self) -> tuple[str, ...] | None:
        columns = self._decoder.columns
        if not columns or len(columns) > _MAX_COLUMNS or sum(map(len, columns)) > _MAX_NAMES:
            return None
        return columns

    async def drain(self) -> None:
        async for _ in self._pieces:
            self._large.end()
        self._complete = True
        await self._gate.authenticate()

    async def aclose(self) -> None:
        await super().aclose()
        await self._pieces.aclose()
        self._large.end()
        self._window.hold(0)
        del self._decoder, self._decompressor

    async def _arrive(self) -> AsyncGenerator[list[Any], None]:
        unfinished = 0
        ordinary = 0 if self._head.encodings else _LARGE_ITEM
        async for piece in self._pieces:
            unfinished += len(piece)
            if unfinished > ordinary:
                await self._large.work()
            if unfinished > _LARGE_ITEM:
                # Blank lines make no item and are not kept: more than this is never held of one.
                self._large.hold(min(unfinished, self._largest))
            feed = partial(self._decoder.feed, piece)
            found = await self._take_turn(feed, size=unfinished)
            if found:
                unfinished = 0
                self._large.end()  # others must not wait for what slows this one
                await self._gate.admit(len(found))
                yield found
        self._complete = True
        found = await self._take_turn(self._decoder.end, size=unfinished)
        self._large.end()
        await self._gate.admit(len(found))
        yield found

    async def _decompressed_pieces(self) -> AsyncGenerator[bytes, None]:
        while chunk := await self._pace.keep(self._receive):
            if self._head.encodings:
                await self._large.work()
            self._received += len(chunk)
            self._memory.hold(min(self._received, STREAM) if self._received > LONG else 0)
            pieces = self._decompressed(chunk)
            while piece := await self._take_turn(partial(next, pieces, b"")):
                if self._decompressor.window > _LARGE_WINDOW:
                    self._window.hold(self._decompressor.window)
                if self._digest is not None:
                    self._digest.update(piece)
                self._pace.count(len(piece))
                yield piece
        self._decompressor.end()
        self._window.hold(0)

    async def _receive(self) -> bytes:
        """What comes next of the body as it is sent; others are not to wait for this client."""
        self._large.rest()
        return await self._content.readany()

    def _decompressed(self, sent: bytes) -> Iterator[bytes]:
        for start in range(0, len(sent), STEP):
            yield from self._decompressor.feed(sent[start : start + STEP])

    async def _take_turn(self, work: Callable[[], Any], *, size: int = 0) -> Any:
        """Do work while no other stream does, then let other requests run.

        Args:
            size: bytes that it is about; what may take long is done in a thread.
        """
        async with self._admission.turn.taken(self._account):
            if size > _LARGE_ITEM:
                return await asyncio.to_thread(work)
            done = work()
            await asyncio.sleep(0)
        return done


class _Pace:
    """Waits for a client for as long as it keeps a pace: so many bytes in each window of time."""

    def __init__(self, rate: int, seconds: float) -> None:
        """Args: `rate` in bytes a second, `seconds` of one window. Only waiting takes time."""
        self._rate = rate
        self._seconds = self._left = seconds
        self._bytes = 0

    def count(self, size: int) -> None:
        self._bytes += size

    async def keep(self, receive: Callable[[], Awaitable[bytes]]) -> bytes:
        """What comes next.

        Raises:
            RequestTimeout: too little has come.
            MalformedBody: the client has gone.
        """
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            try:
                async with asyncio.timeout(self._left):
                    return await unbroken(receive)
            except TimeoutError:
                self._next_window()
            finally:
                self._left -= clock() - started

    def _next_window(self) -> None:
        if self._bytes < self._rate * self._seconds:
            raise RequestTimeout(
                f"The body arrives at less than {self._rate} bytes a second",
                f"Only {self._bytes} (decompressed) came in {self._seconds:g} seconds.",
            ) from None
        self._bytes = 0
        self._left = self._seconds
