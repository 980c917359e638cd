"""Bodies of any length (contract 2, "Streams"): staged while they arrive, one atomic batch."""

import asyncio
import gzip
import io
import json
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import pytest
from harness import Reply, Service
from shared import BAD, NOTHING, configured, contact, finished, send, stored, until, written

from ingest.settings import Settings
from ingest.store.pool import Pool

NDJSON = "application/x-ndjson"
MANY = 12_000
"""Items of more than one chunk (1 MiB), and more than an answer lists (10,000)."""


def lines(items: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def contacts(count: int, first: int = 0) -> bytes:
    """About 110 bytes each."""
    return lines(contact(n, last_name="x" * 40) for n in range(first, first + count))


async def stream(service: Service, body: Any, **options: Any) -> Reply:
    """POST a body; bytes go out as they are, in one piece."""
    options.setdefault("content_type", NDJSON)
    data = io.BytesIO(body) if isinstance(body, bytes) else body
    return await service.request("POST", "/v1/contacts", data=data, **options)


async def test_one_request_is_one_batch(service: Service, operator: Pool) -> None:
    reply = await stream(service, contacts(MANY), prefer="wait=30")
    assert reply.status == 201, reply
    metadata = reply.body["metadata"]
    assert metadata["receivedItemsCount"] == metadata["validItemsCount"] == MANY
    assert metadata["created"] == MANY
    # Above 10,000 items these are at the batch only.
    assert not {"validItems", "invalidItems", "outcomes"} & metadata.keys()
    assert "data" not in reply.body
    assert await stored(operator, "collections.contacts") == MANY
    assert await stored(operator, "ingest.payloads") > 1
    shown = (await service.get(f"batches/{metadata['batchId']}")).body["data"]
    assert shown["metadata"]["validItems"] == list(range(MANY))
    assert shown["metadata"]["invalidItems"] == []
    assert "validItems" not in shown["response"]["body"]["metadata"]
