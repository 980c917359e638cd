"""A connection that is lost while a batch is accepted: what is answered afterwards is true."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ingest.errors import OutcomeUnknown, Unavailable
from ingest.model import IdempotencyKey, NewBatch
from ingest.settings import Settings
from ingest.store import batches
from ingest.store.pool import Pool, open_pool
from tests.staged import batch_of, save

if TYPE_CHECKING:
    from ingest.store.pool import Connection


class Lossy:
    """A pool whose first connection is lost while a batch is written.

    Args:
        committed: whether the COMMIT got through.
        away: whether no other connection can be had, either.
    """

    def __init__(self, pool: Pool, *, committed: bool, away: bool = False) -> None:
        self.pool = pool
        self.committed = committed
        self.away = away

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Connection"]:
        try:
            async with self.pool.connection() as connection, connection.transaction():
                yield connection
                if not self.committed:
                    raise ConnectionResetError
        finally:
            raise Unavailable("the connection was lost")

    @asynccontextmanager
    async def transaction(self, account: str, **options: Any) -> AsyncIterator["Connection"]:
        if self.away:
            raise Unavailable("the connection was lost")
        async with self.pool.transaction(account, **options) as connection:
            yield connection


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    async with open_pool(settings) as opened:
        yield opened


def new_batch() -> NewBatch:
    return batch_of(key=IdempotencyKey("k", bytes(32)))


async def test_a_commit_that_got_through_is_accepted(pool: Pool) -> None:
    batch = new_batch()
    await save(Lossy(pool, committed=True), batch)  # type: ignore[arg-type]
    assert await batches.get(pool, "acme", batch.id) is not None


@pytest.mark.parametrize(("committed", "away"), [(False, False), (True, True), (False, True)])
async def test_otherwise_its_outcome_is_unknown(pool: Pool, committed: bool, away: bool) -> None:
    """Also where it is not to be found: its statement may be on its way to the server."""
    batch = new_batch()
    with pytest.raises(OutcomeUnknown) as unknown:
        await save(Lossy(pool, committed=committed, away=away), batch)  # type: ignore[arg-type]
    assert unknown.value.batch_id == batch.id
    assert (await batches.get(pool, "acme", batch.id) is not None) is committed


async def test_a_batch_whose_outcome_was_unknown_keeps_its_key(pool: Pool) -> None:
    """A retry meets the key in the database, whenever the first statement arrives."""
    batch = new_batch()
    with pytest.raises(OutcomeUnknown):
        await save(Lossy(pool, committed=True, away=True), batch)  # type: ignore[arg-type]
    again = new_batch()
    with pytest.raises(Exception, match="key is taken"):
        await save(pool, again)
