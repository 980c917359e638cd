"""What a group without a look for conflicts comes to is what it comes to with one."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Any

import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.model import Action, BatchState, NewBatch, Options, Resolution
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.pool import Pool, open_pool
from ingest.store.staging import stage
from ingest.store.statements import statements
from migrations.run import migrate
from tests.staged import new_batch

GROUPS = max(150, int(os.environ.get("FUZZ_COMPARISONS", "0")) // 100)
_ROWS = """
SELECT code, seat, "row", place, note, "$version", "$batch"
FROM collections.tickets ORDER BY code
"""
_BATCHES = "SELECT id, created, updated, unchanged, deleted FROM ingest.batches WHERE state = $1"


class TicketSchema(Schema):
    code = fields.String(required=True)
    seat = fields.String(load_default="none", allow_none=True)
    row = fields.String(allow_none=True)
    place = fields.Integer(allow_none=True)
    note = fields.String()


TICKETS = Resource("tickets", TicketSchema, key="code", unique=["seat", ("row", "place")])


@pytest.fixture
async def pool(empty_database: str) -> AsyncIterator[Pool]:
    await asyncio.to_thread(migrate, empty_database, Registry([TICKETS]))
    async with open_pool(Settings(database_url=empty_database, redis_url="redis://x")) as pool:
        yield pool


class _Undo(Exception):
    pass


def ticket_of(random: Random, *, whole: bool) -> dict[str, Any]:
    """Few values, so that many meet."""
    item: dict[str, Any] = {"code": random.choice("abcde")}
    some: dict[str, Any] = {
        "seat": random.choice(["none", "s1", "s2", "s3", "own a", f"own {item['code']}", None]),
        "row": random.choice(["1", "2", None]),
        "place": random.choice([1, 2, 3, None]),
    }
    if random.random() < 0.6:
        item["note"] = random.choice("xyz")
    share = 0.9 if whole else random.choice([0.0, 0.1, 0.3])
    item |= {name: value for name, value in some.items() if random.random() < share}
    if random.random() < 0.03:
        item["meta"] = {"version": random.choice([1, 2, 7])}
    return item


def items_of(random: Random, action: Action) -> Sequence[Any]:
    count = random.choice([1, 1, 2])
    items = [ticket_of(random, whole=False) for _ in range(count)]
    if action is not Action.DELETE:
        return items
    return [{name: each[name] for name in ("code", "meta") if name in each} for each in items]


def stored_of(random: Random) -> Sequence[Any]:
    """Items that can be stored together."""
    found: dict[str, dict[str, Any]] = {}
    taken: set[Any] = set()
    for _ in range(random.randrange(30)):
        item = ticket_of(random, whole=True)
        item.pop("meta", None)
        item["seat"] = random.choice([item.get("seat"), f"own {item['code']}"])
        pair = (item.get("row"), item.get("place"))
        values = {item["seat"], pair if None not in pair else None} - {None}
        if item["code"] not in found and not values & taken:
            found[item["code"]] = item
            taken |= values
    return [*found.values()]


async def applied(pool: Pool, stored: NewBatch, group: Sequence[NewBatch], how: str) -> Any:
    """What is stored in the end and became of each batch; None where it is for another way."""
    first = group[0]
    sql = statements(TICKETS, first.action, first.options)
    assert sql.unchecked is not None
    ids = [batch.id for batch in group]
    found: Any = None
    try:
        async with pool.transaction("acme") as connection:
            await stage(connection, "acme", [stored, *group])
            create = statements(TICKETS, stored.action, stored.options).apply
            await connection.fetch(create, [stored.id], "acme", "tickets", [], None)
            statement = sql.unchecked
            if how == "checked":
                if await connection.fetch(sql.conflicting, ids, "acme"):
                    raise _Undo
                statement = sql.apply
            try:
                async with connection.transaction():
                    done = await connection.fetch(statement, ids, "acme", "tickets", [], None)
            except Exception as error:
                if type(error).__name__ != "UniqueViolationError":
                    raise
                raise _Undo from error
            if len(done) < len(ids):
                raise _Undo
            committed = BatchState.COMMITTED.value
            found = (
                [tuple(row) for row in await connection.fetch(_ROWS)],
                sorted(tuple(row) for row in await connection.fetch(_BATCHES, committed)),
            )
            raise _Undo
    except _Undo:
        return found


@pytest.mark.timeout(0)
async def test_no_conflict_goes_unnoticed(pool: Pool) -> None:
    at_once = refused = 0
    start = int(os.environ.get("FUZZ_SEED", "1"))
    for seed in range(start, start + GROUPS):
        random = Random(seed)
        action = random.choice([Action.UPDATE, Action.CREATE, Action.DELETE])
        options = Options(representation=random.random() < 0.3)
        if action is Action.CREATE:
            resolution = random.choice([Resolution.MERGE, Resolution.REPLACE])
            options = Options(representation=options.representation, resolution=resolution)
        stored = new_batch(TICKETS, stored_of(random))
        group = [
            new_batch(TICKETS, items_of(random, action), action, options)
            for _ in range(random.choice([1, 2, 2]))
        ]
        if not all(batch.state is BatchState.ACCEPTED for batch in group):
            continue
        unchecked = await applied(pool, stored, group, "unchecked")
        checked = await applied(pool, stored, group, "checked")
        # Where it does not apply what could be, conflicts are looked for: that costs time alone.
        assert unchecked in (None, checked), (seed, unchecked, checked)
        at_once += unchecked is not None
        refused += checked is None
    assert at_once > GROUPS / 5, at_once
    assert refused > GROUPS / 5, refused
