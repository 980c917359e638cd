"""Searches among batches read what they look for, with any statistics of the table.

A plan is kept until autovacuum has analyzed the table, and its statistics may be long out of date:
that no batch is pending, that all are, or none at all.
"""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from ingest.model import Action, Options
from ingest.settings import Settings
from ingest.store.batches import QUERIES
from ingest.store.pool import Pool, open_pool
from ingest.store.retention import QUERIES as RETENTION
from ingest.store.statements import statements
from tests.harness import REGISTRY
from tests.staged import new_batch, save

pytestmark = pytest.mark.own_database
CONTACTS = REGISTRY["contacts"]
MANY = 20_000
FEW_BLOCKS = 60
"""Of tables and indexes: a few descents. Nothing that grows with `MANY` stays below it."""
BY_EMAIL = Options(representation=False, matching="email")

_BATCHES = """
INSERT INTO ingest.batches
    (id, account, collection, action, options, state, trace_id, received, created, accepted_at,
     finished_at)
SELECT ('01' || lpad(to_hex(n), 10, '0') || '7000' || lpad(to_hex(n), 16, '8'))::uuid,
       $2, 'contacts', 'create', '{}', $3, 'trace', 1, 1, now(),
       CASE WHEN $3 = 'committed' THEN now() - interval '2 days' END
FROM generate_series($1::integer, $1::integer + $4::integer - 1) n
"""
_CONTACTS = """
INSERT INTO collections.contacts
    ("$account", "$batch", "$version", "$created_at", "$updated_at", id, email, first_name)
SELECT 'acme', gen_random_uuid(), 1, now(), now(), gen_random_uuid(),
       'p' || n || '@example.com', 'P'
FROM generate_series(1, $1::integer) n
"""


@pytest.fixture
async def superuser(database_url: str) -> AsyncIterator[Any]:
    # VACUUM frees only what was written to disk.
    connection = await asyncpg.connect(database_url, server_settings={"synchronous_commit": "on"})
    for table in ("ingest.batches", "ingest.payloads", "collections.contacts"):
        await connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    yield connection
    await connection.close()


@pytest.fixture
async def pool(database_url: str, superuser: Any) -> AsyncIterator[Pool]:
    """One connection, which keeps the first plan of each statement."""
    name = database_url.rpartition("/")[2]
    await superuser.execute(f"ALTER DATABASE {name} SET plan_cache_mode = force_generic_plan")
    settings = Settings(database_url=database_url, redis_url="redis://nowhere", database_pool=1)
    async with open_pool(settings, statement_timeout=60) as pool:
        yield pool


async def blocks(pool: Pool, statement: str, *arguments: Any, account: str | None = None) -> int:
    """How many blocks a statement reads, the functions that it calls included."""
    async with pool.transaction(account) as connection:
        text = await connection.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}", *arguments
        )
    plan = json.loads(text)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def blocks_of_taking(pool: Pool, account: str) -> int:
    found = 0
    for _ in range(2):  # the first one reads catalogs, too, and may find what has just gone
        found = await blocks(pool, QUERIES["take_waiting"], account, "contacts", 500, [], [])
    return found


async def test_a_backlog_of_others_is_not_read_where_nothing_used_to_wait(
    pool: Pool, superuser: Any
) -> None:
    await superuser.execute(_BATCHES, 1, "acme", "committed", 20)
    await superuser.execute("VACUUM ANALYZE ingest.batches")
    await blocks_of_taking(pool, "acme")
    await superuser.execute(_BATCHES, 1_000, "other", "accepted", MANY)
    await superuser.execute(_BATCHES, 100, "acme", "accepted", 5)
    assert await blocks_of_taking(pool, "acme") <= FEW_BLOCKS


@pytest.mark.parametrize("name", ["lock_batch", "count_attempt"])
async def test_one_batch_of_a_backlog_is_looked_up(pool: Pool, superuser: Any, name: str) -> None:
    await superuser.execute(_BATCHES, 1, "acme", "committed", 20)
    await superuser.execute("VACUUM ANALYZE ingest.batches")
    await superuser.execute(_BATCHES, 1_000, "acme", "accepted", MANY)
    batch = await superuser.fetchval("SELECT max(id::text)::uuid FROM ingest.batches")
    assert await blocks(pool, QUERIES[name], "acme", batch, account="acme") <= FEW_BLOCKS


async def test_what_is_committed_is_not_read_where_everything_used_to_wait(
    pool: Pool, superuser: Any
) -> None:
    await superuser.execute(_BATCHES, 1, "acme", "accepted", 5_000)
    await superuser.execute("ANALYZE ingest.batches")
    await superuser.execute("UPDATE ingest.batches SET state = 'committed', finished_at = now()")
    await superuser.execute(_BATCHES, 10_000, "acme", "committed", MANY)
    await superuser.execute(_BATCHES, 50_000, "acme", "accepted", 5)
    await superuser.execute("VACUUM ingest.batches")
    assert await blocks_of_taking(pool, "acme") <= FEW_BLOCKS


async def test_a_page_of_batches_reads_what_it_shows(pool: Pool, superuser: Any) -> None:
    page = (QUERIES["list_batches"], "acme", None, None, None, None, None, None, None, 20, 0)
    await superuser.execute(_BATCHES, 1, "acme", "committed", 20)
    await blocks(pool, *page, account="acme")
    await superuser.execute(_BATCHES, 1_000, "other", "committed", MANY)
    assert await blocks(pool, *page, account="acme") <= FEW_BLOCKS


async def test_the_search_for_what_expired_does_not_read_what_is_kept(
    pool: Pool, superuser: Any
) -> None:
    """Batches that saved items are kept for as long as those are: for ever."""
    hour, month = dt.timedelta(hours=1), dt.timedelta(days=30)
    search = (RETENTION["expired"], hour, month, month, 1_000)
    await blocks(pool, *search)
    await superuser.execute(_BATCHES, 1, "acme", "committed", MANY)
    await superuser.execute(_BATCHES, 50_000, "acme", "committed", 20)
    for table, columns in (("payloads", "chunk, records"), ("failures", "index, raw, errors")):
        values = "0, ''" if table == "payloads" else "0, '{}', '[]'"
        await superuser.execute(
            f"INSERT INTO ingest.{table} (batch, account, {columns}) "
            f"SELECT id, account, {values} FROM ingest.batches ORDER BY id DESC LIMIT 20"
        )
    assert await blocks(pool, *search) <= 4 * FEW_BLOCKS


async def test_a_statement_is_planned_anew_without_new_statistics(
    database_url: str, superuser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What joins the table itself, to write it, has a plan for an empty table that reads it all."""
    monkeypatch.setattr("ingest.store.pool.PLAN_LIFETIME", 1)
    settings = Settings(database_url=database_url, redis_url="redis://nowhere", database_pool=1)
    apply = statements(CONTACTS, Action.UPDATE, BY_EMAIL).apply
    async with open_pool(settings) as pool:
        assert await _patched(pool, 1) == 0
        await superuser.execute(_CONTACTS, MANY)
        async with asyncio.timeout(30):
            while await _is_kept(pool, apply):  # noqa: ASYNC110 - time passes, no more
                await asyncio.sleep(0.05)
        assert 0 < await _patched(pool, 2) <= FEW_BLOCKS


async def _is_kept(pool: Pool, statement: str) -> bool:
    async with pool.connection() as connection:
        return bool(
            await connection.fetchval(
                "SELECT EXISTS (SELECT FROM pg_prepared_statements WHERE statement = $1)", statement
            )
        )


async def _patched(pool: Pool, number: int) -> int:
    """How many rows of the collection are read to change one."""
    item = {"email": f"p{number}@example.com", "age": number}
    batch = new_batch(CONTACTS, [item], Action.UPDATE, BY_EMAIL)
    await save(pool, batch)
    sql = statements(CONTACTS, Action.UPDATE, BY_EMAIL)
    async with pool.transaction("acme") as connection:
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await connection.fetch(sql.apply, [batch.id], "acme", "contacts", [], None)
        rows: int = await connection.fetchval(
            "SELECT idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'contacts'"
        )
    return rows
