"""Rule 9: writers side by side neither deadlock to death nor lose an update."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from ingest.settings import Settings
from ingest.store.pool import Pool
from tests.harness import REGISTRY, Reply, Service
from tests.store.conflicting import ID, LENIENT, MERGE, contact, counts, store, versions
from workers.commit import Committer
from workers.settings import open_committer, running_worker

WRITERS, ROUNDS, KEYS = 8, 4, 40
_INSERT = """
INSERT INTO collections.contacts
    ("$account", "$batch", "$version", "$created_at", "$updated_at", id, email, first_name)
VALUES ('acme', $1, 1, now(), now(), $1, $2, 'Intruder')
"""

_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"


def seat(number: int) -> str:
    return f"seat {number:03}"


@pytest.fixture
async def two_workers(service: Service, settings: Settings) -> AsyncIterator[Service]:
    """The service with a second worker, which has connections of its own."""
    async with open_committer(settings, REGISTRY) as committer, running_worker(committer):
        yield service


async def test_shuffled_batches_over_the_same_keys_all_end_and_lose_nothing(
    two_workers: Service,
) -> None:
    keys = [seat(number) for number in range(KEYS)]
    await store(two_workers, "seats", *({"code": key, "colour": "none"} for key in keys))

    async def write(writer: int) -> list[Reply]:
        order = random.Random(writer)
        replies = []
        for turn in range(ROUNDS):
            colour = f"{writer}/{turn}"
            items = [{"code": key, "colour": colour} for key in order.sample(keys, KEYS)]
            if writer % 2:
                replies.append(await two_workers.patch("seats", items))
            else:
                replies.append(await two_workers.post("seats", items, prefer=MERGE))
        return replies

    answered = await asyncio.gather(*map(write, range(WRITERS)))
    replies = [reply for each in answered for reply in each]
    assert {reply.status for reply in replies} <= {200, 201}
    assert {counts(reply) for reply in replies} == {(0, KEYS, 0, 0)}
    # No update was lost: each of them is one version.
    assert set((await versions(two_workers, "seats", "code")).values()) == {1 + WRITERS * ROUNDS}
    colours = {item["colour"] for item in (await two_workers.get("seats")).body["data"]}
    assert len(colours) == 1


async def test_of_batches_that_create_the_same_items_one_wins_and_the_others_are_told(
    two_workers: Service,
) -> None:
    def items(writer: int) -> list[dict[str, Any]]:
        chosen = [contact(number, first_name=f"Writer {writer}") for number in range(1, 10)]
        return random.Random(writer).sample(chosen, len(chosen))

    replies = await asyncio.gather(
        *(two_workers.post("contacts", items(writer)) for writer in range(WRITERS))
    )
    assert sorted(reply.status for reply in replies) == [201] + [422] * (WRITERS - 1)
    for reply in replies:
        if reply.status == 422:
            taken = [(40903, "id"), (40903, "email")]
            named = {index: errors for index, errors in reply.codes.items() if errors}
            assert all(set(errors) <= set(taken) for errors in named.values())
            assert sorted(named) == list(range(9))
    stored = (await two_workers.get("contacts")).body["data"]
    assert len({item["first_name"] for item in stored}) == 1


async def test_optimistic_writers_lose_no_increment(two_workers: Service) -> None:
    """Read, add one, send the version back; where it has moved on, read again."""
    await store(two_workers, "contacts", contact(1, age=0))

    async def increment() -> None:
        while True:
            reply = await two_workers.get(f"contacts/{ID(1)}", params={"select": "meta"})
            item = reply.body["data"]
            change = {"id": ID(1), "age": item["age"] + 1, "meta": item["meta"]}
            reply = await two_workers.patch("contacts", [change])
            if reply.status == 200:
                return
            assert reply.codes == {0: [(41201, "meta.version")]}

    await asyncio.gather(*(increment() for _ in range(WRITERS)))
    item = (await two_workers.get(f"contacts/{ID(1)}")).body["data"]
    assert item["age"] == WRITERS


# What another program writes into the table between check and insert.


@asynccontextmanager
async def intruding(
    monkeypatch: pytest.MonkeyPatch, operator: Pool, *rows: tuple[str, str]
) -> AsyncIterator[None]:
    """Insert one row (id, email) by plain SQL after each of the next checks.

    Every batch is committed alone meanwhile, because only that checks first in any case.
    """
    from ingest.store import commit

    async def nothing_together(*_: Any, **__: Any) -> tuple[()]:
        return ()

    checked, waiting = commit.find_conflicts, list(rows)

    async def check_and_intrude(*arguments: Any) -> Any:
        found = await checked(*arguments)
        if waiting:
            key, email = waiting.pop(0)
            async with operator.connection() as connection:
                await connection.execute(_INSERT, UUID(key), email)
        return found

    monkeypatch.setattr(commit, "find_conflicts", check_and_intrude)
    monkeypatch.setattr("workers.commit.apply_group", nothing_together)
    yield
    assert not waiting


@pytest.mark.parametrize(
    ("intruder", "errors"),
    [
        ((ID(1), "other@example.com"), [(40903, "id")]),
        ((ID(9), "1@example.com"), [(40903, "email")]),
        ((ID(1), "1@example.com"), [(40903, "id")]),
    ],
    ids=["its key", "its unique attribute", "both"],
)
async def test_a_conflict_that_appears_between_check_and_insert_is_named(
    service: Service,
    operator: Pool,
    monkeypatch: pytest.MonkeyPatch,
    intruder: tuple[str, str],
    errors: list[tuple[int, str]],
) -> None:
    async with intruding(monkeypatch, operator, intruder):
        reply = await service.post("contacts", [contact(2), contact(1)], prefer="wait=10")
    assert (reply.status, reply.codes) == (422, {1: errors})
    assert (await service.get(f"contacts/{ID(2)}")).status == 404


async def test_a_conflict_that_appears_costs_a_lenient_batch_that_item_alone(
    service: Service, operator: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [contact(1), {"email": "invalid"}, contact(2), contact(2)]
    intruders = [(ID(8), "1@example.com"), (ID(2), "8@example.com")]
    async with intruding(monkeypatch, operator, *intruders):
        reply = await service.post("contacts", [*items, contact(3)], prefer=LENIENT)
    assert reply.status == 207
    assert {index: set(errors) for index, errors in reply.codes.items() if index != 1} == {
        0: {(40903, "email")},
        2: {(40903, "id")},
        3: {(40903, "id")},
    }
    assert [item["id"] for item in reply.body["data"]] == [ID(3)]


async def test_a_value_that_is_taken_during_an_update_is_named(
    service: Service, operator: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store(service, "contacts", contact(1), contact(2))
    items = [{"id": ID(1), "age": 5}, {"id": ID(2), "email": "new@example.com"}]
    async with intruding(monkeypatch, operator, (ID(9), "new@example.com")):
        reply = await service.patch("contacts", items)
    assert (reply.status, reply.codes) == (422, {1: [(40903, "email")]})
    assert (await versions(service, "contacts"))[ID(1)] == 1


async def test_a_dry_run_names_what_appears_meanwhile(
    service: Service, operator: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with intruding(monkeypatch, operator, (ID(1), "other@example.com")):
        reply = await service.post("contacts", [contact(1)], params={"dryRun": "true"})
    assert (reply.status, reply.codes) == (422, {0: [(40903, "id")]})


async def test_a_batch_waits_for_a_transaction_that_holds_its_value_and_gives_it_up(
    service: Service, operator: Pool
) -> None:
    """A row that another transaction has inserted is no conflict until that commits."""
    async with operator.connection() as connection:
        other = connection.transaction()
        await other.start()
        await connection.execute(_INSERT, UUID(ID(9)), "1@example.com")
        answer = asyncio.create_task(service.post("contacts", [contact(1)], prefer="wait=30"))
        await _until_a_lock_is_waited_for(connection)
        await other.rollback()
    assert (await answer).status == 201


@pytest.mark.own_database
async def test_a_constraint_that_the_schema_does_not_know_is_not_tried_for_ever(
    service: Service, operator: Pool, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest.store import commit

    tries = 0
    find_conflicts = commit.find_conflicts

    async def counted(*arguments: Any) -> Any:
        nonlocal tries
        tries += 1
        return await find_conflicts(*arguments)

    async with operator.connection() as connection:
        await connection.execute(
            'CREATE UNIQUE INDEX admins ON collections.contacts ("$account", first_name)'
        )
    await store(service, "contacts", contact(1, first_name="Jo"))
    monkeypatch.setattr(commit, "find_conflicts", counted)
    reply = await service.post("contacts", [contact(2, first_name="Jo")], prefer="wait=0")
    assert reply.status == 202
    batch = UUID(reply.body["metadata"]["batchId"])
    with pytest.raises(commit.ConflictAppeared):
        async with committer.pool.transaction("acme") as connection:
            await commit.apply_batch(connection, REGISTRY, "acme", batch)
    assert tries
    assert tries % commit.ATTEMPTS == 0


async def _until_a_lock_is_waited_for(connection: Any) -> None:
    async with asyncio.timeout(10):
        while not await connection.fetchval(_WAITING):  # noqa: ASYNC110 - the database does not say
            await asyncio.sleep(0.01)
