"""6: Redis is killed for a while, then frozen for a while."""

import asyncio
import signal
import time

from tests.chaos.client import Ledger
from tests.chaos.experiments.common import Random, Scale, concluded
from tests.chaos.load import client_of, new_prefix, send, under_load
from tests.chaos.report import Result
from tests.chaos.stack import Stack


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    prefix, ledger = new_prefix("away"), Ledger()
    workers = stack.pids("worker")
    async with client_of(stack, ledger) as client:
        async with under_load(client, prefix):
            await _keep_killing(stack, scale.redis_away)
            back = await stack.complete()
            stack.send("redis", signal.SIGSTOP)
            await asyncio.sleep(scale.redis_away)
            stack.send("redis", signal.SIGCONT)
        meanwhile = ledger.settled
        began = time.monotonic()
        await send(client, f"{prefix}after-", 8)
        well = time.monotonic() - began
    injected = f"{scale.redis_away:.0f} s killed, {scale.redis_away:.0f} s frozen"
    result = await concluded(stack, ledger, prefix, "6 Redis away", injected)
    result.expect(meanwhile > 0, "no write went on without Redis")
    result.expect(back + well <= 10 * scale.slack, f"well again only after {back + well:.1f} s")
    result.expect(
        ledger.slowest_refusal <= scale.slack, f"a 503 took {ledger.slowest_refusal:.1f} s"
    )
    result.expect(stack.pids("worker") == workers, "a worker did not survive")
    result.notes.append(f"{meanwhile} batches meanwhile, {ledger.statuses[503]} answers 503")
    return result


async def _keep_killing(stack: Stack, seconds: float) -> None:
    """Kill Redis, and whatever is started in its place."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stack.send("redis", signal.SIGKILL)
        await asyncio.sleep(0.05)
