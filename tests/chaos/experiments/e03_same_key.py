"""3: many concurrent requests with one key make one batch."""

import asyncio
from collections import Counter

from tests.chaos.checks import scalar
from tests.chaos.client import Client, Ledger, Reply
from tests.chaos.experiments.common import Random, Scale, concluded
from tests.chaos.load import client_of, deals, new_prefix
from tests.chaos.report import Result
from tests.chaos.stack import Stack

_ITEMS = 3


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    prefix, ledger, answers = new_prefix("same"), Ledger(), Counter[str]()
    async with client_of(stack, ledger) as client:
        for number in range(scale.keys):
            answers += await _at_once(client, f"{prefix}{number}", scale.requests_a_key)
            await client.save(f"{prefix}{number}", deals(f"{prefix}{number}", _ITEMS))
    injected = f"{scale.requests_a_key} at once for each of {scale.keys} keys"
    result = await concluded(stack, ledger, prefix, "3 one key, many requests", injected)
    count = "SELECT count(*) FROM ingest.batches WHERE idempotency_key LIKE $1 || '%'"
    batches = await scalar(stack.ready["databaseUrl"], count, prefix)
    result.expect(batches == scale.keys, f"{batches} batches for {scale.keys} keys")
    allowed = {"201", "409 40901", "409 40902"}
    result.expect(set(answers) <= allowed, f"other answers: {dict(answers)}")
    result.notes.append(f"answers {dict(answers)}")
    return result


async def _at_once(client: Client, key: str, requests: int) -> Counter[str]:
    """Every other request asks for the outcome of the original."""

    def prefer(number: int) -> str:
        return "return=minimal, replay=return" if number % 2 else "return=minimal"

    replies = await asyncio.gather(
        *(
            client.request(
                "POST", "/v1/deals", deals(key, _ITEMS), Idempotency_Key=key, Prefer=prefer(number)
            )
            for number in range(requests)
        )
    )
    return Counter(map(_said, replies))


def _said(reply: Reply | None) -> str:
    if reply is None:
        return "lost connection"
    return str(reply.status) if reply.code is None else f"{reply.status} {reply.code}"
