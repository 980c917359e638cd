"""Batches in the database: their accounts, idempotency keys, failures and outcomes."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from ingest import errors
from ingest.exactjson import dump_exact, load_exact
from ingest.model import (
    BatchState,
    Failure,
    IdempotencyKey,
    ItemError,
    NewBatch,
    Options,
)
from ingest.settings import Settings
from ingest.store import batches
from ingest.store.pool import Pool, open_pool
from ingest.store.staging import KeyTaken
from tests.staged import EMPTY, batch_of, outcome_of, save

DAY = dt.timedelta(hours=24)
FINGERPRINT = bytes(range(32))
FAILURE = Failure(1, {"email": "x"}, (ItemError(errors.BAD_FORMAT, "No.", "email", "Really."),))


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    async with open_pool(settings) as pool:
        yield pool


def batch(account: str = "acme", key: str | None = None, *failures: Failure) -> NewBatch:
    chunk = replace(EMPTY, received=2, invalid=len(failures), records=b"[]", failures=failures)
    held = None if key is None else IdempotencyKey(key, FINGERPRINT)
    return batch_of(chunk, account=account, key=held)


async def test_an_accepted_batch_is_found_by_its_account_alone(pool: Pool) -> None:
    new = batch()
    await save(pool, new)
    found = await batches.get(pool, "acme", new.id)
    assert found is not None
    assert (found.state, found.received, found.options) == (BatchState.ACCEPTED, 2, Options())
    assert await batches.get(pool, "rival", new.id) is None
    assert await outcome_of(pool, new, 10, "rival") is None
    assert await batches.get(pool, "acme", uuid4()) is None


def shown(failure: Failure) -> Failure:
    """A failure as an answer shows it: its raw item is as it was stored."""
    return replace(failure, raw=load_exact(dump_exact(failure.raw)))


async def test_a_rejected_batch_has_its_failures_in_order_and_bounded(pool: Pool) -> None:
    failures = [replace(FAILURE, index=index, raw={"n": index}) for index in (0, 1, 5)]
    new = batch("acme", "k", *failures)
    await save(pool, new)
    outcome = await outcome_of(pool, new, 2)
    assert outcome is not None
    assert outcome.batch.state is BatchState.REJECTED
    assert list(outcome.batch.invalid) == [0, 1, 5]
    assert list(map(shown, outcome.failures)) == failures[:2]
    assert await batches.find_by_key(pool, "acme", "k", DAY) is None


SENT: list[Any] = [
    *(None, "text", 5, True, [], {}, {"n": 2**70}, {"q": "\\u0000"}, "é\u2028"),
    {"a\0": "\0"},
]


async def test_every_json_value_can_be_kept_as_raw_item(pool: Pool) -> None:
    failures = [replace(FAILURE, index=index, raw=raw) for index, raw in enumerate(SENT)]
    new = batch("acme", None, *failures)
    await save(pool, new)
    outcome = await outcome_of(pool, new, 100)
    assert outcome is not None
    assert [shown(failure).raw for failure in outcome.failures] == SENT


async def test_a_key_names_one_batch_of_an_account(pool: Pool) -> None:
    first = batch(key="k")
    await save(pool, first)
    with pytest.raises(KeyTaken):
        await save(pool, batch(key="k"))
    await save(pool, batch("rival", "k"))
    assert await batches.find_by_key(pool, "acme", "k", DAY) == (first.id, FINGERPRINT)
    assert await batches.find_by_key(pool, "acme", "other", DAY) is None


async def test_of_many_at_once_one_gets_the_key(pool: Pool) -> None:
    tries = [save(pool, batch(key="k")) for _ in range(10)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [KeyTaken] * 9


async def test_an_old_key_is_forgotten_once_its_batch_is_finished(pool: Pool) -> None:
    old = batch(key="k")
    await save(pool, old)
    assert await batches.find_by_key(pool, "acme", "k", dt.timedelta(0)) == (old.id, FINGERPRINT)
    await batches.finish_broken(pool, "acme", old.id, {"code": 50001})
    assert await batches.find_by_key(pool, "acme", "k", dt.timedelta(0)) is None
    await save(pool, batch(key="k"))


async def test_where_batches_wait_is_found_across_accounts(pool: Pool) -> None:
    news = [batch(account) for account in ("acme", "rival", "acme")]
    for new in news:
        await save(pool, new)
    await batches.count_attempt(pool, "acme", news[2].id)
    found = await batches.unfinished(pool, dt.timedelta(0), 10)
    assert set(found) == {
        ("acme", "contacts", None),
        ("rival", "contacts", None),
        ("acme", "contacts", news[2].id),
    }
    assert await batches.unfinished(pool, dt.timedelta(0), 1) == [("acme", "contacts", None)]
    assert await batches.unfinished(pool, dt.timedelta(hours=1), 10) == []


async def test_attempts_are_counted_until_the_batch_is_finished(pool: Pool) -> None:
    new = batch(key="k")
    await save(pool, new)
    assert [await batches.count_attempt(pool, "acme", new.id) for _ in range(2)] == [1, 2]
    await batches.finish_broken(pool, "acme", new.id, {"code": 50001})
    assert await batches.count_attempt(pool, "acme", new.id) is None
    found = await batches.get(pool, "acme", new.id)
    assert found is not None
    assert (found.state, found.error) == (BatchState.FAILED, {"code": 50001})
    assert await batches.find_by_key(pool, "acme", "k", DAY) == (new.id, FINGERPRINT)
    assert await batches.finished_among(pool, "acme", [new.id, UUID(int=0)]) == {new.id}
    assert await batches.finished_among(pool, "rival", [new.id]) == set()
