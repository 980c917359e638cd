"""1: workers are killed at random moments, and at every fault point of theirs."""

import asyncio
import signal

from tests.chaos.client import Ledger
from tests.chaos.experiments.common import Random, Scale, concluded, replayed, send_until_crashed
from tests.chaos.load import client_of, new_prefix, send
from tests.chaos.report import Result
from tests.chaos.scale import WORKER_POINTS
from tests.chaos.stack import Stack


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    """Kill workers at random while batches are sent."""
    prefix, ledger = new_prefix("killed"), Ledger()
    kills = 0
    # On a busy machine workers are killed before they have begun to work, time and again.
    async with client_of(stack, ledger, within=300) as client:
        sending = asyncio.create_task(send(client, prefix, scale.killed_batches))
        while kills < scale.kills:
            await asyncio.sleep(random.uniform(0.05, 0.4))
            killed = stack.send("worker", signal.SIGKILL, random.randrange(8))
            kills += killed is not None
            if sending.done():
                sending.result()
                more = scale.killed_batches // 4
                sending = asyncio.create_task(send(client, f"{prefix}{kills}-", more))
        await stack.complete()
        await sending
    result = await concluded(stack, ledger, prefix, "1 kill -9 of workers", f"{kills} kills")
    result.expect(result.recovery <= 10 * scale.slack, "not done within 10 s of a worker's return")
    result.broken += await replayed(stack, ledger, scale.replays, 20)
    return result


async def at_points(stack: Stack, scale: Scale, random: Random) -> Result:
    """Workers of a stack that was told to crash at their fault points."""
    prefix, ledger = new_prefix("points"), Ledger()
    async with client_of(stack, ledger, within=120) as client:
        injected = await send_until_crashed(client, stack, scale, prefix, WORKER_POINTS)
    name = "1 crashes at a worker's fault points"
    result = await concluded(stack, ledger, prefix, name, injected)
    result.expect(result.recovery <= 10 * scale.slack, "not done within 10 s of a worker's return")
    return result
