"""A connection that is lost while a batch is accepted: what is known afterwards is true."""

import asyncio
import dataclasses
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from ingest.errors import OutcomeUnknown, Unavailable
from ingest.ids import uuid7
from ingest.model import Action, IdempotencyKey, NewBatch, Options, Resolution, Submission
from ingest.settings import Settings
from ingest.store import batches
from ingest.store.doubt import written_among
from ingest.store.pool import Pool, open_pool
from ingest.store.retention import Kept, remove_expired
from ingest.store.staging import stage
from tests.staged import save

if TYPE_CHECKING:
    from ingest.store.pool import Connection


class Doubtful:
    """A pool whose first connection is lost while a batch is written; another call finds none.

    Args:
        committed: for each of them, whether the COMMIT got through; the others work.
    """

    def __init__(self, pool: Pool, *committed: bool) -> None:
        self.pool = pool
        self.committed = list(committed)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Connection"]:
        gets_through = self.committed.pop(0)
        try:
            async with self.pool.connection() as connection, connection.transaction():
                yield connection
                if not gets_through:
                    raise ConnectionResetError
        finally:
            raise Unavailable("the connection was lost")

    @asynccontextmanager
    async def transaction(self, account: str, **options: Any) -> AsyncIterator["Connection"]:
        if self.committed:
            raise Unavailable("the connection was lost")
        async with self.pool.transaction(account, **options) as connection:
            yield connection


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    async with open_pool(settings) as opened:
        yield opened


def new_batch(key: str | None = "k") -> NewBatch:
    return NewBatch(
        id=uuid7(),
        account="acme",
        collection="contacts",
        action=Action.CREATE,
        options=Options(),
        trace_id="t",
        submission=Submission(received=0, valid=[], records=b"[]", raw=None, failures=[]),
        idempotency=None if key is None else IdempotencyKey(key, bytes(32)),
    )


async def test_a_commit_that_got_through_is_accepted(pool: Pool) -> None:
    batch = new_batch()
    await save(Doubtful(pool, True), batch)  # type: ignore[arg-type]
    assert await batches.get(pool, "acme", batch.id) is not None


async def test_a_commit_that_did_not_is_not(pool: Pool) -> None:
    batch = new_batch()
    with pytest.raises(Unavailable) as refused:
        await save(Doubtful(pool, False), batch)  # type: ignore[arg-type]
    assert not isinstance(refused.value, OutcomeUnknown)
    assert await batches.get(pool, "acme", batch.id) is None


async def test_where_nobody_can_be_asked_the_outcome_is_unknown(pool: Pool) -> None:
    batch = new_batch()
    with pytest.raises(OutcomeUnknown) as unknown:
        await save(Doubtful(pool, True, False), batch)  # type: ignore[arg-type]
    assert unknown.value.batch_id == batch.id


@pytest.mark.parametrize("gets_through", [True, False])
async def test_a_commit_under_way_is_waited_for(
    pool: Pool, operator: Pool, gets_through: bool
) -> None:
    batch = new_batch()
    end = asyncio.Event()

    async def slow() -> None:
        async with pool.transaction("acme") as connection:
            await stage(connection, "acme", [batch])
            staged.set()
            await end.wait()
            if not gets_through:
                raise Unavailable("rolled back")

    staged = asyncio.Event()
    committing = asyncio.create_task(slow())
    await staged.wait()
    asking = asyncio.create_task(written_among(pool, "acme", [batch]))
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with asyncio.timeout(10), operator.connection() as connection:
        while not await connection.fetchval(waits):  # noqa: ASYNC110 - it happens elsewhere
            await asyncio.sleep(0.01)
    assert not asking.done()
    end.set()
    assert await asking == ({batch.id} if gets_through else set())
    await asyncio.gather(committing, return_exceptions=True)


async def test_a_key_that_another_batch_took_meanwhile_is_not_ours(pool: Pool) -> None:
    await save(pool, new_batch())
    assert await written_among(pool, "acme", [new_batch()]) == set()


async def test_batches_of_one_statement_may_have_fared_differently(pool: Pool) -> None:
    there, missing = new_batch("a"), new_batch("b")
    await save(pool, there)
    for _ in range(2):
        assert await written_among(pool, "acme", [there, missing]) == {there.id}


async def test_a_release_that_knows_no_withdrawn_ones_can_read_them(
    pool: Pool, operator: Pool
) -> None:
    grouped = Options(resolution=Resolution.MERGE, columns=("email",), groups=("north",))
    doubted = [new_batch(), dataclasses.replace(new_batch(), options=grouped)]
    assert await written_among(pool, "acme", doubted) == set()
    async with operator.connection() as connection:
        rows = await connection.fetch(
            "SELECT *, NULL AS invalid_so_far FROM ingest.batches WHERE withdrawn ORDER BY id"
        )
    found = [batches.from_row(row) for row in rows]
    assert [(batch.id, batch.options) for batch in found] == [
        (batch.id, batch.options) for batch in doubted
    ]


async def test_what_is_withdrawn_is_empty(pool: Pool, operator: Pool) -> None:
    """The constraint was added without reading a row, and holds for every row that is written."""
    await written_among(pool, "acme", [new_batch()])
    await save(pool, accepted := new_batch("other"))
    async with operator.connection() as connection:
        with pytest.raises(asyncpg.CheckViolationError, match="withdrawn_is_empty"):
            await connection.execute("UPDATE ingest.batches SET received = 1 WHERE withdrawn")
        with pytest.raises(asyncpg.CheckViolationError, match="withdrawn_is_empty"):
            await connection.execute(
                "UPDATE ingest.batches SET withdrawn = true WHERE id = $1", accepted.id
            )
        assert not await connection.fetchval(
            "SELECT convalidated FROM pg_constraint WHERE conname = 'withdrawn_is_empty'"
        )


async def test_what_was_withdrawn_can_never_be_written(pool: Pool, operator: Pool) -> None:
    batch = new_batch()
    assert await written_among(pool, "acme", [batch]) == set()
    async with pool.connection() as connection:
        assert await stage(connection, "acme", [batch]) == set()
    await save(pool, new_batch())  # its key is free
    nothing = dt.timedelta()
    kept = Kept(payload=nothing, answer=nothing, row=dt.timedelta(days=1))
    assert await remove_expired(operator, kept, 9) == {}
    gone = await remove_expired(operator, dataclasses.replace(kept, row=nothing), 9)
    assert gone == {"row": 1}
