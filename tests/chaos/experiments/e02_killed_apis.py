"""2: API processes crash at every fault point of theirs; clients converge by retrying."""

from tests.chaos.client import Ledger
from tests.chaos.experiments.common import Random, Scale, concluded, send_until_crashed
from tests.chaos.load import client_of, new_prefix
from tests.chaos.report import Result
from tests.chaos.scale import API_POINTS, LEASE
from tests.chaos.stack import Stack


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    """Send batches to a stack that was told to crash, until every point has had its crashes."""
    prefix, ledger = new_prefix("apis"), Ledger()
    async with client_of(stack, ledger, within=120) as client:
        injected = await send_until_crashed(client, stack, scale, prefix, API_POINTS)
    result = await concluded(stack, ledger, prefix, "2 crashes of API processes", injected)
    result.expect(ledger.longest_held <= LEASE + scale.slack, "a key was stuck beyond its lease")
    result.notes.append(f"longest key in flight without a request {ledger.longest_held:.1f} s")
    return result
