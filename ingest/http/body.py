"""Request bodies: what their headers promise, and their bytes within the limits."""

import asyncio

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from ingest.errors import (
    BodyTooLarge,
    MalformedBody,
    RequestTimeout,
    UnsupportedEncoding,
    UnsupportedMediaType,
)
from ingest.formats.negotiation import JSON

SUPPORTED = (JSON,)


def content_type(request: web.Request) -> str:
    """The media type of the body; JSON where the request does not say.

    Raises:
        UnsupportedMediaType: a type or charset that the service does not read.
    """
    if "Content-Type" not in request.headers:
        return JSON
    media_type, charset = request.content_type, (request.charset or "utf-8").lower()
    if media_type not in SUPPORTED:
        raise UnsupportedMediaType(
            f"Bodies of type {media_type[:100]!r} are not read", f"Send {', '.join(SUPPORTED)}."
        )
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"The charset {charset[:100]!r} is not read", "Send UTF-8.")
    return media_type


def check_encoding(request: web.Request) -> None:
    """Raise UnsupportedEncoding for a compressed body."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", ""):
        raise UnsupportedEncoding(
            f"The content encoding {encoding[:100]!r} is not read", "Send the body uncompressed."
        )


async def read_body(request: web.Request, *, limit: int, seconds: float) -> bytes:
    """All bytes of the body.

    Args:
        limit: the most bytes that are read; more are refused, by length or while they arrive.
        seconds: how long a client may take.

    Raises:
        BodyTooLarge, RequestTimeout, MalformedBody
    """
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                chunks.append(chunk)
    except TimeoutError:
        raise RequestTimeout(
            f"The body did not arrive within {seconds:g} seconds", "Send smaller batches."
        ) from None
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
        raise MalformedBody("The body ended before it was complete") from error
    return b"".join(chunks)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is larger than {limit} bytes", "Send the items in several requests."
    )
