"""Bodies of NDJSON and CSV, read while they arrive: decompressed, decoded, counted, at a pace."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from aiohttp import web

from ingest.errors import RequestTimeout
from ingest.formats.compression import STEP, Decompressor, too_large
from ingest.formats.decoding import Decoder
from ingest.http.authentication import check_again
from ingest.http.body import Head, broken_off, kept_columns
from ingest.http.budget import Share
from ingest.http.keys import LARGE_ITEMS, PIPELINE, SETTINGS, WINDOWS
from ingest.http.large_items import LargeItem
from ingest.http.throttle import charge, slow_down

# Bytes of one item beyond which it is large: no two of those are worked on at once, and what is
# held of all of them is bounded. What is compressed is worked on alone from its first byte until
# it makes an item: size costs its sender nothing.
_LARGE_ITEM = 128 * 1024
# What a short body of zstd keeps is not counted: it is not refused for what long ones keep.
_LARGE_WINDOW = 128 * 1024


class StreamedBody:
    """The body of one request while it arrives, as `ingest.batches.streaming.Body` wants it."""

    def __init__(
        self, request: web.Request, head: Head, decoder: Decoder, digest: "hashlib.blake2b"
    ) -> None:
        """
        Args:
            digest: what the body's fingerprint begins with; it is given every decompressed byte.

        Raises:
            BodyTooLarge: more is announced than may be sent.
        """
        settings = request.app[SETTINGS]
        if not head.encodings and (request.content_length or 0) > settings.max_stream:
            raise too_large(settings.max_stream)
        self._request = request
        self._content = request.content
        self._decompressor = Decompressor(head.encodings, settings.max_stream)
        self._decoder = decoder
        self._digest = digest
        self._turns = request.app[PIPELINE].validating.turns
        self._pace = _Pace(settings.stream_pace, settings.body_timeout)
        self._rest = self._pieces()
        # Blank lines make no item and are not kept: more than this is never held of one.
        self._largest = settings.max_body
        self._ordinary = 0 if head.encodings else _LARGE_ITEM
        self._large = LargeItem(request.app[LARGE_ITEMS], settings.body_timeout)
        self._window = Share(request.app[WINDOWS])

    @property
    def columns(self) -> tuple[str, ...] | None:
        return kept_columns(self._decoder.columns)

    def fingerprint(self) -> bytes:
        return self._digest.digest()

    async def items(self) -> AsyncIterator[list[Any]]:
        unfinished = 0
        # Refused at its beginning; half-way it is only slowed.
        admit = charge
        try:
            async for piece in self._rest:
                unfinished += len(piece)
                if unfinished > self._ordinary:
                    await self._large.work()
                if unfinished > _LARGE_ITEM:
                    self._large.hold(min(unfinished, self._largest))
                found = await self._turn(
                    partial(self._decoder.feed, piece), long=unfinished > _LARGE_ITEM
                )
                if found:
                    unfinished = 0
                    self._large.end()  # others must not wait for what slows this one
                    await check_again(self._request)
                    await admit(self._request, len(found))
                    admit = slow_down
                    yield found
            found = await self._turn(self._decoder.end, long=unfinished > _LARGE_ITEM)
            await check_again(self._request)
            if found:
                await admit(self._request, len(found))
                yield found
        finally:
            self._large.end()

    async def drain(self) -> None:
        async for _ in self._rest:
            self._large.end()
        await check_again(self._request)

    async def close(self) -> None:
        """Let go of what it holds: a request that failed is kept for a while by its traceback."""
        await self._rest.aclose()
        self._large.end()
        self._window.hold(0)
        del self._decoder, self._decompressor

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        """The decompressed body, piece by piece."""
        while chunk := await self._pace.keep(self._receive):
            if not self._ordinary:
                await self._large.work()
            pieces = self._decompressed(chunk)
            while piece := await self._turn(partial(next, pieces, b"")):
                if self._decompressor.window > _LARGE_WINDOW:
                    self._window.hold(self._decompressor.window)
                self._digest.update(piece)
                self._pace.count(len(piece))
                yield piece
        self._decompressor.end()
        self._window.hold(0)

    async def _receive(self) -> bytes:
        """What comes next of the body as it is sent; others are not to wait for this client."""
        self._large.rest()
        return await self._content.readany()

    def _decompressed(self, chunk: bytes) -> Iterator[bytes]:
        for start in range(0, len(chunk), STEP):
            yield from self._decompressor.feed(chunk[start : start + STEP])

    async def _turn(self, work: Callable[[], Any], *, long: bool = False) -> Any:
        """Do work while no other stream does, then let others run.

        Args:
            long: it may take more than a few milliseconds; others run meanwhile.
        """
        async with self._turns:
            if long:
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
                    return await broken_off(receive)
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
