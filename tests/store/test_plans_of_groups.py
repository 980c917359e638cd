"""What a token that is confined to groups reads: what it is shown, and not its whole account."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from ingest.model import AtMost, Selection
from ingest.settings import Settings
from ingest.store.pool import Pool, open_pool
from ingest.store.reads import list_items, page_sql
from tests.harness import REGISTRY

ROWS = 100_000
"""Items of the account. One in a hundred is of group `g1`, one in a hundred of `g2`; half of them
are of no group."""
OWN = ROWS // 100
CONTACTS = REGISTRY["contacts"]
EMAIL = next(field for field in CONTACTS.fields if field.name == "email")
NAME = next(field for field in CONTACTS.fields if field.name == "first_name")
_FILL = """
INSERT INTO collections.contacts
    ("$account", "$batch", "$version", "$created_at", "$updated_at", "$group", id, email,
     first_name)
SELECT 'acme', gen_random_uuid(), 1, now(), now(),
       CASE WHEN n % 2 = 1 THEN 'g' || n % 100 END,
       ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       'p' || n || '@example.com', 'P'
FROM generate_series(1, $1::integer) n
"""


@pytest.fixture(scope="module", params=[False, True], ids=["never analyzed", "analyzed"])
def analyzed(request: pytest.FixtureRequest) -> bool:
    """Whether the database has statistics, which it lacks for a minute after a first import."""
    return bool(request.param)


@pytest.fixture(scope="module")
def filled_url(analyzed: bool, postgres_url: str, migrated_template: str) -> Iterator[str]:
    name = f"groups_{analyzed}".lower()
    url = urlsplit(postgres_url)._replace(path=f"/{name}").geturl()

    async def fill() -> None:
        await _execute(postgres_url, f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
        await _execute(url, "ALTER TABLE collections.contacts SET (autovacuum_enabled = off)")
        await _execute(url, _FILL, ROWS)
        await _execute(url, "VACUUM collections.contacts")
        if analyzed:
            await _execute(url, "ANALYZE collections.contacts")

    asyncio.run(fill())
    yield url
    asyncio.run(_execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, statement: str, *arguments: Any) -> None:
    # VACUUM marks as visible to all only what was written to disk.
    on = {"synchronous_commit": "on"}
    connection = await asyncpg.connect(url, server_settings=on)
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()


@pytest.fixture
async def pool(filled_url: str) -> AsyncIterator[Pool]:
    settings = Settings(database_url=filled_url, redis_url="redis://nowhere")
    async with open_pool(settings, statement_timeout=60) as pool:
        yield pool


async def blocks(pool: Pool, mode: str, statement: str, *arguments: Any) -> int:
    """How many blocks a statement reads, as the service runs it: under row-level security."""
    async with pool.transaction("acme") as connection:
        await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        text = await connection.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}", *arguments
        )
    plan = json.loads(text)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


MODES = pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])


@MODES
@pytest.mark.parametrize("groups", [["g1"], ["g1", "g3", "g5"]])
async def test_a_page_of_groups_reads_what_it_shows(
    pool: Pool, analyzed: bool, mode: str, groups: list[str]
) -> None:
    page, count = page_sql(CONTACTS, [], select=Selection(meta=True), confined=True)
    for limit, offset in ((1, 0), (100, 0), (100, 300)):
        # Items of a group are far from each other: a block each, and the way down the index.
        # Who believes that there are two of them reads the whole group; never the account.
        read = limit + offset if analyzed else OWN
        most = len(groups) * (read + 20)
        assert await blocks(pool, mode, page, "acme", groups, limit, offset, 10_000) <= most
    counted = OWN / 10 if analyzed else OWN + 20  # in the index, which has many of them in a block
    assert await blocks(pool, mode, count, "acme", groups) <= len(groups) * counted


@MODES
async def test_filters_of_a_confined_token_find_their_items_themselves(
    pool: Pool, mode: str
) -> None:
    page, count = page_sql(CONTACTS, [(EMAIL, [0])], select=Selection(), confined=True)
    key = ("acme", "p101@example.com", ["g1", "g3"])
    assert await blocks(pool, mode, page, *key, 100, 0, 10_000) <= 40
    assert await blocks(pool, mode, count, *key) <= 40


async def test_pages_of_several_groups_are_one_list(pool: Pool) -> None:
    groups = ["g5", "g1", "g3"]
    at_most = AtMost(1_000, 16 * 1024 * 1024)
    whole = await list_items(pool, CONTACTS, "acme", [], at_most=at_most, offset=0, groups=groups)
    assert whole.total == 3 * OWN
    keys = [json.loads(row)["id"] for row in whole.rows]
    assert keys == sorted(keys)
    numbers = [int(key[-12:], 16) for key in keys]
    assert numbers == [n for n in range(1, ROWS) if n % 100 in (1, 3, 5)][:1_000]
    part = await list_items(
        pool,
        CONTACTS,
        "acme",
        [(NAME, ["P"])],
        at_most=AtMost(10, 10_000),
        offset=995,
        groups=groups,
    )
    assert [json.loads(row)["id"] for row in part.rows][:5] == keys[995:]
    assert (len(part.rows), part.total) == (10, 3 * OWN)


async def test_items_of_no_group_are_not_in_the_index(filled_url: str) -> None:
    connection = await asyncpg.connect(filled_url)
    try:
        await connection.execute('REINDEX INDEX collections."contacts($group)"')
        entries = await connection.fetchval(
            """SELECT reltuples FROM pg_class WHERE relname = 'contacts($group)'"""
        )
    finally:
        await connection.close()
    assert entries == ROWS / 2
