"""A client that sends all that costs it nothing and others much, over and over.

It has a process of its own, so that what it costs the client is not taken for what it costs others.
"""

import asyncio
import gzip
import itertools
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import orjson

_MIB = 1024 * 1024
_JSON, _NDJSON, _CSV = "application/json", "application/x-ndjson", "text/csv"
_GZIP = {"Content-Encoding": "gzip"}
_READERS = "answers unread"

Attack = tuple[str, str, bytes, dict[str, str]]
"""Path, content type, body, further headers."""


def _attacks() -> dict[str, Attack]:
    many = orjson.dumps([{"title": f"flood-{n}", "value": "1"} for n in range(5_000)])
    bad = orjson.dumps([{"email": "x", "age": "y"}] * 5_000)
    control = b"\x01" * (2 * _MIB)
    return {
        "backlog": ("/v1/deals", _JSON, many, {"Prefer": "respond-async, return=minimal"}),
        "failures": ("/v1/contacts", _JSON, bad, {}),
        "blank lines": ("/v1/deals", _NDJSON, gzip.compress(b"\n" * (15 * _MIB)), _GZIP),
        "one line": ("/v1/deals", _NDJSON, gzip.compress(b" " * (15 * _MIB)), _GZIP),
        "empty cells": ("/v1/deals", _CSV, gzip.compress(b"title\n" + b'""\n' * _MIB), _GZIP),
        "control characters": (
            "/v1/deals",
            _CSV,
            gzip.compress(b"title\n" + (control + b"\n") * 7),
            _GZIP,
        ),
        "empty elements": (
            "/v1/deals",
            "application/xml",
            b"<a>" + b"<b/>" * 300_000 + b"</a>",
            {},
        ),
        "scalars": ("/v1/deals", "application/yaml", b"- a\n" * (_MIB // 4), {}),
        "a long address": (
            "/v1/contacts",
            _JSON,
            orjson.dumps([{"email": "a." * _MIB * 4, "first_name": "A"}]),
            {},
        ),
    }


KINDS = (*_attacks(), _READERS)
"""The names of all attacks."""


@asynccontextmanager
async def flooded(
    url: str, token: str, floods: int, kinds: Sequence[str] = KINDS
) -> AsyncIterator[Counter[str]]:
    """Every attack of these kinds goes on for as long as the block runs, `floods` at a time.

    Yields:
        How many answers of each status there were, once the block has ended.
    """
    answers: Counter[str] = Counter()
    command = [sys.executable, "-m", "tests.chaos.flood", url, str(floods), *kinds]
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, "FLOOD_TOKEN": token}, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()  # it has begun
    try:
        yield answers
    finally:
        process.send_signal(signal.SIGTERM)
        counted, _ = await process.communicate()
        answers.update(orjson.loads(counted))


async def _flood(url: str, token: str, floods: int, kinds: Sequence[str]) -> Counter[str]:
    answers: Counter[str] = Counter()
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    session = aiohttp.ClientSession(
        url,
        headers={"Authorization": f"Bearer {token}"},
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(60),
    )
    async with session:
        attacks = [
            asyncio.create_task(_again_and_again(session, attack, answers))
            for kind, attack in _attacks().items()
            for _ in range(floods)
            if kind in kinds
        ]
        if _READERS in kinds:
            readers = 5 * floods
            attacks += [asyncio.create_task(_never_read(url, token)) for _ in range(readers)]
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        await stopping.wait()
        for task in attacks:
            task.cancel()
        await asyncio.gather(*attacks, return_exceptions=True)
    return answers


async def _again_and_again(
    session: aiohttp.ClientSession, attack: Attack, answers: Counter[str]
) -> None:
    path, media_type, body, headers = attack
    while True:
        try:
            async with session.post(
                path, data=body, headers={"Content-Type": media_type, **headers}
            ) as response:
                await response.read()
                answers[str(response.status)] += 1
        except (aiohttp.ClientError, TimeoutError):
            answers["lost"] += 1


async def _never_read(url: str, token: str) -> None:
    """Ask for as much as there is, and read nothing of it."""
    host, port = url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port), limit=1024)
    try:
        for offset in itertools.count(0, 1000):
            writer.write(
                f"GET /v1/deals?limit=1000&offset={offset} HTTP/1.1\r\nHost: {host}\r\n"
                f"Authorization: Bearer {token}\r\n\r\n".encode()
            )
            await writer.drain()
            await asyncio.sleep(0.05)
    except OSError:
        return  # it was cut off
    finally:
        writer.close()


if __name__ == "__main__":
    _, its_url, at_once, *its_kinds = sys.argv
    counted = asyncio.run(_flood(its_url, os.environ["FLOOD_TOKEN"], int(at_once), its_kinds))
    sys.stdout.buffer.write(orjson.dumps(counted))
