"""8: processes are frozen until others took over what they held, then thawed."""

import asyncio
import signal

from tests.chaos.client import Ledger
from tests.chaos.experiments.common import Random, Scale, concluded
from tests.chaos.load import client_of, new_prefix, under_load
from tests.chaos.report import Result
from tests.chaos.scale import LEASE
from tests.chaos.stack import Stack

_PAUSED = 3 * LEASE  # seconds: others have the claims meanwhile


async def workers(stack: Stack, scale: Scale, random: Random) -> Result:
    """A worker's transaction has timed out when it goes on."""
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
    return await concluded(stack, ledger, prefix, "8 frozen workers", injected)


async def apis(stack: Stack, scale: Scale, random: Random) -> Result:
    """Clients do not wait: their retries have taken an API process's claims when it goes on."""
    prefix, ledger = new_prefix("paused"), Ledger()
    times = scale.freezes // scale.frozen_at_once
    async with (
        client_of(stack, ledger, within=120, patience=LEASE) as client,
        under_load(client, prefix, writers=8),
    ):
        for _ in range(times):
            await asyncio.sleep(random.uniform(0.1, 0.4))
            which = random.randrange(8)
            stack.send("api", signal.SIGSTOP, which)
            await asyncio.sleep(_PAUSED)
            stack.send("api", signal.SIGCONT, which)
    result = await concluded(
        stack, ledger, prefix, "8 frozen API processes", f"{times} times {_PAUSED:.0f} s"
    )
    result.notes.append(f"{ledger.lost_connections} requests were given up and sent again")
    return result
