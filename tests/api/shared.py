"""Items, and ways to ask that no client library would take."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import yaml
from lxml import etree
from multidict import CIMultiDict

from ingest.store.pool import Pool
from tests.harness import Reply, Service

JIM = {"email": "jim@example.com", "first_name": "Jim"}
ANN = {"email": "ann@example.com", "first_name": "Ann", "age": 41, "tags": ["a", "b"]}
BAD = {"email": "x"}


def _plain_xml(element: Any) -> Any:
    kind = element.get("type")
    if kind == "array":
        return [_plain_xml(each) for each in element]
    if kind == "object" or len(element):
        return {each.get("name", each.tag): _plain_xml(each) for each in element}
    readers: dict[str, Callable[[str], Any]] = {
        "number": json.loads,
        "boolean": json.loads,
        "null": lambda _: None,
    }
    text = element.text or ""
    if element.get("encoding") == "base64":
        text = base64.b64decode(text).decode()
    return readers.get(kind, str)(text)


READERS: dict[str, Callable[[bytes], Any]] = {
    "application/json": json.loads,
    "application/xml": lambda body: _plain_xml(etree.fromstring(body)),
    "application/yaml": yaml.safe_load,
}
"""What reads the answers of each format into the same values, by media type."""


def configured(**changes: Any) -> pytest.MarkDecorator:
    """Run a test with other settings."""
    name = ",".join(f"{key}={value}" for key, value in changes.items())
    return pytest.mark.parametrize("settings", [changes], indirect=True, ids=[name])


def contact(number: int, **more: Any) -> dict[str, Any]:
    return {"email": f"c{number}@example.com", "first_name": f"C{number}", **more}


async def send(service: Service, path: str, body: bytes | str, **options: Any) -> Reply:
    """POST a body as it is."""
    data = body.encode() if isinstance(body, str) else body
    options.setdefault("content_type", "application/json")
    return await service.request("POST", f"/v1/{path}", data=data, **options)


async def exchange(service: Service, request: bytes, *, finish: bool = False) -> Reply:
    """Send bytes on a connection of their own; the answer to them.

    Args:
        finish: say that no more bytes will come.
    """
    server = service.client.server
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        async with asyncio.timeout(60):
            writer.write(request)
            if finish:
                writer.write_eof()
            head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            headers = CIMultiDict(line.split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers["Content-Length"]))
    finally:
        writer.close()
        await writer.wait_closed()
    return Reply(int(head[0].split()[1]), headers, json.loads(body) if body else None)


def head(service: Service, *lines: str, method: str = "POST", path: str = "/v1/contacts") -> bytes:
    """The bytes of a request up to its body, with the service's token."""
    wanted = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {service.token}",
    ]
    return "\r\n".join([*wanted, *lines, "", ""]).encode("latin-1")


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    """A body of unknown length."""
    for part in parts:
        yield part


async def stored(operator: Pool, table: str) -> int:
    """How many rows a table has, of all accounts."""
    async with operator.connection() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


async def written(operator: Pool) -> dict[str, int]:
    """How many rows each table has that a write could have left something in."""
    tables = ("ingest.batches", "ingest.payloads", "ingest.failures", "collections.contacts")
    return {table: await stored(operator, table) for table in tables}


NOTHING = {
    "ingest.batches": 0,
    "ingest.payloads": 0,
    "ingest.failures": 0,
    "collections.contacts": 0,
}


async def writers_wait(operator: Pool) -> bool:
    """Whether a request waits to write its batch."""
    async with operator.connection() as connection:
        waiting = await connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE NOT granted"
            " AND relation = 'ingest.batches'::regclass"
        )
    return bool(waiting)
