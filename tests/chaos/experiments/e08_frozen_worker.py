"""8: a worker is frozen until its transaction timed out and others took over, then thawed."""

import asyncio
import signal

from tests.chaos.client import Ledger
from tests.chaos.experiments.common import Random, Scale, concluded
from tests.chaos.load import client_of, new_prefix, under_load
from tests.chaos.report import Result
from tests.chaos.stack import Stack


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    prefix, ledger = new_prefix("frozen"), Ledger()
    async with client_of(stack, ledger) as client, under_load(client, prefix, writers=8):
        for _ in range(scale.freezes // scale.frozen_at_once):
            await asyncio.sleep(random.uniform(0.1, 0.4))
            first = random.randrange(8)
            frozen = [first + each for each in range(scale.frozen_at_once)]
            for which in frozen:
                stack.send("worker", signal.SIGSTOP, which)
            await asyncio.sleep(scale.frozen)
            for which in frozen:
                stack.send("worker", signal.SIGCONT, which)
    injected = f"{scale.freezes} times {scale.frozen:.0f} s"
    return await concluded(stack, ledger, prefix, "8 a frozen worker", injected)
