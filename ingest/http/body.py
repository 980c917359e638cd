"""Request bodies: what their headers promise, and their items within the limits."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from ingest.batches.items import Items
from ingest.errors import InvalidParameter, MalformedBody, RequestTimeout, UnsupportedMediaType
from ingest.formats.charsets import check_charset
from ingest.formats.compression import Decompressor, parse_encodings, too_large
from ingest.formats.decoding import CSV_PARAMETERS, BodyFormat, Decoder, csv_options
from ingest.formats.limits import no_body
from ingest.formats.negotiation import CSV, JSON, REQUESTS, XML
from ingest.http.keys import DECODING, SETTINGS

# What takes longer than a few milliseconds to decode is decoded beside the event loop; JSON is
# quicker.
_MUCH = 64 * 1024
_MUCH_JSON = 256 * 1024
# Columns of a CSV file, and bytes of their names, above which they are not kept with its batch.
_MAX_COLUMNS = 1_000
_MAX_NAMES = 64 * 1024
_UTF8 = frozenset({"utf-8", "ascii"})


@dataclass(frozen=True, slots=True)
class Head:
    """What the headers and parameters of a request say about its body."""

    format: BodyFormat
    encodings: tuple[str, ...]

    @property
    def content_type(self) -> str:
        """As far as it makes two requests different."""
        media_type, charset = self.format.media_type, self.format.charset
        return media_type if charset is None else f"{media_type}; charset={charset}"


async def read_head(request: web.Request) -> Head:
    """What a request says about its body; JSON where it says nothing.

    Raises:
        MalformedBody: there is no body, whatever is said of it.
        UnsupportedMediaType, UnsupportedEncoding: a type, charset or encoding that is not read.
        InvalidParameter: a parameter of CSV beside another format, or with another value.
    """
    try:
        format_ = _format_of(request)
        encodings = parse_encodings(request.headers.getall("Content-Encoding", ()))
    except UnsupportedMediaType:
        # Clients name a type of their own for a body that is not there.
        if await _is_empty(request):
            raise no_body() from None
        raise
    return Head(format_, encodings)


def _format_of(request: web.Request) -> BodyFormat:
    media_type = request.content_type if "Content-Type" in request.headers else JSON
    if media_type not in REQUESTS:
        raise UnsupportedMediaType(
            f"Bodies of type {media_type[:100]!r} are not read", f"Send {', '.join(REQUESTS)}."
        )
    charset = None if request.charset is None else check_charset(request.charset)
    if media_type not in (CSV, XML) and charset is not None:
        if charset not in _UTF8:
            raise UnsupportedMediaType(
                f"{media_type} in the charset {charset!r} is not read", "Send UTF-8."
            )
        charset = None
    if media_type != CSV:
        for name in CSV_PARAMETERS & request.query.keys():
            raise InvalidParameter(
                f"The query parameter {name!r} is not known for {media_type}",
                f"It is for bodies of type {CSV}.",
            )
        return BodyFormat(media_type, charset)
    options = csv_options(charset, request.query.get("delimiter"), request.query.get("emptyAs"))
    return BodyFormat(media_type, charset, options)


async def _is_empty(request: web.Request) -> bool:
    if not request.can_read_body:
        return True
    seconds = request.app[SETTINGS].body_timeout
    return not await _received(request.content.readany, seconds)


async def read_items(
    request: web.Request, head: Head, decoder: Decoder, seen: Callable[[bytes], None], items: Items
) -> None:
    """Decode all items of a body, once it is its turn.

    Args:
        head: what `read_head` gave.
        decoder: what makes items of it.
        seen: is given every decompressed byte, in order.
        items: what they are put into.

    Raises:
        BodyTooLarge, TooManyItems, MalformedBody, RequestTimeout
    """
    settings = request.app[SETTINGS]
    body = await _read(request, head, settings.max_body, settings.body_timeout)
    decompressor = Decompressor(head.encodings, settings.max_body)

    def decode() -> list[Any]:
        decoded: list[Any] = []
        for piece in decompressor.feed(body):
            seen(piece)
            decoded += decoder.feed(piece)
        decompressor.end()
        decoded += decoder.end()
        return decoded

    if not head.encodings and len(body) <= _MUCH:
        items.decoded = decode()
    elif not head.encodings and head.format.media_type == JSON:
        await items.take_place()
        # Parsing lets nobody else run in between; what looks at its numbers and nesting does.
        much = len(body) > _MUCH_JSON
        items.decoded = await asyncio.to_thread(decode) if much else decode()
    else:
        # One at a time: what becomes of many compressed bodies must not be in memory at once.
        # It takes a place afterwards, for it may take a while, and others have to go on.
        async with request.app[DECODING]:
            items.decoded = await asyncio.to_thread(decode)
            await items.take_place()


async def _read(request: web.Request, head: Head, limit: int, seconds: float) -> bytes:
    """All bytes of the body as they were sent.

    Args:
        limit: the most bytes that the body may be, decompressed.
        seconds: how long a client may take.
    """
    # Compression makes what cannot be compressed a little longer.
    most = limit + limit // 64 + 1024 if head.encodings else limit
    if (request.content_length or 0) > most:
        raise too_large(limit)

    async def collect() -> bytes:
        chunks: list[bytes] = []
        length = 0
        while chunk := await request.content.readany():
            length += len(chunk)
            if length > most:
                raise too_large(limit)
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    if request.content.is_eof():  # a short body is here already: there is nothing to wait for
        return await broken_off(collect)
    return await _received(collect, seconds)


async def _received(receive: Callable[[], Awaitable[bytes]], seconds: float) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return await broken_off(receive)
    except TimeoutError:
        raise RequestTimeout(
            f"The body did not arrive within {seconds:g} seconds", "Send smaller batches."
        ) from None


async def broken_off(receive: Callable[[], Awaitable[bytes]]) -> bytes:
    """What a client sends.

    Raises:
        MalformedBody: it went away before it had sent all of it.
    """
    try:
        return await receive()
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
        raise MalformedBody("The body ended before it was complete") from error


def kept_columns(columns: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The columns that are kept with a batch: not those of a header beyond all measure."""
    if not columns or len(columns) > _MAX_COLUMNS or sum(map(len, columns)) > _MAX_NAMES:
        return None
    return columns
