"""12: workers whose clocks are an hour off, and a disk that is full."""

import signal
from pathlib import Path

from tests.chaos.checks import scalar
from tests.chaos.client import Ledger
from tests.chaos.experiments.common import Random, Scale, concluded
from tests.chaos.load import client_of, deals, new_prefix, send
from tests.chaos.report import Result
from tests.chaos.stack import Stack
from tests.databases import execute

_SKEWED = str(Path(__file__).parents[1] / "skewed")
_FULL = """
CREATE FUNCTION public.full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
"""
_NO_STAGING = f"""{_FULL}
CREATE TRIGGER full_disk BEFORE INSERT ON ingest.payloads EXECUTE FUNCTION public.full_disk();
"""
# Neither items nor attempts can be written.
_NO_COMMITS = f"""{_FULL}
CREATE TRIGGER full_disk BEFORE INSERT ON collections.deals EXECUTE FUNCTION public.full_disk();
CREATE TRIGGER full_disk BEFORE UPDATE ON ingest.batches EXECUTE FUNCTION public.full_disk();
"""
_FREE = "DROP FUNCTION IF EXISTS public.full_disk CASCADE"


async def clocks(stack: Stack, scale: Scale, random: Random) -> Result:
    """Only one worker works: first one an hour behind the others, then one an hour ahead."""
    prefix, ledger = new_prefix("clocks"), Ledger()
    stack.send_all("worker", signal.SIGSTOP)
    try:
        async with client_of(stack, ledger) as client:
            for hours in (-1, 1):
                shift = {"PYTHONPATH": _SKEWED, "CHAOS_CLOCK_SHIFT": str(hours * 3600)}
                stack.hire(["-m", "workers"], shift)
                await send(client, f"{prefix}{hours}-", scale.skewed_batches // 2)
                stack.dismiss()
    finally:
        stack.send_all("worker", signal.SIGCONT)
        stack.dismiss()
    return await concluded(
        stack, ledger, prefix, "12 clocks apart", "workers 1 h behind, 1 h ahead"
    )


async def disk(stack: Stack, scale: Scale, random: Random) -> Result:
    """Nothing can be staged: nothing is accepted. Then nothing can be applied: it waits."""
    prefix, refused, ledger = new_prefix("disk"), Ledger(), Ledger()
    url = stack.ready["databaseUrl"]
    answers = set()
    await execute(url, _NO_STAGING)
    try:
        async with client_of(stack, refused) as client:
            for number in range(scale.full_disk_batches):
                key = f"{prefix}{number}"
                reply = await client.request(
                    "POST", "/v1/deals", deals(key, 20), Idempotency_Key=key
                )
                assert reply is not None
                answers.add((reply.status, reply.code, "Retry-After" in reply.headers))
    finally:
        await execute(url, _FREE)
    count = "SELECT count(*) FROM ingest.batches WHERE idempotency_key LIKE $1 || '%'"
    accepted = await scalar(url, count, prefix)
    await _full_while_applied(stack, ledger, prefix)
    injected = f"{scale.full_disk_batches} refused, 1 delayed"
    result = await concluded(stack, ledger, prefix, "12 disk full", injected)
    result.expect(answers == {(503, 50301, True)}, f"answers {answers}")
    result.expect(accepted == 0, f"{accepted} batches accepted on a full disk")
    return result


async def _full_while_applied(stack: Stack, ledger: Ledger, prefix: str) -> None:
    """A batch that is accepted, and applied once there is room again."""
    url, key = stack.ready["databaseUrl"], f"{prefix}delayed"
    await execute(url, _NO_COMMITS)
    try:
        async with client_of(stack, ledger) as client:
            reply = await client.request(
                "POST", "/v1/deals", deals(key, 20), Idempotency_Key=key, Prefer="wait=2"
            )
            if reply is None or reply.status != 202:
                ledger.unexpected.append(f"{key}: {reply and reply.status} on a full disk")
    finally:
        await execute(url, _FREE)
    async with client_of(stack, ledger) as client:
        await client.save(key, deals(key, 20))
