"""Summaries are kept exactly: by triggers, in the transaction that changes the items."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from marshmallow import fields, validate

from ingest import Tally, Totals
from ingest.settings import Settings
from ingest.store.missing import missing_tables
from ingest.store.pool import Pool
from ingest.store.session import ROLE
from ingest.store.summaries import read_summaries
from ingest.store.tokens import create_token
from tests.harness import REGISTRY, Colour, Service
from tests.store.conflicting import IGNORE, MERGE, contact
from tests.store.migrating import connected, migrated, store, things
from tests.waiting import until
from workers.settings import open_committer, running_worker

STATUSES = ("lead", "prospect", "customer", "former")
WRITERS, ROUNDS, PEOPLE = 4, 12, 9
_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
_ALL_OF = "SELECT summary, value::text, items, total FROM ingest.tallies ORDER BY 1, 2"


@pytest.fixture
async def two_workers(service: Service, settings: Settings) -> AsyncIterator[Service]:
    async with open_committer(settings, REGISTRY) as committer, running_worker(committer):
        yield service


def count_of(items: list[dict[str, Any]]) -> dict[str, Any]:
    """The summaries of contacts, counted one by one."""
    tags = Counter(tag for item in items for tag in set(item.get("tags") or ()))
    statuses = Counter(item["status"] for item in items)
    return {
        "tags": [{"name": name, "count": tags[name]} for name in sorted(tags)],
        "statuses": [{"name": name, "count": statuses[name]} for name in sorted(STATUSES)],
    }


def _anything(chance: random.Random) -> dict[str, Any]:
    """A change of a contact: its tags, its status, both, or something else."""
    tags = chance.choices(["a", "b", "c", "ä" * 40], k=chance.randrange(4))
    every = {"tags": tags, "status": chance.choice([*STATUSES, None]), "age": 5}
    return {name: every[name] for name in every if chance.random() < 0.6}


async def _write(service: Service, writer: int, turn: int) -> None:
    """One batch of any kind; some fail, some only in part, some change nothing."""
    chance = random.Random(1000 * writer + turn)
    numbers = chance.sample(range(1, PEOPLE + 1), chance.randrange(1, 5))
    items = [contact(number, **_anything(chance)) for number in numbers]
    how = {"prefer": ", ".join(filter(None, [chance.choice(["", "handling=lenient"])]))}
    path = "contacts?dryRun=true" if chance.random() < 0.1 else "contacts"
    match chance.randrange(5):
        case 0:
            await service.post(path, items, **how)
        case 1:
            await service.post(path, items, prefer=f"{MERGE}, {how['prefer']}")
        case 2:
            await service.post(path, items, prefer=f"{IGNORE}, {how['prefer']}")
        case 3:
            await service.patch(path, items, **how)
        case _:
            await service.delete(path, [item["id"] for item in items], **how)


@pytest.mark.timeout(120)
async def test_h16_h19_any_history_of_concurrent_writers_is_counted_exactly(
    two_workers: Service, operator: Pool
) -> None:
    _, of_group = await create_token(operator, "acme", "north", groups=["north"])
    north = Service(two_workers.client, of_group)
    writers = [two_workers, north, two_workers, north]
    seen = set()
    for turn in range(ROUNDS):
        await asyncio.gather(
            *(_write(each, number, turn) for number, each in enumerate(writers[:WRITERS]))
        )
        for reader in (two_workers, north):
            reply = await reader.get("contacts?select=tags,statuses&limit=1000")
            shown = {name: reply.body[name] for name in ("tags", "statuses")}
            assert shown == count_of(reply.body["data"]), f"round {turn}"
            seen.add(str(shown))
    assert len(seen) > ROUNDS


async def test_h20_sums_are_exact_and_never_of_two_currencies(service: Service) -> None:
    def deal(value: str, currency: str, stage: str) -> dict[str, str]:
        return {"title": "T", "value": value, "currency": currency, "stage": stage}

    saved = await service.post(
        "deals",
        [
            deal("10.10", "EUR", "won"),
            deal("19.90", "EUR", "won"),
            deal("1", "USD", "won"),
            deal("999999999999.123456789012345678901", "EUR", "lead"),
        ],
    )
    assert saved.status == 201
    reply = await service.get("deals?select=sales")
    largest = "999999999999.123456789012345678901"
    assert reply.body["sales"] == [
        {"currency": "EUR", "stage": "lead", "count": 1, "value": largest},
        {"currency": "EUR", "stage": "won", "count": 2, "value": "30.00"},
        {"currency": "USD", "stage": "won", "count": 1, "value": "1"},
    ]
    ids = [item["id"] for item in saved.body["data"]]
    await service.patch("deals", [{"id": ids[2], "currency": "EUR"}, {"id": ids[0], "value": "0"}])
    await service.delete("deals", [ids[3]])
    reply = await service.get("deals?select=sales")
    assert reply.body["sales"] == [
        {"currency": "EUR", "stage": "won", "count": 3, "value": "20.90"}
    ]


@pytest.mark.own_database
async def test_h16_what_no_item_has_leaves_no_row(service: Service, database_url: str) -> None:
    await service.post("contacts", [contact(1, tags=["a", "a"], status="lead"), contact(2)])
    async with connected(database_url) as connection:
        assert [tuple(row) for row in await connection.fetch(_ALL_OF)] == [
            ("statuses", '["lead"]', 1, None),
            ("tags", '["a"]', 1, None),
        ]
        await service.patch("contacts", [{"id": contact(1)["id"], "tags": [], "status": None}])
        assert await connection.fetch(_ALL_OF) == []


async def test_h16_a_tag_as_long_as_an_item_may_be(empty_database: str) -> None:
    registry = things({"a": fields.String()}, summaries={"sums": Tally("a")})
    await migrated(empty_database, registry)
    long = "".join(random.Random(1).choices("abcdefghij", k=1_000_000))
    await store(empty_database, 1, a=long)
    assert await _kept(empty_database) == [("sums", f'["{long}"]', 1, None)]


async def test_h16_an_account_sees_its_own_summaries_only(
    service: Service, operator: Pool, database_url: str
) -> None:
    await service.post("contacts", [contact(1, tags=["a"])])
    _, token = await create_token(operator, "other", "tests")
    reply = await service.get("contacts?select=tags", token=token)
    assert reply.body["tags"] == []
    async with connected(database_url, ROLE) as connection:
        assert await connection.fetch(_ALL_OF) == []


async def _kept(url: str) -> list[tuple[Any, ...]]:
    async with connected(url) as connection:
        return [tuple(row) for row in await connection.fetch(_ALL_OF)]


FIELDS: dict[str, Any] = {
    "a": fields.String(validate=validate.OneOf(["x", "y"])),
    "b": fields.List(fields.String(allow_none=True), allow_none=True),
    "n": fields.Integer(),
    'quo"te': fields.String(),
}


async def test_h21_what_is_stored_already_is_counted_when_a_summary_is_declared(
    empty_database: str,
) -> None:
    bare = things(FIELDS)
    await migrated(empty_database, bare)
    for item, a in enumerate(["x", "x", "it's", None], start=1):
        await store(empty_database, item, a=a, b='["p", "p", null]', n=2**63 - 1)
    await store(empty_database, 5, account="other", a="x", b="null")

    declared = things(FIELDS, summaries={"as": Tally("a"), "bs": Tally("b")})
    async with connected(empty_database) as connection:
        assert len(await missing_tables(connection, declared)) == 3
    assert await migrated(empty_database, declared) == ["things: keeps the summaries 'as', 'bs'"]
    assert await migrated(empty_database, declared) == []
    async with connected(empty_database) as connection:
        assert await missing_tables(connection, declared) == []
    counted = [
        ("as", '["it\'s"]', 1, None),
        ("as", '["x"]', 1, None),
        ("as", '["x"]', 2, None),
        ("bs", '["p"]', 4, None),
    ]
    assert sorted(await _kept(empty_database)) == counted

    # Another declaration of the same name is counted anew, and the old one is gone.
    totals = Totals("n", by=("a", 'quo"te'))
    changed = things(FIELDS, summaries={"as": totals})
    assert await migrated(empty_database, changed) == ["things: keeps the summaries 'as'"]
    kept = {(value, items): int(total) for _, value, items, total in await _kept(empty_database)}
    assert kept == {
        ('["it\'s", null]', 1): 2**63 - 1,
        ('["x", null]', 1): 0,
        ('["x", null]', 2): 2 * (2**63 - 1),
        ("[null, null]", 1): 2**63 - 1,
    }
    assert await migrated(empty_database, bare) == [
        "things: no longer keeps summaries, because none is declared"
    ]
    assert await _kept(empty_database) == []
    await store(empty_database, 6, a="x")
    assert await _kept(empty_database) == []


async def test_h21_a_process_that_does_not_know_a_summary_keeps_it(empty_database: str) -> None:
    """While a new version starts, workers of the old one still write."""
    await migrated(empty_database, things(FIELDS, summaries={"as": Tally("a")}))
    async with connected(empty_database) as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            """INSERT INTO collections.things
                ("$account", "$batch", "$version", "$created_at", "$updated_at", id, a)
            VALUES ('acme', $1, 1, now(), now(), $1, 'x')""",
            UUID(int=1),
        )
        await transaction.rollback()
    assert await _kept(empty_database) == []
    await store(empty_database, 1, a="x")
    assert await _kept(empty_database) == [("as", '["x"]', 1, None)]


async def test_h21_no_item_is_missed_that_is_written_while_a_summary_is_declared(
    empty_database: str,
) -> None:
    await migrated(empty_database, things(FIELDS))
    async with connected(empty_database) as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("LOCK TABLE collections.things IN ROW EXCLUSIVE MODE")
        declared = things(FIELDS, summaries={"as": Tally("a")})
        migration = asyncio.create_task(migrated(empty_database, declared))
        await until(lambda: connection.fetchval(_WAITING))
        await connection.execute(
            """INSERT INTO collections.things
                ("$account", "$batch", "$version", "$created_at", "$updated_at", id, a)
            VALUES ('acme', $1, 1, now(), now(), $1, 'x')""",
            UUID(int=1),
        )
        await transaction.commit()
        await migration
    assert await _kept(empty_database) == [("as", '["x"]', 1, None)]


@pytest.mark.own_database
async def test_h19_an_enum_by_value_is_shown_by_value(operator: Pool, database_url: str) -> None:
    registry = things(
        {"c": fields.Enum(Colour, by_value=True), "d": fields.Enum(Colour), "n": fields.Integer()},
        summaries={"cs": Tally("c"), "ns": Totals("n", by=("d",))},
    )
    await migrated(database_url, registry)
    await store(database_url, 1, c="blue", d="red", n=2**63 - 1)
    await store(database_url, 2, c="blue", d="red", n=2**63 - 1)
    shown = await read_summaries(operator, registry["things"], "acme", ["ns", "cs"])
    assert shown == {
        "ns": [{"d": "red", "count": 2, "n": 2 * (2**63 - 1)}],
        "cs": [{"name": 1, "count": 0}, {"name": 2, "count": 2}],
    }
