"""Bodies of NDJSON and CSV, worked on piece by piece while they arrive, in bounded memory."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from functools import partial
from typing import Any

from aiohttp import web

from ingest.errors import RequestTimeout
from ingest.formats.compression import STEP, Decompressor
from ingest.formats.decoding import Decoder
from ingest.http.admission import LONG, STREAM, LargeItem, Share
from ingest.http.bodies import Body, unbroken
from ingest.http.pace import Pace, TooSlowClient
from ingest.http.service import SERVICE

# Bytes of one item beyond which it is large: no two of those are worked on at once, and what is
# held of all of them is bounded. What is compressed is worked on alone from its first byte until it
# makes an item: size costs its sender nothing.
_LARGE_ITEM = 128 * 1024
# Lines that are decoded in one turn, and bytes where there are more of them: of the shortest ones
# that fail, that is some thousands.
_LINES = 2_000
_TURN = 8 * 1024
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
        self._pace = Pace(service.settings.stream_pace, service.settings.body_timeout)
        self._largest = service.settings.max_body
        self._received = 0
        self._decompressor = Decompressor(self._head.encodings, limit)
        timeout = service.settings.body_timeout
        self._large = LargeItem(service.admission, self._account, timeout)
        self._window = Share(service.admission.windows, self._account)
        self._ordinary = 0 if self._head.encodings else _LARGE_ITEM
        self._unfinished = 0  # bytes of the item that is arriving
        self._pieces = self._decompressed_pieces()

    @property
    def columns(self) -> tuple[str, ...] | None:
        columns = self._decoder.columns
        if not columns or len(columns) > _MAX_COLUMNS or sum(map(len, columns)) > _MAX_NAMES:
            return None
        return columns

    async def pause(self) -> None:
        self._presence.look()  # it may have sent more than was read
        await self._loop_time.turn(self._account)

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
        async for piece in self._pieces:
            for part in self._cut(piece):
                if found := await self._decode_part(part):
                    await self._gate.admit(len(found))
                    yield found
        self._complete = True
        found = await self._take_turn(self._decoder.end, size=self._unfinished)
        self._large.end()
        await self._gate.admit(len(found))
        yield found

    def _cut(self, piece: bytes) -> Iterator[bytes]:
        """The parts of a piece that are decoded in one turn each."""
        size = len(piece)
        # What a thread decodes keeps no other waiting.
        if self._unfinished + size <= _LARGE_ITEM:
            lines = max(piece.count(b"\n"), piece.count(b"\r"))
            size = size if lines <= _LINES else _TURN
        return (piece[start : start + size] for start in range(0, len(piece), size))

    async def _decode_part(self, part: bytes) -> list[Any]:
        """The items that end in a part."""
        line = self._decoder.line
        self._unfinished += len(part)
        if self._unfinished > self._ordinary:
            await self._large.work()
        if self._unfinished > _LARGE_ITEM:
            self._large.hold(min(self._unfinished, self._largest))
        feed = partial(self._decoder.feed, part)
        found: list[Any] = await self._take_turn(feed, size=self._unfinished)
        if self._decoder.line != line:  # blank lines make no item, and are not kept
            self._unfinished = 0
            self._large.end()  # others must not wait for what slows this one
        return found

    async def _decompressed_pieces(self) -> AsyncGenerator[bytes, None]:
        while chunk := await self._next_chunk():
            if self._head.encodings:
                await self._large.work()
            self._received += len(chunk)
            self._memory.hold(min(self._received, STREAM) if self._received > LONG else 0)
            pieces = self._decompressed(chunk)
            while (piece := await self._take_turn(partial(next, pieces, None))) is not None:
                await self.pause()
                if self._decompressor.window > _LARGE_WINDOW:
                    self._window.hold(self._decompressor.window)
                if self._digest is not None:
                    self._digest.update(piece)
                self._pace.count(len(piece))
                if piece:
                    yield piece
        self._decompressor.end()
        self._window.hold(0)

    async def _next_chunk(self) -> bytes:
        """What comes next, from a client that keeps its pace."""
        try:
            return await self._pace.keep(partial(unbroken, self._receive))
        except TooSlowClient as error:
            raise RequestTimeout(
                f"The body arrives at less than {self._pace.rate} bytes a second",
                f"Only {error.size} (decompressed) came in {self._pace.seconds:g} seconds.",
            ) from None

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
                return await asyncio.to_thread(self._loop_time.take, self._account, work)
            done = work()
            await asyncio.sleep(0)
        return done
