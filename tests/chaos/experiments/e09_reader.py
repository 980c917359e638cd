"""9: a reader counts while large batches are committed; it sees none or all of each."""

import asyncio

import asyncpg

from tests.chaos.client import Ledger
from tests.chaos.experiments.common import Random, Scale, concluded
from tests.chaos.load import client_of, new_prefix, under_load
from tests.chaos.report import Result
from tests.chaos.stack import Stack

_ITEMS = 10_000
_COUNTS = """
SELECT title, count(*) AS count FROM collections.deals WHERE title LIKE $1 || '%' GROUP BY title
"""


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    """Half of the reads are SQL, the other half ask the service for its count."""
    prefix, ledger, asked = new_prefix("reader"), Ledger(), Ledger()
    wrong: list[str] = []
    connection = await asyncpg.connect(stack.ready["databaseUrl"])
    try:
        async with (
            client_of(stack, ledger) as client,
            client_of(stack, asked) as reader,
            under_load(client, prefix, writers=2, items=_ITEMS),
        ):
            for _ in range(scale.reads // 2):
                rows = await connection.fetch(_COUNTS, prefix)
                wrong += [f"{title}: {n} rows" for title, n in rows if n != _ITEMS]
                title = f"{prefix}{random.randrange(2 + len(rows))}"
                reply = await reader.request("GET", f"/v1/deals?title={title}&limit=1")
                assert reply is not None
                count = reply.body["metadata"]["recordsCount"]
                wrong += [f"{title}: {count} counted"] if count not in (0, _ITEMS) else []
                await asyncio.sleep(0)
    finally:
        await connection.close()
    injected = f"{scale.reads} reads of {_ITEMS}-item batches"
    result = await concluded(stack, ledger, prefix, "9 a reader", injected)
    result.verdict.partial += wrong
    return result
