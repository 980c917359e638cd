"""14: one account sends all that costs it nothing and others much; another one saves as before."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator

import psutil

from ingest.settings import Settings
from ingest.store.pool import open_pool
from ingest.store.tokens import create_token
from ingest.tasks import end
from tests.chaos.client import Client, Ledger
from tests.chaos.experiments.common import Random, Scale, concluded
from tests.chaos.flood import KINDS, flooded
from tests.chaos.load import client_of, deals, new_prefix
from tests.chaos.report import Result
from tests.chaos.stack import POLL, Stack

_SLOWER = 2.0
"""How much the other account's 99th percentile may grow; what is measured is in the table."""
_MIB = 1024 * 1024
_MORE = 300
"""MiB that an API process may take above what it takes idle."""


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    prefix, ledger = new_prefix("innocent"), Ledger()
    token = await _token_of(stack, "flood")
    async with client_of(stack, ledger) as client:
        quiet = await _times(client, f"{prefix}quiet-", scale.saves)
        async with (
            _weighed(stack) as grown,
            flooded(stack.ready["url"], token, scale.floods) as answers,
        ):
            loud = await _times(client, f"{prefix}loud-", scale.saves)
    injected = f"an account with {len(KINDS)} attacks at once"
    result = await concluded(stack, ledger, prefix, "14 a flooding account", injected)
    before, after = _percentile(quiet), _percentile(loud)
    refused = {status: count for status, count in answers.items() if status.startswith("5")}
    result.expect(not {each for each in refused if each != "503"}, f"answers {dict(answers)}")
    result.expect(not ledger.statuses[503], "the other account was refused")
    result.expect(max(grown) <= _MORE, f"an API process grew by {max(grown)} MiB")
    if scale.slack == 1:  # in short, the machine is busy with other tests
        result.expect(after <= _SLOWER * before, "the other account was slowed down")
    result.notes.append(
        f"p99 of the other account {before * 1000:.0f} ms alone, {after * 1000:.0f} ms beside it"
        f" (median {statistics.median(quiet) * 1000:.0f} and"
        f" {statistics.median(loud) * 1000:.0f} ms); the flood was answered {dict(answers)};"
        f" API processes grew by {max(grown)} MiB"
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


@contextlib.asynccontextmanager
async def _weighed(stack: Stack) -> AsyncIterator[list[int]]:
    """The most MiB by which the API processes had grown at any moment, one for each."""
    processes = [psutil.Process(pid) for pid in stack.pids("api")]
    idle = [process.memory_info().rss for process in processes]
    grown = [0] * len(processes)

    async def weigh() -> None:
        while True:
            for place, process in enumerate(processes):
                more = (process.memory_info().rss - idle[place]) // _MIB
                grown[place] = max(grown[place], more)
            await asyncio.sleep(POLL)

    weighing = asyncio.create_task(weigh())
    try:
        yield grown
    finally:
        await end([weighing])


def _percentile(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


async def _token_of(stack: Stack, account: str) -> str:
    settings = Settings(database_url=stack.ready["databaseUrl"], redis_url="")
    async with open_pool(settings, role=None) as operator:
        _, token = await create_token(operator, account, "chaos")
    return token
