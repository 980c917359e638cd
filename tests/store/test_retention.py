"""What has expired goes, a step at a time; what is unfinished, or named by an item, stays."""

import dataclasses
import time
from types import SimpleNamespace
from typing import Any

import pytest

from ingest import ids
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.retention import remove_expired
from tests.harness import Service
from workers.commit import Committer
from workers.maintenance import kept_of, remove_all_expired

HOUR, DAY = 3600, 24 * 3600
DEAL = {"title": "one", "value": "1"}


async def saved(service: Service, key: str, *items: dict[str, Any], **options: Any) -> str:
    """Save items; the batch's id."""
    reply = await service.post("deals", list(items), idempotency_key=key, **options)
    batch: str = reply.body["metadata"]["batchId"]
    return batch


async def aged(operator: Pool, seconds: float, *batches: str) -> None:
    """Make batches that much older, as far as their times and ids say."""
    async with operator.connection() as connection:
        await connection.execute(
            """
            UPDATE ingest.batches SET created_at = created_at - $1 * interval '1 s',
                accepted_at = accepted_at - $1 * interval '1 s',
                finished_at = finished_at - $1 * interval '1 s'
            WHERE id = ANY($2)
            """,
            seconds,
            list(batches),
        )


async def kept(operator: Pool, batch: str) -> set[str]:
    """What is still there of a batch."""
    async with operator.connection() as connection:
        row = await connection.fetchrow(
            """
            SELECT EXISTS (SELECT FROM ingest.payloads WHERE batch = $1) AS payload,
                EXISTS (SELECT FROM ingest.failures WHERE batch = $1) AS failures,
                EXISTS (SELECT FROM ingest.batches WHERE id = $1) AS row,
                EXISTS (SELECT FROM ingest.batches WHERE id = $1 AND data IS NOT NULL) AS data,
                EXISTS (SELECT FROM ingest.batches
                        WHERE id = $1 AND idempotency_key IS NOT NULL) AS key
            """,
            batch,
        )
    assert row is not None
    return {name for name, there in row.items() if there}


@pytest.fixture(autouse=True)
def _ids_of_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches get ids as old as their times will be."""
    then = time.time_ns() - 40 * DAY * 10**9
    monkeypatch.setattr(ids, "time", SimpleNamespace(time_ns=lambda: then))
    monkeypatch.setattr(ids, "uuid7_texts", ids.Uuid7Sequence().texts)


async def test_each_thing_goes_in_its_time(
    service: Service, operator: Pool, settings: Settings, committer: Committer
) -> None:
    batch = await saved(service, "k", DEAL)
    assert await kept(operator, batch) == {"payload", "row", "data", "key"}
    await remove_all_expired(settings, committer.pool)
    assert await kept(operator, batch) == {"payload", "row", "data", "key"}
    await aged(operator, HOUR, batch)
    await remove_all_expired(settings, committer.pool)
    assert await kept(operator, batch) == {"row", "data", "key"}
    await aged(operator, DAY, batch)
    await remove_all_expired(settings, committer.pool)
    assert await kept(operator, batch) == {"row"}
    await aged(operator, 400 * DAY, batch)
    await remove_all_expired(settings, committer.pool)
    assert await kept(operator, batch) == {"row"}, "an item names it"


async def test_an_old_batch_is_still_shown(
    service: Service, operator: Pool, settings: Settings, committer: Committer
) -> None:
    batch = await saved(service, "k", DEAL)
    await aged(operator, 2 * DAY, batch)
    await remove_all_expired(settings, committer.pool)
    shown = (await service.get(f"batches/{batch}")).body["data"]
    assert (shown["state"], shown["response"]["status"]) == ("committed", 201)
    body = shown["response"]["body"]
    assert (body["metadata"]["created"], "data" in body) == (1, False)
    assert "are not kept" in body["message"]
    again = await saved(service, "k", DEAL)
    assert again != batch, "the key has expired"


async def test_batches_that_no_item_names_go(
    service: Service, operator: Pool, settings: Settings, committer: Committer
) -> None:
    first = await service.post("contacts", [{"email": "a@example.com", "first_name": "A"}])
    assert first.status == 201
    rejected = (await service.post("contacts", [{}])).body["metadata"]["batchId"]
    failed = (await service.post("contacts", [{"email": "a@example.com", "first_name": "A"}])).body[
        "metadata"
    ]["batchId"]
    empty = (await service.post("contacts", [])).body["metadata"]["batchId"]
    for batch in (rejected, failed):
        assert "failures" in await kept(operator, batch)
    await aged(operator, 29 * DAY, rejected, failed, empty)
    await remove_all_expired(settings, committer.pool)
    for batch in (rejected, failed, empty):
        assert "row" in await kept(operator, batch)
    await aged(operator, 2 * DAY, rejected, failed, empty)
    await remove_all_expired(settings, committer.pool)
    for batch in (rejected, failed, empty):
        assert await kept(operator, batch) == set()


async def test_failures_of_a_batch_that_stays_go(
    service: Service, operator: Pool, settings: Settings, committer: Committer
) -> None:
    batch = await saved(service, "k", DEAL, {}, prefer="handling=lenient")
    assert "failures" in await kept(operator, batch)
    await aged(operator, 31 * DAY, batch)
    await remove_all_expired(settings, committer.pool)
    assert await kept(operator, batch) == {"row"}
    shown = (await service.get(f"batches/{batch}")).body["data"]
    assert shown["response"]["body"]["metadata"]["invalidItems"] == [1]


async def test_nothing_unfinished_goes(
    api: Service, operator: Pool, settings: Settings, committer: Committer
) -> None:
    batch = await saved(api, "k", DEAL, prefer="respond-async")
    await aged(operator, 400 * DAY, batch)
    await remove_all_expired(settings, committer.pool)
    assert await kept(operator, batch) == {"payload", "row", "key"}
    replayed = await api.post("deals", [DEAL], idempotency_key="k")
    assert replayed.error == (40901, "idempotency_replayed"), "its key does not expire"


async def test_what_can_be_retried_keeps_its_payload(
    service: Service, operator: Pool, settings: Settings, committer: Committer
) -> None:
    batch = await saved(service, "k", DEAL)
    async with operator.connection() as connection:
        await connection.execute(
            "UPDATE ingest.batches SET state = 'failed', error = '{}' WHERE id = $1", batch
        )
    await aged(operator, 2 * DAY, batch)
    await remove_all_expired(settings, committer.pool)
    assert await kept(operator, batch) == {"payload", "row"}
    await aged(operator, 30 * DAY, batch)
    await remove_all_expired(settings, committer.pool)
    assert await kept(operator, batch) == set()


async def test_a_step_is_bounded(
    service: Service, operator: Pool, settings: Settings, committer: Committer
) -> None:
    batches = [await saved(service, f"k{number}", DEAL) for number in range(5)]
    await aged(operator, HOUR, *batches)
    found = await remove_expired(committer.pool, kept_of(settings), 2)
    assert found == {"payload": 2}
    left = [batch for batch in batches if "payload" in await kept(operator, batch)]
    assert len(left) == 3
    small = dataclasses.replace(settings, retention_step=2)
    await remove_all_expired(small, committer.pool)
    assert [batch for batch in batches if "payload" in await kept(operator, batch)] == []
