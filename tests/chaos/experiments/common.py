"""What several experiments do, and what every one ends with."""

from collections.abc import Sequence
from random import Random

from tests.chaos.checks import drained, verify
from tests.chaos.client import Client, Ledger
from tests.chaos.load import client_of, deals, send
from tests.chaos.report import Result
from tests.chaos.scale import Scale
from tests.chaos.stack import Stack

__all__ = ["Random", "Scale", "concluded", "replayed", "send_until_crashed"]


async def send_until_crashed(
    client: Client, stack: Stack, scale: Scale, prefix: str, points: Sequence[str]
) -> str:
    """Send batches to a stack that was told to crash, until every point has had its crashes.

    Returns:
        How many each of them had, as the report shows it.
    """
    number = 0
    while True:
        await send(client, f"{prefix}{number}-", 20)
        number += 1
        seen = stack.faults()
        enough = all(seen.get(point, 0) >= scale.crashes for point in points)
        if enough and len(client.ledger.sent) >= scale.crashed_batches:
            return ", ".join(f"{seen.get(point, 0)} {point}" for point in points)


async def concluded(
    stack: Stack, ledger: Ledger, prefix: str, experiment: str, injected: str
) -> Result:
    """Wait until everything runs and nothing is unfinished, then look into PostgreSQL."""
    await stack.complete()
    recovery = await drained(stack.ready["databaseUrl"])
    verdict = await verify(stack.ready["databaseUrl"], ledger, prefix)
    result = Result(experiment, injected, verdict, recovery)
    result.expect_converged(ledger)
    result.expect(not ledger.without_retry_after, "a 503 without Retry-After")
    return result


async def replayed(stack: Stack, ledger: Ledger, at_most: int, items: int) -> list[str]:
    """P4: send some of a ledger's batches again; what came that was not their outcome."""
    wrong: list[str] = []
    committed = [sent for sent in ledger.sent if sent.state == "committed"][:at_most]
    async with client_of(stack, Ledger()) as client:
        for sent in committed:
            wrong += await _replay_twice(client, sent.key, sent.batches, items)
    return wrong


async def _replay_twice(client: Client, key: str, batches: set[str], items: int) -> list[str]:
    answers = []
    for _ in range(2):
        reply = await client.request(
            "POST",
            "/v1/deals",
            deals(key, items),
            Idempotency_Key=key,
            Prefer="return=minimal, replay=return",
        )
        if reply is None or reply.status != 201:
            return [f"{key}: a replay was answered {reply and reply.status}"]
        answers.append({**reply.body, "timestamp": None})
    if answers[0] != answers[1] or answers[0]["metadata"]["batchId"] not in batches:
        return [f"{key}: two replays differ, or are of another batch"]
    return []
