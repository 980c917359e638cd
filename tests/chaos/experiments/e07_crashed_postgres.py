"""7: PostgreSQL stops as in a crash (`immediate`), and starts again."""

import asyncio
import signal

from tests.chaos.client import Client, Ledger
from tests.chaos.experiments.common import Random, Scale, concluded, replayed
from tests.chaos.load import client_of, new_prefix, under_load
from tests.chaos.report import Result
from tests.chaos.stack import Stack


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    prefix, ledger, probed = new_prefix("crashed"), Ledger(), Ledger()
    seen_not_ready = 0
    async with (
        client_of(stack, ledger) as client,
        client_of(stack, probed) as probe,
        under_load(client, prefix),
    ):
        for _ in range(scale.postgres_stops):
            await asyncio.sleep(random.uniform(0.3, 1.0))
            stopped = stack.send("postgres", signal.SIGQUIT)
            assert stopped is not None
            seen_not_ready += await _ready_is(probe, 503)
            await stack.gone(stopped)
            await stack.complete()
            assert await _ready_is(probe, 200), "/readyz stays false"
    name, injected = "7 PostgreSQL crashes", f"{scale.postgres_stops} immediate stops"
    result = await concluded(stack, ledger, prefix, name, injected)
    result.expect(seen_not_ready == scale.postgres_stops, "/readyz stayed true")
    result.broken += await replayed(stack, ledger, scale.replays, 20)
    result.notes.append(f"{ledger.statuses[503]} answers 503")
    return result


async def _ready_is(client: Client, status: int) -> bool:
    """Whether `/readyz` says so within ten seconds."""
    for _ in range(500):
        reply = await client.request("GET", "/readyz")
        if reply is not None and reply.status == status:
            return True
        await asyncio.sleep(0.02)
    return False
