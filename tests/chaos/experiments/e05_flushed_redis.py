"""5: everything in Redis is deleted again and again."""

import asyncio
import time

from redis.asyncio import Redis

from tests.chaos.client import Ledger
from tests.chaos.experiments.common import Random, Scale, concluded, replayed
from tests.chaos.load import client_of, new_prefix, under_load
from tests.chaos.report import Result
from tests.chaos.stack import Stack


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    prefix, ledger, flushes = new_prefix("flushed"), Ledger(), 0
    redis = Redis.from_url(stack.ready["redisUrl"])
    try:
        async with client_of(stack, ledger) as client, under_load(client, prefix, writers=6):
            end = time.monotonic() + scale.flushed
            while time.monotonic() < end:
                await asyncio.sleep(scale.flush_every)
                await redis.flushall()
                flushes += 1
    finally:
        await redis.aclose()
    result = await concluded(stack, ledger, prefix, "5 FLUSHALL under load", f"{flushes} flushes")
    result.expect(result.recovery <= 15 * scale.slack, "the backlog is not empty within 15 s")
    result.broken += await replayed(stack, ledger, scale.replays, 20)
    return result
