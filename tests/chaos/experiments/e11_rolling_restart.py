"""11: every process is asked to stop, one after the other, under load."""

import os
import signal

from tests.chaos.client import Ledger
from tests.chaos.experiments.common import Random, Scale, concluded
from tests.chaos.load import client_of, new_prefix, under_load
from tests.chaos.report import Result
from tests.chaos.stack import Stack

_GRACE = 15.0  # seconds: the longest wait of a request, and a margin
_ALLOWED = 0.001
_ALWAYS_ALLOWED = 3  # a short run has not a thousand requests for each that may be lost


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    prefix, ledger, slowest, stops = new_prefix("rolling"), Ledger(), 0.0, 0
    async with client_of(stack, ledger) as client, under_load(client, prefix, writers=8):
        for _ in range(scale.rounds):
            for kind in ("api", "worker"):
                for pid in stack.pids(kind):
                    os.kill(pid, signal.SIGTERM)
                    slowest = max(slowest, await stack.gone(pid))
                    stops += 1
                    await stack.complete()
    injected = f"{stops} times SIGTERM"
    result = await concluded(stack, ledger, prefix, "11 rolling restart", injected)
    share = ledger.lost_connections / max(ledger.requests, 1)
    few = ledger.lost_connections <= _ALWAYS_ALLOWED
    result.expect(share <= _ALLOWED or few, f"{ledger.lost_connections} of {ledger.requests} lost")
    result.expect(slowest <= _GRACE * scale.slack, f"a process took {slowest:.1f} s to end")
    result.notes.append(
        f"{ledger.lost_connections} of {ledger.requests} requests lost their connection; "
        f"the slowest process took {slowest:.1f} s to end"
    )
    return result
