"""13: thousands of batches expire at once; commits do not notice, and nothing unfinished goes."""

import statistics
import time

from tests.chaos.checks import scalar
from tests.chaos.client import Client, Ledger
from tests.chaos.experiments.common import Random, Scale, concluded
from tests.chaos.load import client_of, deals, new_prefix
from tests.chaos.report import Result
from tests.chaos.stack import Stack
from tests.databases import execute

_EXPIRED = 20_000
_SAVES = 150
_SLOWER = 1.5
"""How much the median commit may be slowed down; what is measured is in the table."""
# Finished two days ago: of each the payload and the answer go.
_FILL = f"""
WITH old AS (
    INSERT INTO ingest.batches (id, account, collection, action, options, state, trace_id, received,
                                created_at, accepted_at, finished_at, created, data)
    SELECT (lpad(to_hex(1000000000000 + n), 12, '0') || substr(md5(n::text), 1, 20))::uuid,
           'expired', 'deals', 'create', '{{}}', 'committed', 't', 1, t, t, t, 1, '[]'
    FROM generate_series(1, {_EXPIRED}) n, (SELECT now() - interval '2 days') _(t)
    RETURNING id
)
INSERT INTO ingest.payloads (batch, chunk, account, records)
SELECT id, 0, 'expired', convert_to(repeat('x', 20000), 'UTF8') FROM old
"""
_LEFT = """
SELECT count(*) FROM ingest.payloads WHERE account = 'expired'
"""


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    prefix, ledger, url = new_prefix("expired"), Ledger(), stack.ready["databaseUrl"]
    async with client_of(stack, ledger) as client:
        alone = await _median(client, f"{prefix}alone-")
        await execute(url, _FILL)
        left = [await scalar(url, _LEFT)]
        beside = []
        while left[-1] and len(left) < 30:
            beside.append(await _median(client, f"{prefix}beside-{len(left)}-"))
            left.append(await scalar(url, _LEFT))
    slowest = max(beside)
    injected = f"{_EXPIRED} expired batches of 20 kB"
    result = await concluded(stack, ledger, prefix, "13 retention under load", injected)
    result.expect(not left[-1], f"{left[-1]} payloads are still there")
    result.expect(
        statistics.median(beside) <= _SLOWER * scale.slack * alone, "commits were slowed down"
    )
    result.notes.append(
        f"median commit {alone * 1000:.1f} ms alone, "
        f"{statistics.median(beside) * 1000:.1f} ms beside it "
        f"(the slowest round {slowest * 1000:.1f} ms)"
    )
    await execute(url, "DELETE FROM ingest.batches WHERE account = 'expired'")
    return result


async def _median(client: Client, prefix: str) -> float:
    """The median time of a save, in seconds."""
    times = []
    for number in range(_SAVES):
        key = f"{prefix}{number}"
        began = time.perf_counter()
        await client.save(key, deals(key, 20))
        times.append(time.perf_counter() - began)
    return statistics.median(times)
