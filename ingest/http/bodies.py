"""Request bodies: pieces in, items out.

::

    sent ─▶ decompressed ─▶ decoded ─▶ admitted ─▶ items
            within its limit, fingerprinted

A body of JSON, XML or YAML is read to its end, and decoded once it is its turn: decoded, it takes
several times its bytes. One of NDJSON or CSV is a `Stream` (`ingest.http.streams`).
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from ingest.errors import MalformedBody, RequestTimeout
from ingest.formats.compression import Decompressor, too_large
from ingest.formats.decoding import Decoder
from ingest.formats.negotiation import JSON
from ingest.http.admission import LONG, Admission, Share
from ingest.http.call import CALL
from ingest.http.expectation import ask_for_body, is_waiting
from ingest.http.gate import CALLER, GATE
from ingest.http.presence import Presence
from ingest.http.service import SERVICE
from ingest.model import IdempotencyKey, Resolution, Unreadable
from ingest.resources.layout import StoredField
from ingest.resources.url_values import parse

# What takes longer than some milliseconds to decode is decoded beside the event loop, as all long
# bodies are; JSON is quicker, XML and YAML take up to 4 µs for two bytes.
_MUCH = 16 * 1024
_MUCH_JSON = 256 * 1024


class Body:
    """A body that is read to its end: one list of items."""

    streamed = False

    def __init__(self, request: web.Request, limit: int, decoder: Decoder) -> None:
        """Args: `limit` is the most bytes that it may be, decompressed."""
        service, call = request.app[SERVICE], request[CALL]
        self._request = request
        self._head = call.head
        self._can_be_read = request.can_read_body
        self._content: StreamReader = request.content
        self._announced = request.content_length or 0
        self._limit = limit
        # What cannot be compressed becomes a little longer by it.
        self._most_sent = limit + (limit // 64 + 1024 if call.head.encodings else 0)
        self._timeout = service.settings.body_timeout
        self._decoder = decoder
        self._gate = request[GATE]
        self._presence = Presence(request)
        self._loop_time = service.loop_time
        self._admission: Admission = service.admission
        # Where the token is in the body, it is of the address that sends it as yet.
        self._account = request[CALLER].account if CALLER in request else f"@{call.client}"
        self._memory = Share(service.admission.bodies, self._account)
        has_key = call.idempotency_key is not None and CALLER in request
        self._digest = digest_of(request) if has_key else None
        self._complete = False
        self._ahead: list[Any] | None = None
        self._arriving = self._arrive()

    @property
    def columns(self) -> tuple[str, ...] | None:
        return None

    @property
    def single(self) -> bool:
        """Whether it was one object and no array of them, once it has arrived."""
        return self._decoder.single

    async def begin(self) -> None:
        # Clients name a type of their own for a body that is not there.
        if self._head.problem and self._can_be_read and await self._is_there():
            raise self._head.problem
        if self._announced > self._most_sent:
            raise too_large(self._limit)
        await ask_for_body(self._request)
        self._ahead = await anext(self._arriving, [])

    async def _is_there(self) -> bool:
        """Whether the body has any bytes."""
        if self._announced or is_waiting(self._request):
            return True
        return bool(await self._in_time(self._content.readany))

    async def items(self) -> AsyncGenerator[list[Any], None]:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            yield ahead
            del ahead
        async for items in self._arriving:
            yield items

    async def pause(self) -> None:
        self._presence.check()  # its body was read, so it is known whether the client has gone
        await self._loop_time.turn(self._account)

    async def drain(self) -> None:
        """There is nothing left to read."""

    def identify(self, key: str) -> IdempotencyKey:
        known = self._digest if self._complete else None
        return IdempotencyKey(key, b"" if known is None else known.digest())

    async def aclose(self) -> None:
        """Let go of what it holds: a request that failed is kept for a while by its traceback."""
        self._ahead = None
        await self._arriving.aclose()
        self._memory.hold(0)

    async def _arrive(self) -> AsyncGenerator[list[Any], None]:
        async with self._decoded(await self._all_sent()) as items:
            await self._gate.admit(len(items))
            yield items

    @asynccontextmanager
    async def _decoded(self, sent: bytes) -> AsyncIterator[list[Any]]:
        """The items of a body, in one of few places for as long as they are not validated."""
        plain, places = not self._head.encodings, self._admission.places
        is_json = self._head.format.media_type == JSON
        if plain and len(sent) <= (LONG if is_json else _MUCH):
            yield self._decode(sent)
        elif plain and is_json:
            async with places.taken(self._account):
                # Parsing lets no other code run in between; what looks at its numbers and nesting
                # does.
                much = len(sent) > _MUCH_JSON
                items = await asyncio.to_thread(self._decode, sent) if much else self._decode(sent)
                del sent
                self._memory.hold(0)
                yield items
        else:
            async with places.taken(self._account):
                # One at a time: what becomes of many must not be made at once. Who holds this waits
                # for no place, and so others wait for one body of an account at most.
                async with self._admission.beside_the_loop.taken(self._account):
                    items = await asyncio.to_thread(self._decode, sent)
                del sent
                self._memory.hold(0)
                yield items

    def _decode(self, sent: bytes) -> list[Any]:
        items: list[Any] = []
        for piece in self._decompressed(sent):
            self._presence.check()
            if self._digest is not None:
                self._digest.update(piece)
            items += self._decoder.feed(piece)
        self._complete = True
        try:
            items += self._decoder.end()
        except MalformedBody as error:
            raise error if self._head.named or not sent else _unnamed(error) from None
        return items

    def _decompressed(self, sent: bytes) -> Iterable[bytes]:
        if not self._head.encodings:
            return [sent]
        return Decompressor(self._head.encodings, self._limit).whole(sent)

    async def _all_sent(self) -> bytes:
        """All bytes of the body as they were sent."""
        # A short body is here already: there is nothing to wait for.
        if self._content.is_eof():
            return await unbroken(self._collect)
        return await self._in_time(self._collect)

    async def _collect(self) -> bytes:
        chunks: list[bytes] = []
        length = 0
        while chunk := await self._content.readany():
            length += len(chunk)
            if length > self._most_sent:
                raise too_large(self._limit)
            if length > LONG:
                self._memory.hold(length)
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _in_time(self, receive: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            async with asyncio.timeout(self._timeout):
                return await unbroken(receive)
        except TimeoutError:
            raise RequestTimeout(
                f"The body did not arrive within {self._timeout:g} seconds", "Send smaller batches."
            ) from None


class ItemBody(Body):
    """The body of a write to the one item whose key is in the path."""

    def __init__(
        self, request: web.Request, limit: int, decoder: Decoder, *, field: StoredField, key: Any
    ) -> None:
        """
        Args:
            field: that of the key.
            key: its value in the path.
        """
        super().__init__(request, limit, decoder)
        self._field, self._key = field, key
        self._may_be_empty = request.method == "DELETE"

    @property
    def single(self) -> bool:
        return True

    def _decode(self, sent: bytes) -> list[Any]:
        if self._may_be_empty and not sent:
            self._complete = True
            return [self._key]
        items = super()._decode(sent)
        item = items[0] if self._decoder.single else None
        if isinstance(item, Unreadable):
            return items
        if not isinstance(item, dict):
            raise MalformedBody(
                "The body is not an object",
                "The path names one item: send an object of its fields.",
            )
        name = self._field.data_key
        if not self._is_key(item.setdefault(name, self._key)):
            raise MalformedBody(f"The {name} of the body is not that of the path", "Leave it out.")
        return items

    def _is_key(self, value: Any) -> bool:
        """Whether a value is the key of the path, in the same form or in another one."""
        if value == self._key:
            return True
        read = partial(parse, self._field.field, self._field.type)
        try:
            return bool(read(str(value)) == read(str(self._key)))
        except ValueError:
            return False


async def unbroken(receive: Callable[[], Awaitable[bytes]]) -> bytes:
    """What a client sends.

    Raises:
        MalformedBody: it went away before it had sent all of it.
    """
    try:
        return await receive()
    except HttpProcessingError as error:
        reason = next(iter(error.message.strip().splitlines()), "")[:200]
        raise MalformedBody("The chunks of the body are not valid HTTP", reason or None) from error
    except (web.RequestPayloadError, ConnectionError) as error:
        raise MalformedBody("The body ended before it was complete") from error


def _unnamed(error: MalformedBody) -> MalformedBody:
    more = "The request has no Content-Type, and so its body is read as JSON."
    return MalformedBody(error.message, " ".join(filter(None, (error.description, more))))


def digest_of(request: web.Request) -> "hashlib.blake2b":
    """What makes a request the same one: method, path, query, content type, how items that exist
    already or are invalid are dealt with; then its body's bytes, decompressed."""
    call = request[CALL]
    digest = hashlib.blake2b(digest_size=32)
    for part in (call.method, call.place, call.query, call.head.content_type):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    prefers = call.preferences
    if prefers.lenient or prefers.resolution is not Resolution.REFUSE:
        digest.update(f"{prefers.lenient} {prefers.resolution.value}\0".encode())
    for group in sorted(request[CALLER].groups):
        # A request means something else where other items are out of reach.
        digest.update(b"\0" + group.encode())
    return digest
