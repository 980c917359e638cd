"""4: a key that was used for another body is refused, and nothing is written."""

import asyncio

from tests.chaos.checks import scalar
from tests.chaos.client import Client, Ledger
from tests.chaos.experiments.common import Random, Scale, concluded
from tests.chaos.load import client_of, deals, new_prefix
from tests.chaos.report import Result
from tests.chaos.stack import Stack

_COUNT = "SELECT count(*) FROM collections.deals WHERE title LIKE $1 || '%'"
_AT_ONCE = 10


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    prefix, ledger = new_prefix("other"), Ledger()
    url, key = stack.ready["databaseUrl"], f"{prefix}key"
    async with client_of(stack, ledger) as client:
        await client.save(key, deals(key, 5))
        before = await scalar(url, _COUNT, prefix)
        codes: list[int | None] = []
        for start in range(0, scale.mismatches, _AT_ONCE):
            sending = (_other(client, key, n) for n in range(start, start + _AT_ONCE))
            codes += await asyncio.gather(*sending)
    injected = f"{len(codes)} other bodies"
    result = await concluded(stack, ledger, prefix, "4 one key, other bodies", injected)
    result.expect(set(codes) == {42220}, f"answers {set(codes)}")
    result.expect(await scalar(url, _COUNT, prefix) == before, "something was written")
    return result


async def _other(client: Client, key: str, number: int) -> int | None:
    reply = await client.request(
        "POST", "/v1/deals", deals(f"{key}-{number}", 5), Idempotency_Key=key
    )
    return reply and reply.code
