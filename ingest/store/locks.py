"""Who may write to a collection of an account: whoever has locked its counter."""

from typing import TYPE_CHECKING

from ingest.store.batches import QUERIES

if TYPE_CHECKING:
    from ingest.store.pool import Connection


async def become_writer(connection: "Connection", account: str, collection: str) -> None:
    """Lock the collection of an account until the transaction ends: nobody else writes to it."""
    while await connection.fetchrow(QUERIES["lock_collection"], account, collection) is None:
        await connection.execute(QUERIES["insert_counter"], account, collection)
