"""Request bodies: pieces in as they arrive, items out as they are complete.

::

    sent ─▶ decompressed ─▶ decoded ─▶ admitted ─▶ items
            within its limit, fingerprinted

A body of JSON, XML or YAML is read to its end, and decoded once it is its turn: decoded, it takes
several times its bytes. NDJSON and CSV are worked on piece by piece, in bounded memory.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from ingest.errors import MalformedBody, RequestTimeout
from ingest.formats.compression import STEP, Decompressor, too_large
from ingest.formats.decoding import open_decoder
from ingest.formats.limits import Limits, no_body
from ingest.formats.negotiation import JSON, STREAMS
from ingest.http.admission import Admission, LargeItem, Share
from ingest.http.gate import Gate
from ingest.http.request import Call
from ingest.model import IdempotencyKey
from ingest.resources.resource import Resource
from ingest.settings import Settings

# What takes longer than a few milliseconds to decode is decoded beside the event loop; JSON is
# quicker.
_MUCH = 64 * 1024
_MUCH_JSON = 256 * 1024
# Bytes of one item of a stream beyond which it is large: no two of those are worked on at once, and
# what is held of all of them is bounded. What is compressed is worked on alone from its first byte
# until it makes an item: size costs its sender nothing.
_LARGE_ITEM = 128 * 1024
# What a short body of zstd keeps is not counted: it is not refused for what long ones keep.
_LARGE_WINDOW = 128 * 1024
# Columns of a CSV file, and bytes of their names, above which they are not kept with its batch.
_MAX_COLUMNS = 1_000
_MAX_NAMES = 64 * 1024


class Body:
    """The body of one request, as `ingest.batches.write.Body` describes it."""

    def __init__(
        self,
        call: Call,
        resource: Resource,
        groups: tuple[str, ...],
        request: web.Request,
        gate: Gate,
        admission: Admission,
        settings: Settings,
    ) -> None:
        """Args: `groups` are those that the caller is confined to."""
        head = call.head
        limits = Limits(settings.max_body, settings.max_items, settings.max_nesting)
        self.streamed = head.format.media_type in STREAMS
        self._head = head
        self._can_be_read = request.can_read_body
        self._content: StreamReader = request.content
        self._announced = request.content_length or 0
        self._limit = settings.max_stream if self.streamed else settings.max_body
        # What cannot be compressed becomes a little longer by it.
        self._most_sent = self._limit + (self._limit // 64 + 1024 if head.encodings else 0)
        self._largest = settings.max_body
        self._timeout = settings.body_timeout
        self._pace = _Pace(settings.stream_pace, settings.body_timeout)
        self._decompressor = Decompressor(head.encodings, self._limit)
        self._decoder = open_decoder(head.format, resource, call.matching, limits)
        self._gate = gate
        self._admission = admission
        self._large = LargeItem(admission, settings.body_timeout)
        self._window = Share(admission.windows)
        self._digest = None if call.idempotency_key is None else _digest(call, groups)
        self._complete = False
        self._ahead: list[Any] | None = None
        self._pieces = self._decompressed_pieces()
        self._arriving = self._as_they_arrive() if self.streamed else self._all_at_once()

    async def __aenter__(self) -> "Body":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of what it holds: a request that failed is kept for a while by its traceback."""
        await self._arriving.aclose()
        await self._pieces.aclose()
        self._ahead = None
        self._large.end()
        self._window.hold(0)
        del self._decoder, self._decompressor

    @property
    def columns(self) -> tuple[str, ...] | None:
        columns = self._decoder.columns
        if not columns or len(columns) > _MAX_COLUMNS or sum(map(len, columns)) > _MAX_NAMES:
            return None
        return columns

    def identify(self, key: str | None) -> IdempotencyKey | None:
        if key is None or self._digest is None:
            return None
        return IdempotencyKey(key, self._digest.digest() if self._complete else b"")

    async def begin(self) -> None:
        if self._head.problem is not None:
            # Clients name a type of their own for a body that is not there.
            raise no_body() if await self._is_empty() else self._head.problem
        if self._announced > self._most_sent:
            raise too_large(self._limit)
        self._ahead = await anext(self._arriving, [])

    async def items(self) -> AsyncIterator[list[Any]]:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            yield ahead
            del ahead
        async for items in self._arriving:
            yield items

    async def drain(self) -> None:
        if not self._complete:
            async for _ in self._pieces:
                self._large.end()
            self._complete = True
            await self._gate.authenticate()

    async def _is_empty(self) -> bool:
        return not self._can_be_read or not await self._within_timeout(self._content.readany)

    # -- read to its end ------------------------------------------------------------------------

    async def _all_at_once(self) -> AsyncGenerator[list[Any], None]:
        async with self._decoded(await self._all_sent()) as items:
            await self._gate.admit(len(items))
            yield items

    @asynccontextmanager
    async def _decoded(self, sent: bytes) -> AsyncIterator[list[Any]]:
        """The items of a body, in one of few places for as long as they are not validated."""
        plain, places = not self._head.encodings, self._admission.places
        if plain and len(sent) <= _MUCH:
            yield self._decode(sent)
        elif plain and self._head.format.media_type == JSON:
            async with places:
                # Parsing lets no other code run in between; what looks at its numbers and nesting
                # does.
                much = len(sent) > _MUCH_JSON
                items = await asyncio.to_thread(self._decode, sent) if much else self._decode(sent)
                del sent
                yield items
        else:
            # One at a time: what becomes of many compressed bodies must not be in memory at once.
            async with self._admission.beside_the_loop:
                items = await asyncio.to_thread(self._decode, sent)
                del sent
                await places.acquire()
            try:
                yield items
            finally:
                places.release()

    def _decode(self, sent: bytes) -> list[Any]:
        items: list[Any] = []
        for piece in self._decompressor.feed(sent):
            if self._digest is not None:
                self._digest.update(piece)
            items += self._decoder.feed(piece)
        self._decompressor.end()
        self._complete = True
        items += self._decoder.end()
        return items

    async def _all_sent(self) -> bytes:
        """All bytes of the body as they were sent."""
        # A short body is here already: there is nothing to wait for.
        if self._content.is_eof():
            return await _broken_off(self._collect)
        return await self._within_timeout(self._collect)

    async def _collect(self) -> bytes:
        chunks: list[bytes] = []
        length = 0
        while chunk := await self._content.readany():
            length += len(chunk)
            if length > self._most_sent:
                raise too_large(self._limit)
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _within_timeout(self, receive: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            async with asyncio.timeout(self._timeout):
                return await _broken_off(receive)
        except TimeoutError:
            raise RequestTimeout(
                f"The body did not arrive within {self._timeout:g} seconds", "Send smaller batches."
            ) from None

    # -- worked on as it arrives ----------------------------------------------------------------

    async def _as_they_arrive(self) -> AsyncGenerator[list[Any], None]:
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

    def _decompressed(self, chunk: bytes) -> Iterator[bytes]:
        for start in range(0, len(chunk), STEP):
            yield from self._decompressor.feed(chunk[start : start + STEP])

    async def _take_turn(self, work: Callable[[], Any], *, size: int = 0) -> Any:
        """Do work while no other stream does, then let other requests run.

        Args:
            size: bytes that it is about; what may take long is done in a thread.
        """
        async with self._admission.turn:
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
                    return await _broken_off(receive)
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


async def _broken_off(receive: Callable[[], Awaitable[bytes]]) -> bytes:
    """What a client sends.

    Raises:
        MalformedBody: it went away before it had sent all of it.
    """
    try:
        return await receive()
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
        raise MalformedBody("The body ended before it was complete") from error


def _digest(call: Call, groups: tuple[str, ...]) -> "hashlib.blake2b":
    """What makes a request the same one: method, path, query, content type; then its body's bytes,
    decompressed."""
    digest = hashlib.blake2b(digest_size=32)
    for part in (call.method, call.path, call.query, call.head.content_type):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    for group in sorted(groups):
        # A request means something else where other items are out of reach.
        digest.update(b"\0" + group.encode())
    return digest
