"""Pending batches that are what they usually are, applied in one round trip."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import asyncpg
import pytest

from ingest.ids import uuid7
from ingest.model import Action, BatchState, NewBatch, Options
from ingest.store import batches
from ingest.store.at_once import Usual, apply_at_once
from ingest.store.commit import apply_batch
from ingest.store.pool import Pool
from ingest.store.quotas import set_quota
from tests.api.shared import contact
from tests.harness import REGISTRY
from tests.staged import new_batch, save
from tests.waiting import until
from workers.commit import Committer

PLACE = ("acme", "contacts")
CONTACTS = REGISTRY["contacts"]
MINIMAL = Options(representation=False)


def create(*numbers: int, options: Options = MINIMAL, **fields: Any) -> NewBatch:
    items = [contact(number, **fields) for number in numbers]
    return new_batch(CONTACTS, items, options=options)


@pytest.fixture(params=[MINIMAL, Options()], ids=["minimal", "shown"])
async def usual(request: pytest.FixtureRequest, committer: Committer) -> Usual:
    """What a first batch makes usual."""
    await save(committer.pool, create(1000, options=request.param))
    await committer.commit_pending(*PLACE)
    return committer.usual[PLACE]


def options_of(usual: Usual) -> Options:
    return MINIMAL if '"representation":false' in usual.options else Options()


async def applied(committer: Committer, usual: Usual) -> Sequence[tuple[Any, BatchState, int]]:
    """The batches that are applied at once: id, state, items created."""
    async with committer.pool.connection() as connection:
        done = await apply_at_once(connection, usual, *PLACE)
    return [(each.batch, each.state, each.created) for each in done]


async def state_of(committer: Committer, batch: NewBatch) -> BatchState:
    found = await batches.get(committer.pool, "acme", batch.id)
    assert found is not None
    return found.state


async def test_all_that_is_pending_is_applied(committer: Committer, usual: Usual) -> None:
    new = [create(1, 2, options=options_of(usual)), create(3, options=options_of(usual))]
    for each in new:
        await save(committer.pool, each)
    assert sorted(await applied(committer, usual)) == [
        (new[0].id, BatchState.COMMITTED, 2),
        (new[1].id, BatchState.COMMITTED, 1),
    ]
    assert await applied(committer, usual) == []


@pytest.mark.parametrize(
    "other",
    [
        lambda _: create(2, options=Options(lenient=True)),
        lambda options: new_batch(CONTACTS, [str(uuid7())], Action.DELETE, options),
        lambda options: create(*range(2, 1002), options=options),
        lambda options: replace(create(2, options=options), layout=None),
        lambda options: replace(create(2, options=options), layout="another"),
    ],
    ids=["options", "action", "many items", "no layout", "another layout"],
)
async def test_nothing_is_applied_where_one_is_not_usual(
    committer: Committer, usual: Usual, other: Callable[[Options], NewBatch]
) -> None:
    first = create(1, options=options_of(usual))
    for each in (first, other(options_of(usual))):
        await save(committer.pool, each)
    assert await applied(committer, usual) == []
    await committer.commit_pending(*PLACE)
    assert await state_of(committer, first) is BatchState.COMMITTED


async def test_nothing_is_applied_where_there_are_many(committer: Committer, usual: Usual) -> None:
    for number in range(17):
        await save(committer.pool, create(number, options=options_of(usual)))
    assert await applied(committer, usual) == []


async def test_nothing_is_applied_of_an_account_with_limits(
    committer: Committer, usual: Usual, operator: Pool
) -> None:
    await set_quota(operator, *PLACE, 1)
    batch = create(1, options=options_of(usual))
    await save(committer.pool, batch)
    assert await applied(committer, usual) == []
    await committer.commit_pending(*PLACE)
    assert await state_of(committer, batch) is BatchState.FAILED


async def test_a_conflict_is_named_and_spares_the_others(
    committer: Committer, usual: Usual
) -> None:
    good, bad = (create(n, options=options_of(usual)) for n in (1, 1000))
    for each in (good, bad):
        await save(committer.pool, each)
    with pytest.raises(asyncpg.UniqueViolationError):
        await applied(committer, usual)
    await committer.commit_pending(*PLACE)
    assert await state_of(committer, good) is BatchState.COMMITTED
    assert await state_of(committer, bad) is BatchState.FAILED


async def test_a_damaged_payload_leaves_nothing(
    committer: Committer, usual: Usual, operator: Pool
) -> None:
    batch = create(1, 2, options=options_of(usual))
    await save(committer.pool, batch)
    async with operator.connection() as connection:
        await connection.execute(
            """
            UPDATE ingest.payloads SET records = convert_to(
                json_build_array(convert_from(records, 'UTF8')::json -> 0)::text, 'UTF8')
            WHERE batch = $1
            """,
            batch.id,
        )
    with pytest.raises(asyncpg.NotNullViolationError):
        await applied(committer, usual)
    async with operator.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM collections.contacts") == 1
    assert await state_of(committer, batch) is BatchState.ACCEPTED


async def waits(operator: Pool) -> bool:
    """Whether a transaction waits for another one's lock."""
    async with operator.connection() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return bool(await connection.fetchval(query))


async def test_it_sees_all_that_was_committed_before_its_lock(
    committer: Committer, usual: Usual, operator: Pool
) -> None:
    """A version of a key that another transaction has just deleted never returns."""
    key = str(uuid7())
    await save(committer.pool, create(1, options=options_of(usual), id=key))
    await committer.commit_pending(*PLACE)
    delete = new_batch(CONTACTS, [key], Action.DELETE, MINIMAL)
    await save(committer.pool, delete)
    async with committer.pool.transaction("acme") as connection:
        assert await apply_batch(connection, REGISTRY, "acme", delete.id)
        again = create(1, options=options_of(usual), id=key)
        await save(committer.pool, again)
        applying = asyncio.create_task(applied(committer, usual))
        await until(partial(waits, operator))
    assert await applying == [(again.id, BatchState.COMMITTED, 1)]
    async with operator.connection() as connection:
        query = 'SELECT "$version" FROM collections.contacts WHERE id = $1'
        assert await connection.fetchval(query, key) == 2
