"""10: writers upsert the same keys in different orders; no client sees a deadlock."""

from typing import Any

from tests.chaos.client import Client, Ledger
from tests.chaos.experiments.common import Random, Scale, concluded
from tests.chaos.load import client_of, new_prefix
from tests.chaos.report import Result
from tests.chaos.stack import Stack

_WRITERS, _KEYS, _ITEMS = 8, 60, 40


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    import asyncio

    prefix, ledger = new_prefix("overlap"), Ledger()
    batches = [(f"{prefix}{n}", _airports(random, n)) for n in range(scale.writers_batches)]
    left = iter(batches)

    async def write(client: Client) -> None:
        for key, items in left:
            await client.save(
                key, items, "/v1/airports", "resolution=merge-duplicates, return=minimal"
            )

    async with client_of(stack, ledger) as client:
        await asyncio.gather(*(write(client) for _ in range(_WRITERS)))
    injected = f"{_WRITERS} writers, {_KEYS} shared keys"
    result = await concluded(stack, ledger, prefix, "10 overlapping writers", injected)
    # Its rows are shared, so only the states of its batches can be compared.
    result.verdict.lost = [each for each in result.verdict.lost if "0 of" not in each]
    result.verdict.partial = [each for each in result.verdict.partial if "0 of" not in each]
    result.expect(set(ledger.statuses) <= {200, 201, 202}, f"answers {dict(ledger.statuses)}")
    return result


def _airports(random: Random, number: int) -> list[dict[str, Any]]:
    codes = random.sample([f"{n:03d}"[:3].replace("0", "X") for n in range(_KEYS)], _ITEMS)
    return [
        {
            "iata": f"{code}",
            "name": f"written by {number}",
            "country": "Nowhere",
            "latitude": 1.0,
            "longitude": float(number % 180),
        }
        for code in codes
    ]
