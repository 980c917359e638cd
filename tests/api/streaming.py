"""Bodies of more than one chunk, and ways to send them piece by piece."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from ingest.store.pool import Pool
from tests.api.shared import contact
from tests.harness import Reply, Service

NDJSON = "application/x-ndjson"
LONG = 1_200
"""Items of `contacts`: about 2.5 MiB, and so several chunks of 1 MiB."""


def lines(items: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def large(number: int, tags: int = 40, **more: Any) -> dict[str, Any]:
    """A contact of about 2 KiB."""
    return contact(number, tags=["x" * 50] * tags, **more)


def contacts(count: int = LONG, first: int = 0) -> bytes:
    return lines(large(number) for number in range(first, first + count))


async def stream(
    service: Service, body: Any, path: str = "contacts", method: str = "POST", **options: Any
) -> Reply:
    """Send a body, whole or in pieces."""
    options.setdefault("content_type", NDJSON)
    data = io.BytesIO(body) if isinstance(body, bytes) else body
    return await service.request(method, f"/v1/{path}", data=data, **options)


class Gate:
    """A body whose rest waits until it is let go."""

    def __init__(self, first: bytes, rest: bytes) -> None:
        self._first, self._rest = first, rest
        self.go = asyncio.Event()

    async def pieces(self) -> AsyncIterator[bytes]:
        yield self._first
        await self.go.wait()
        yield self._rest


async def receiving(operator: Pool) -> int:
    """How many items have arrived of batches that are being received."""
    async with operator.connection() as connection:
        return int(
            await connection.fetchval(
                "SELECT coalesce(sum(received), 0) FROM ingest.batches WHERE state = 'receiving'"
            )
        )
