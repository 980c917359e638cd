"""16: API processes and workers crash while refused batches are repaired in place."""

import asyncio
from collections.abc import Iterator

from tests.chaos.client import Client, Ledger, Reply, Sent
from tests.chaos.experiments.common import Random, Scale, concluded
from tests.chaos.load import client_of, deals, new_prefix
from tests.chaos.report import Result
from tests.chaos.stack import Stack

_ITEMS, _WRITERS = 10, 4
_PAUSE = 0.1  # seconds
_MENDED = (40905, 41202)
"""What a repair is answered that is sent again after it was merged."""


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    prefix, ledger = new_prefix("mended"), Ledger()
    numbers = iter(range(scale.crashed_batches // 4))
    async with (
        client_of(stack, ledger, within=120) as client,
        asyncio.timeout(600),
        asyncio.TaskGroup() as group,
    ):
        for _ in range(_WRITERS):
            group.create_task(_mend_each(client, prefix, numbers))
    crashed = f"{sum(stack.faults().values())} crashes"
    result = await concluded(stack, ledger, prefix, "16 repairs of refused batches", crashed)
    result.expect(len(ledger.sent) == scale.crashed_batches // 4, "not every batch was sent")
    return result


async def _mend_each(client: Client, prefix: str, numbers: Iterator[int]) -> None:
    for number in numbers:
        await _mend(client, f"{prefix}{number}", drop=bool(number % 2))


async def _mend(client: Client, key: str, *, drop: bool) -> None:
    """Send a batch with a bad item, and correct or drop that, however often each of them takes."""
    sent = Sent(key, _ITEMS - drop)
    client.ledger.sent.append(sent)
    *good, last = deals(key, _ITEMS)
    change = {"drop": True} if drop else {"item": last}
    batch = None
    while batch is None:
        reply = await client.request(
            "POST",
            "/v1/deals",
            [*good, {"title": key}],
            Idempotency_Key=key,
            Prefer="return=minimal, repair=keep",
        )
        batch = _batch_of(reply)
        await asyncio.sleep(0 if batch else _PAUSE)
    sent.batches.add(batch)
    while sent.state is None:
        reply = await client.request(
            "PATCH",
            f"/v1/batches/{batch}/items",
            [{"index": _ITEMS - 1, **change}],
            If_Match='"1"',
            Prefer="return=minimal",
        )
        if reply is not None and reply.status == 200:
            sent.state = "committed"
        elif reply is not None and (reply.status == 202 or reply.code in _MENDED):
            sent.state = await client.follow(f"/v1/batches/{batch}")
        else:
            await asyncio.sleep(_PAUSE)


def _batch_of(reply: Reply | None) -> str | None:
    """The batch that was refused, and is kept; None where it is not known to be."""
    if reply is None or (reply.status != 422 and reply.code != 40901):
        return None
    batch: str = reply.body["metadata"]["batchId"]
    return batch
