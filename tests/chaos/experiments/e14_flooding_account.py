"""14: one account sends all that costs it nothing and others much; another one saves as before."""

import asyncio
import contextlib
import gzip
import itertools
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import orjson

from ingest.settings import Settings
from ingest.store.pool import open_pool
from ingest.store.tokens import create_token
from tests.chaos.client import Client, Ledger
from tests.chaos.experiments.common import Random, Scale, concluded
from tests.chaos.load import client_of, deals, new_prefix
from tests.chaos.report import Result
from tests.chaos.stack import Stack

_MIB = 1024 * 1024
_JSON, _NDJSON, _CSV = "application/json", "application/x-ndjson", "text/csv"
_GZIP = {"Content-Encoding": "gzip"}
_SLOWER = 2.0
"""How much the other account's 99th percentile may grow; what is measured is in the table."""

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


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    prefix, ledger = new_prefix("innocent"), Ledger()
    token = await _token_of(stack, "flood")
    answers: Counter[str] = Counter()
    async with client_of(stack, ledger) as client:
        quiet = await _times(client, f"{prefix}quiet-", scale.saves)
        async with _flooded(stack, token, answers, scale.floods):
            loud = await _times(client, f"{prefix}loud-", scale.saves)
    injected = f"an account with {len(_attacks())} attacks at once, and readers that do not read"
    result = await concluded(stack, ledger, prefix, "14 a flooding account", injected)
    before, after = _percentile(quiet), _percentile(loud)
    refused = {status: count for status, count in answers.items() if status.startswith("5")}
    result.expect(not {each for each in refused if each != "503"}, f"answers {dict(answers)}")
    result.expect(not ledger.statuses[503], "the other account was refused")
    if scale.slack == 1:  # in short, the machine is busy with other tests
        result.expect(after <= _SLOWER * before, "the other account was slowed down")
    result.notes.append(
        f"p99 of the other account {before * 1000:.0f} ms alone, {after * 1000:.0f} ms beside it"
        f" (median {statistics.median(quiet) * 1000:.0f} and"
        f" {statistics.median(loud) * 1000:.0f} ms); the flood was answered {dict(answers)}"
    )
    return result


async def _times(client: Client, prefix: str, saves: int) -> list[float]:
    """How long saves take, in seconds."""
    times = []
    for number in range(saves):
        began = time.perf_counter()
        await client.save(f"{prefix}{number}", deals(f"{prefix}{number}", 5))
        times.append(time.perf_counter() - began)
    return times


def _percentile(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


async def _token_of(stack: Stack, account: str) -> str:
    settings = Settings(database_url=stack.ready["databaseUrl"], redis_url="")
    async with open_pool(settings, role=None) as operator:
        _, token = await create_token(operator, account, "chaos")
    return token


@contextlib.asynccontextmanager
async def _flooded(
    stack: Stack, token: str, answers: Counter[str], floods: int
) -> AsyncIterator[None]:
    """Every attack goes on for as long as the block runs."""
    url = stack.ready["url"]
    session = aiohttp.ClientSession(
        url,
        headers={"Authorization": f"Bearer {token}"},
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(60),
    )
    async with session:
        attacks = [
            asyncio.create_task(_again_and_again(session, attack, answers))
            for attack in _attacks().values()
            for _ in range(floods)
        ]
        readers = [asyncio.create_task(_never_read(url, token)) for _ in range(5 * floods)]
        try:
            yield
        finally:
            for task in [*attacks, *readers]:
                task.cancel()
            await asyncio.gather(*attacks, *readers, return_exceptions=True)


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
