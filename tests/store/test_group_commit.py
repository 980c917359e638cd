"""Batches that wait together are committed together, and each is as if it had been alone."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis

from ingest.batches.rings import QUEUE
from ingest.model import Batch, Finished
from ingest.settings import Settings
from ingest.store.group_commit import apply_checked, apply_group
from ingest.store.pool import Pool
from ingest.store.quotas import set_quota
from tests.harness import Reply, Service
from tests.store.conflicting import ID, LENIENT, MERGE, contact, store, versions
from workers.commit import Committer
from workers.settings import running_worker

LATER = "wait=0"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Without a sweeper: only rings lead to commits."""
    return replace(settings, sweep_after=3600.0)


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[list[UUID]]:
    """The batches of every attempt to apply a group."""
    seen: list[list[UUID]] = []

    def recorded(apply: Any) -> Any:
        async def applied(
            connection: Any, registry: Any, batches: Sequence[Batch]
        ) -> Sequence[Finished]:
            seen.append([batch.id for batch in batches])
            done: Sequence[Finished] = await apply(connection, registry, batches)
            return done

        return applied

    for apply in (apply_group, apply_checked):
        monkeypatch.setattr(f"workers.commit.{apply.__name__}", recorded(apply))
    return seen


async def send(api: Service, method: str, *batches: list[Any], **options: str) -> list[UUID]:
    """Have batches accepted, one after the other, without a worker."""
    ids = []
    prefer = ", ".join([LATER, *filter(None, [options.pop("prefer", "")])])
    for items in batches:
        reply = await api.request(method, "/v1/contacts", items, prefer=prefer, **options)
        assert reply.status == 202, reply.body
        ids.append(UUID(reply.body["metadata"]["batchId"]))
    return ids


async def outcome(api: Service, batch: UUID) -> Reply:
    """The response that a batch would have got."""
    shown = (await api.get(f"batches/{batch}")).body["data"]
    stored = shown["response"]
    return Reply(stored["status"], {}, stored["body"] | {"failures": shown["failures"]})


async def outcomes(api: Service, batches: list[UUID]) -> list[int]:
    return [(await outcome(api, batch)).status for batch in batches]


async def test_waiting_batches_are_one_statement_and_each_has_its_own_answer(
    api: Service, committer: Committer, applied: list[list[UUID]]
) -> None:
    batches = await send(api, "POST", [contact(1), contact(2)], [contact(3)], [], [contact(4)])
    await committer.commit_pending("acme", "contacts")
    assert applied == [batches]
    replies = [await outcome(api, batch) for batch in batches]
    assert [reply.body["metadata"]["created"] for reply in replies] == [2, 1, 0, 1]
    assert [[item["id"] for item in reply.body["data"]] for reply in replies] == [
        [ID(1), ID(2)],
        [ID(3)],
        [],
        [ID(4)],
    ]
    stored = (await api.get("contacts", params={"select": "meta"})).body["data"]
    assert [UUID(item["meta"]["batch"]) for item in stored] == [
        *(batches[0], batches[0], batches[1], batches[3])
    ]


async def test_no_items_are_answered_where_none_are_wanted(
    api: Service, committer: Committer
) -> None:
    minimal = await send(api, "POST", [contact(1)], [contact(2)], prefer="return=minimal")
    await committer.commit_pending("acme", "contacts")
    assert await outcomes(api, minimal) == [201, 201]
    assert await api.count("contacts") == 2
    replies = [await outcome(api, batch) for batch in minimal]
    assert not any("data" in reply.body for reply in replies)


@pytest.mark.parametrize("prefer", ["", "return=minimal"])
async def test_of_batches_with_the_same_item_the_first_wins_and_no_other_is_harmed(
    api: Service, committer: Committer, prefer: str
) -> None:
    batches = await send(
        api,
        "POST",
        [contact(1)],
        [contact(2), contact(1)],
        [contact(3)],
        [contact(4, email="3@example.com")],
        [contact(5)],
        prefer=prefer,
    )
    await committer.commit_pending("acme", "contacts")
    assert await outcomes(api, batches) == [201, 422, 201, 422, 201]
    assert (await outcome(api, batches[1])).codes == {1: [(40903, "id")]}
    assert (await outcome(api, batches[3])).codes == {0: [(40903, "email")]}
    assert set(await versions(api, "contacts")) == {ID(1), ID(3), ID(5)}


async def test_a_limit_takes_batches_apart_at_once(
    api: Service, committer: Committer, applied: list[list[UUID]], operator: Pool
) -> None:
    """Looking for conflicts would not tell which batch is one too many."""
    await set_quota(operator, "acme", "contacts", 2)
    batches = await send(api, "POST", [contact(1)], [contact(2)], [contact(3)])
    await committer.commit_pending("acme", "contacts")
    assert await outcomes(api, batches) == [201, 201, 403]
    assert applied == [batches]


async def test_an_item_twice_in_one_batch_is_that_batchs_failure(
    api: Service, committer: Committer
) -> None:
    twice, once = await send(api, "POST", [contact(1), contact(1)], [contact(2)])
    await committer.commit_pending("acme", "contacts")
    assert (await outcome(api, twice)).codes == {1: [(40904, "id"), (40904, "email")]}
    assert (await outcome(api, once)).status == 201


async def test_lenient_batches_keep_their_own_failures(api: Service, committer: Committer) -> None:
    await committer.commit_pending("acme", "contacts")
    items = [[{"email": "no"}, contact(1)], [contact(2)], [contact(3), contact(1)]]
    batches = await send(api, "POST", *items, prefer=LENIENT)
    await committer.commit_pending("acme", "contacts")
    assert await outcomes(api, batches) == [207, 201, 207]
    first, _, third = [await outcome(api, batch) for batch in batches]
    assert first.body["metadata"]["invalidItems"] == [0]
    assert third.codes == {1: [(40903, "id")]}


async def test_upserts_and_updates_of_one_item_happen_one_after_the_other(
    service: Service, api: Service, committer: Committer
) -> None:
    await store(service, "contacts", contact(1), contact(2))
    changes = [[{"id": ID(1), "age": age}, {"id": ID(2), "age": age}] for age in (10, 20, 30)]
    replies = await asyncio.gather(*(service.patch("contacts", each) for each in changes))
    assert [reply.body["metadata"]["updated"] for reply in replies] == [2, 2, 2]
    assert await versions(service, "contacts") == {ID(1): 4, ID(2): 4}


@pytest.mark.parametrize("takes_first", [True, False])
async def test_a_value_that_another_batch_gives_up_is_not_free_before_that(
    service: Service, settings: Settings, takes_first: bool, committer: Committer
) -> None:
    """Whichever comes first, the outcome is one that some order of the two has."""
    await store(service, "contacts", contact(1), contact(2))
    takes = [{"id": ID(2), "email": "1@example.com"}]
    gives = [{"id": ID(1), "email": "new@example.com"}]
    both = [takes, gives] if takes_first else [gives, takes]
    replies = await asyncio.gather(*(service.patch("contacts", each) for each in both))
    taken, given = replies if takes_first else replies[::-1]
    assert given.status == 200
    item = (await service.get(f"contacts/{ID(2)}")).body["data"]
    if taken.status == 200:
        assert item["email"] == "1@example.com"
    else:
        assert (taken.codes, item["email"]) == ({0: [(40903, "email")]}, "2@example.com")


async def test_two_batches_cannot_swap_what_each_alone_could_not_take(
    api: Service, committer: Committer
) -> None:
    saved = await send(api, "POST", [contact(1), contact(2)])
    await committer.commit_pending("acme", "contacts")
    assert await outcomes(api, saved) == [201]
    swaps = [
        [{"id": ID(1), "email": "2@example.com"}],
        [{"id": ID(2), "email": "1@example.com"}],
    ]
    batches = await send(api, "PATCH", *swaps)
    await committer.commit_pending("acme", "contacts")
    assert await outcomes(api, batches) == [422, 422]


async def test_deletes_together_count_for_themselves(api: Service, committer: Committer) -> None:
    await send(api, "POST", [contact(number) for number in range(1, 6)])
    await committer.commit_pending("acme", "contacts")
    batches = await send(api, "DELETE", [ID(1), ID(2)], [ID(3)], [ID(1)], [ID(9)])
    await committer.commit_pending("acme", "contacts")
    assert await outcomes(api, batches) == [200, 200, 422, 422]
    assert (await outcome(api, batches[0])).body["metadata"]["deleted"] == 2
    assert await api.count("contacts") == 2


async def test_batches_of_other_kinds_and_accounts_are_other_groups(
    api: Service, committer: Committer, applied: list[list[UUID]]
) -> None:
    creates = await send(api, "POST", [contact(1)])
    upserts = await send(api, "POST", [contact(2)], prefer=MERGE)
    creates += await send(api, "POST", [contact(3)])
    await committer.commit_pending("acme", "contacts")
    assert applied == [creates, upserts]
    assert await outcomes(api, [*creates, *upserts]) == [201, 201, 201]


@pytest.mark.parametrize(("waiting", "groups"), [(15, [15]), (20, [10, 10])])
async def test_of_many_that_wait_half_need_not_wait_for_all(
    api: Service,
    committer: Committer,
    applied: list[list[UUID]],
    waiting: int,
    groups: list[int],
) -> None:
    items = [{"email": f"{n}@example.com", "first_name": "Jo"} for n in range(waiting)]
    batches = await send(api, "POST", *([item] for item in items))
    await committer.commit_pending("acme", "contacts")
    assert [len(group) for group in applied] == groups
    assert [batch for group in applied for batch in group] == batches
    assert await outcomes(api, batches) == [201] * waiting


async def test_many_batches_are_few_jobs(
    api: Service, committer: Committer, settings: Settings
) -> None:
    """Rings that no worker has taken yet are one."""
    await send(api, "POST", *([contact(n)] for n in range(1, 10)))
    async with Redis.from_url(settings.redis_url) as redis:
        assert await redis.zcard(QUEUE) == 1
        async with running_worker(committer), asyncio.timeout(10):
            while await redis.zcard(QUEUE):  # noqa: ASYNC110 - it happens elsewhere
                await asyncio.sleep(0.01)
    assert await api.count("contacts") == 9


async def test_who_is_accepted_while_others_are_committed_is_not_forgotten(
    service: Service, committer: Committer
) -> None:
    await store(service, "contacts", contact(1))

    async def write(writer: int) -> None:
        for turn in range(20):
            items = [{"email": f"{writer}.{turn}@example.com", "first_name": "Jo"}]
            reply = await service.post("contacts", items, prefer="wait=30")
            assert reply.status == 201, reply.body

    await asyncio.gather(*map(write, range(16)))
    assert await service.count("contacts") == 321
