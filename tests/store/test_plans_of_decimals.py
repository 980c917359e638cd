"""Decimal keys and unique attributes, which row-level security keeps from their indexes.

numeric's operators are not leakproof. So each statement reads the account: once, for any number of
items.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.model import Action, NewBatch, Options, Resolution
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.commit import apply_batch
from ingest.store.pool import Pool, open_pool
from ingest.store.statements import statements
from migrations.run import migrate
from tests.staged import new_batch, outcome_of, save

ROWS = 5_000


class PriceSchema(Schema):
    price = fields.Decimal(required=True)
    code = fields.Decimal(allow_none=True)
    note = fields.String()


PRICES = Resource("prices", PriceSchema, key="price", unique=["code"])
REGISTRY = Registry([PRICES])
_FILL = """
INSERT INTO collections.prices
    ("$account", "$batch", "$version", "$created_at", "$updated_at", price, code)
SELECT 'acme', gen_random_uuid(), 1, now(), now(), n, n FROM generate_series(1, $1::integer) n
"""
KINDS = {
    "create": (Action.CREATE, Options()),
    "merge": (Action.CREATE, Options(resolution=Resolution.MERGE)),
    "merge by code": (Action.CREATE, Options(resolution=Resolution.MERGE, matching="code")),
    "patch": (Action.UPDATE, Options()),
    "delete": (Action.DELETE, Options()),
}


@pytest.fixture
async def pool(empty_database: str) -> AsyncIterator[Pool]:
    await asyncio.to_thread(migrate, empty_database, REGISTRY)
    superuser = await asyncpg.connect(empty_database)
    await superuser.execute(_FILL, ROWS)
    await superuser.close()
    settings = Settings(database_url=empty_database, redis_url="redis://nowhere")
    async with open_pool(settings) as pool:
        yield pool


async def stage(pool: Pool, name: str, items: list[Any]) -> NewBatch:
    action, options = KINDS[name]
    batch = new_batch(PRICES, items, action, options)
    await save(pool, batch)
    return batch


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for below in plan.get("Plans", ()) for node in _nodes(below))]


@pytest.mark.parametrize("name", KINDS)
async def test_the_account_is_read_once_for_any_number_of_items(pool: Pool, name: str) -> None:
    items = [{"price": number, "code": number, "note": "new"} for number in range(1, 1_001)]
    batch = await stage(pool, name, items)
    sql = statements(PRICES, batch.action, batch.options)
    calls: dict[str, tuple[Any, ...]] = {sql.check: (), sql.apply: ("prices", [], [])}
    if sql.unchecked:
        calls[sql.unchecked] = ("prices", [], None)
    if name == "create":  # the keys exist
        del calls[sql.apply]
    async with pool.transaction("acme") as connection:
        for statement, arguments in calls.items():
            await connection.execute("SAVEPOINT before")
            text = await connection.fetchval(
                f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", [batch.id], "acme", *arguments
            )
            await connection.execute("ROLLBACK TO SAVEPOINT before")
            scans = [
                node
                for node in _nodes(json.loads(text)[0]["Plan"])
                if node.get("Relation Name") == "prices" and node["Node Type"].endswith("Scan")
            ]
            assert scans
            assert max(scan["Actual Loops"] for scan in scans) == 1


async def test_decimals_are_found_by_value_and_not_by_form(pool: Pool) -> None:
    items = [{"price": "7.00", "code": "3"}, {"price": "0.5", "code": "8.0"}, {"price": "9"}]
    batch = await stage(pool, "merge", items)
    async with pool.transaction("acme") as connection:
        await apply_batch(connection, REGISTRY, "acme", batch.id)
    outcome = await outcome_of(pool, batch, 10)
    assert outcome is not None
    assert [(failure.index, failure.errors[0].field) for failure in outcome.failures] == [
        (0, "code"),
        (1, "code"),
    ]
    batch = await stage(pool, "merge", [{"price": "7.00", "note": "x"}, {"price": Decimal("0.5")}])
    async with pool.transaction("acme") as connection:
        await apply_batch(connection, REGISTRY, "acme", batch.id)
    outcome = await outcome_of(pool, batch, 10)
    assert outcome is not None
    assert outcome.batch.outcomes == "uc"
