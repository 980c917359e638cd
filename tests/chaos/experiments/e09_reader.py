"""9: a reader counts while large batches are committed; it sees none or all of each."""

import asyncio

import asyncpg

from tests.chaos.client import Client, Ledger
from tests.chaos.experiments.common import Random, Scale, concluded
from tests.chaos.load import client_of, new_prefix, under_load
from tests.chaos.report import Result
from tests.chaos.stack import Stack

_ITEMS = 10_000
_COUNTS = "SELECT title, count(*) FROM collections.deals WHERE title = ANY($1) GROUP BY title"
# So that a count is quick, and there are many of them.
_INDEX = "CREATE INDEX IF NOT EXISTS chaos_title ON collections.deals (title)"
_ASK_EVERY = 20
_UNDER_WAY = 4  # batches: those whose counts may change at this moment


async def run(stack: Stack, scale: Scale, random: Random) -> Result:
    """Most reads are SQL, because that is quick; some ask the service for its count."""
    prefix, ledger, asked = new_prefix("reader"), Ledger(), Ledger()
    wrong: list[str] = []
    connection = await asyncpg.connect(stack.ready["databaseUrl"])
    await connection.execute(_INDEX)
    try:
        async with (
            client_of(stack, ledger) as client,
            client_of(stack, asked) as reader,
            under_load(client, prefix, writers=1, items=_ITEMS),
        ):
            for number in range(scale.reads):
                titles = [sent.key for sent in ledger.sent[-_UNDER_WAY:]]
                rows = await connection.fetch(_COUNTS, titles)
                wrong += [f"{title}: {n} rows" for title, n in rows if n != _ITEMS]
                if titles and number % _ASK_EVERY == 0:
                    wrong += await _count(reader, random.choice(titles))
                await asyncio.sleep(0)
    finally:
        await connection.close()
    injected = f"{scale.reads} reads of {_ITEMS}-item batches"
    result = await concluded(stack, ledger, prefix, "9 a reader", injected)
    result.verdict.partial += wrong
    return result


async def _count(reader: Client, title: str) -> list[str]:
    """What is wrong with the number of a batch's items, as the service counts them."""
    reply = await reader.request("GET", f"/v1/deals?title={title}&limit=1")
    count = reply and reply.body["metadata"]["recordsCount"]
    return [] if count in (0, _ITEMS) else [f"{title}: {count} counted"]
