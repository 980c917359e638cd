"""The statements of a commit at 100,000 stored rows: their cost grows with the batch, no more.

Executed with EXPLAIN as a worker executes them: as `ingest_app`, under row-level security. Once
with a table that was never analyzed, which a first import meets, and once with statistics.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import asyncpg
import pytest

from ingest.model import Action, NewBatch, Options, Resolution
from ingest.settings import Settings
from ingest.store.pool import Pool, open_pool
from ingest.store.staging import stage
from ingest.store.statements import statements
from tests.harness import REGISTRY
from tests.staged import new_batch

ROWS, OTHERS = 100_000, 5_000
# Of the table and its indexes, for each item: a descent through two indexes, and one write of each.
BLOCKS_AN_ITEM = 40
# Of any step of a statement; joined each with each, a thousand items would have a million.
ROWS_AN_ITEM = 10
_THROWN_AWAY = ("Rows Removed by Filter", "Rows Removed by Join Filter")
CONTACTS = REGISTRY["contacts"]
_FILL = """
INSERT INTO collections.contacts
    ("$account", "$batch", "$version", "$created_at", "$updated_at", id, email, first_name)
SELECT $1, gen_random_uuid(), 1, now(), now(),
       ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       'p' || n || '@example.com', 'P' || n
FROM generate_series($2::integer, $3::integer) n
"""
_QUIET_HOUR = """
WITH batch AS (
    INSERT INTO ingest.batches
        (id, account, collection, action, options, state, trace_id, received,
         accepted_at, finished_at)
    SELECT gen_random_uuid(), 'acme', 'contacts', 'create', '{}', 'committed', 'trace', 1,
           now(), now()
    FROM generate_series(1, 5)
    RETURNING id, account
)
INSERT INTO ingest.payloads (batch, chunk, account, records)
SELECT id, 0, account, '[]' FROM batch;
ANALYZE ingest.batches, ingest.payloads;
"""


def stored(number: int) -> dict[str, Any]:
    """One of the stored contacts, far from its neighbours in the batch."""
    place = number * 83 % ROWS + 1
    return {
        "id": f"00000000-0000-7000-8000-{place:012x}",
        "email": f"p{place}@example.com",
        "first_name": f"P{place}",
        "age": 5,
    }


def chosen(*names: str) -> Any:
    return lambda number: {name: stored(number)[name] for name in names}


def taken(number: int) -> dict[str, Any]:
    return {"id": stored(number)["id"], "email": stored(number + 1)["email"]}


class Kind(NamedTuple):
    """A kind of batch, and its items by number."""

    action: Action
    options: Options
    item: Any


MERGE, IGNORE = Options(resolution=Resolution.MERGE), Options(resolution=Resolution.IGNORE)
BY_EMAIL = Options(matching="email")
KINDS = {
    "create": Kind(
        Action.CREATE, Options(), lambda n: {"email": f"new{n}@example.com", "first_name": "N"}
    ),
    "create, and show nothing": Kind(
        Action.CREATE,
        Options(representation=False),
        lambda n: {"email": f"new{n}@example.com", "first_name": "N"},
    ),
    "merge": Kind(Action.CREATE, MERGE, stored),
    "merge by email": Kind(
        Action.CREATE,
        Options(resolution=Resolution.MERGE, matching="email"),
        chosen("email", "first_name", "age"),
    ),
    "ignore": Kind(Action.CREATE, IGNORE, stored),
    "patch": Kind(Action.UPDATE, Options(lenient=True), taken),
    "patch by email": Kind(Action.UPDATE, BY_EMAIL, chosen("email", "age")),
    "delete": Kind(Action.DELETE, Options(), chosen("id")),
    "delete by email": Kind(Action.DELETE, BY_EMAIL, chosen("email")),
}


@pytest.fixture(scope="module", params=["never analyzed", "analyzed"])
def filled_url(request: Any, postgres_url: str, migrated_template: str) -> Iterator[str]:
    """A database with 100,000 contacts of `acme`, and some of another account."""
    name = f"plans_{request.param.replace(' ', '_')}"
    url = urlsplit(postgres_url)._replace(path=f"/{name}").geturl()

    async def fill() -> None:
        async with _connected(postgres_url) as connection:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
        async with _connected(url) as connection:
            await connection.execute(
                "ALTER TABLE collections.contacts SET (autovacuum_enabled=off)"
            )
            for account, rows in (("acme", ROWS), ("other", OTHERS)):
                await connection.execute(_FILL, account, 1, rows)
            if request.param == "analyzed":
                await connection.execute("ANALYZE collections.contacts")
                # A few batches, as after a quiet hour; the next burst leaves thousands.
                await connection.execute(_QUIET_HOUR)

    async def drop() -> None:
        async with _connected(postgres_url) as connection:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    asyncio.run(fill())
    yield url
    asyncio.run(drop())


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def pool(filled_url: str) -> AsyncIterator[Pool]:
    settings = Settings(database_url=filled_url, redis_url="redis://nowhere")
    async with open_pool(settings, statement_timeout=60) as pool:
        yield pool


class Plan(NamedTuple):
    """What EXPLAIN says of one executed statement."""

    document: dict[str, Any]

    @property
    def blocks(self) -> int:
        plan = self.document["Plan"]
        read: int = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        return read

    @property
    def rows(self) -> int:
        """The most that any step had in its hands: what it gave on, and what it threw away."""
        return max(
            node["Actual Loops"] * sum(node.get(rows, 0) for rows in ("Actual Rows", *_THROWN_AWAY))
            for node in _nodes(self.document["Plan"])
        )

    @property
    def scans(self) -> list[dict[str, Any]]:
        """How the table itself is read; its rows as they are written are no scan."""
        return self.scans_of("contacts")

    def scans_of(self, *tables: str) -> list[dict[str, Any]]:
        return [
            node
            for node in _nodes(self.document["Plan"])
            if node.get("Relation Name") in tables and node["Node Type"].endswith("Scan")
        ]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def batch_of(kind: Kind, count: int) -> NewBatch:
    items = [kind.item(number) for number in range(count)]
    return new_batch(CONTACTS, items, kind.action, kind.options)


async def explain(pool: Pool, kind: Kind, count: int, mode: str) -> dict[str, Plan]:
    """Execute every statement of a batch of `count` items, and undo it."""
    batch = batch_of(kind, count)
    sql = statements(CONTACTS, kind.action, kind.options)
    key: tuple[Any, ...] = ([batch.id], "acme")
    calls = {
        "check": (sql.check, (*key, []) if kind.options.lenient else key),
        "stranded": (sql.stranded, (*key, [0])),
        "creating": (sql.creating, (*key, [0])),
        "apply": (sql.apply, (*key, "contacts", [*range(0, count, 4)], [0])),
        "unchecked": (sql.unchecked, (*key, "contacts", [], None)),
    }
    plans = {}
    try:
        async with pool.transaction("acme") as connection:
            await stage(connection, "acme", [batch])
            await connection.execute(
                f"SET LOCAL plan_cache_mode = {mode}; SET CONSTRAINTS ALL DEFERRED"
            )
            for name, (statement, arguments) in calls.items():
                if statement is not None:
                    await connection.execute("SAVEPOINT before")
                    text = await connection.fetchval(
                        f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}",
                        *arguments,
                    )
                    plans[name] = Plan(json.loads(text)[0])
                    await connection.execute("ROLLBACK TO SAVEPOINT before")
            raise _Undo
    except _Undo:
        return plans


class _Undo(Exception):
    pass


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", KINDS)
async def test_a_commit_reads_what_its_items_need_and_no_more(
    pool: Pool, name: str, mode: str
) -> None:
    kind = KINDS[name]
    small = await explain(pool, kind, 10, mode)
    large = await explain(pool, kind, 1_000, mode)
    assert {"check", "apply"} <= set(large)
    for statement, plan in large.items():
        for scan in plan.scans:
            _assert_looks_rows_up(scan)
        for scan in plan.scans_of("batches", "payloads"):
            _assert_looks_batches_up(scan)
        assert plan.blocks <= 1_000 * BLOCKS_AN_ITEM, statement
        assert plan.rows <= 1_000 * ROWS_AN_ITEM, statement
        # Nor is the table read for the sake of a few items.
        assert small[statement].blocks <= 300 + 10 * BLOCKS_AN_ITEM, statement


def _assert_looks_rows_up(scan: dict[str, Any]) -> None:
    """By account and value through an index: the account alone would read all that it has."""
    assert scan["Node Type"] in ("Index Scan", "Index Only Scan"), scan
    condition = scan["Index Cond"]
    assert "$account" in condition, condition
    assert "id = " in condition or "email = " in condition, condition


def _assert_looks_batches_up(scan: dict[str, Any]) -> None:
    """By their ids: an account may have any number of them, and no statistics tell."""
    condition = scan.get("Index Cond") or scan.get("Recheck Cond") or "nothing"
    assert re.search(r"\b(id|batch) = ", condition), scan


@pytest.mark.own_database
@pytest.mark.parametrize("name", ["create", "merge", "patch", "delete"])
async def test_a_plan_that_was_made_for_a_small_table_serves_a_large_one(
    database_url: str, name: str
) -> None:
    """A worker keeps its plans; until autovacuum has been there, nothing makes it plan anew."""
    kind = KINDS[name]
    sql = statements(CONTACTS, kind.action, kind.options)
    settings = Settings(database_url=database_url, redis_url="redis://nowhere")
    async with _connected(database_url) as superuser, open_pool(settings) as pool:
        await superuser.execute("ALTER TABLE collections.contacts SET (autovacuum_enabled = off)")
        await superuser.execute(_FILL, "acme", 1, 500)
        await superuser.execute("VACUUM ANALYZE collections.contacts")
        async with pool.transaction("acme") as connection:
            batch = batch_of(kind, 1_000)
            await stage(connection, "acme", [batch])
            await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            failed = ", '{}'" if kind.options.lenient else ""
            given = f"'{{{batch.id}}}', 'acme', 'contacts'"
            assert sql.unchecked is not None
            calls = {
                f"""check_it('{{{batch.id}}}', 'acme'{failed})""": sql.check,
                f"apply_it({given}, '{{0}}', '{{0}}')": sql.apply,
                f"unchecked_of({given}, '{{}}', NULL)": sql.unchecked,
            }
            for call, statement in calls.items():
                await connection.execute(f"PREPARE {call.partition('(')[0]} AS {statement}")
                await connection.fetch(f"EXPLAIN EXECUTE {call}")
            await superuser.execute(_FILL, "acme", 501, ROWS)
            for call in calls:
                text = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE {call}")
                for scan in Plan(json.loads(text)[0]).scans:
                    _assert_looks_rows_up(scan)


async def test_matching_by_any_other_field_reads_the_account_once(pool: Pool) -> None:
    """100 times as many items cost no second reading."""
    kind = Kind(Action.UPDATE, Options(matching="first_name"), chosen("first_name", "age"))
    for count in (10, 1_000):
        plans = await explain(pool, kind, count, "force_custom_plan")
        whole = [scan for scan in plans["check"].scans if "id = " not in scan.get("Index Cond", "")]
        whole = [scan for scan in whole if "email = " not in scan.get("Index Cond", "")]
        assert [scan["Actual Loops"] for scan in whole] == [1]


async def test_no_operator_of_an_index_is_kept_from_it_by_row_level_security(pool: Pool) -> None:
    """An index condition under row-level security must be leakproof; numeric's is not."""
    async with pool.connection() as connection:
        leaking = await connection.fetch(
            """SELECT DISTINCT format_type(a.atttypid, NULL)
            FROM pg_index i
            JOIN pg_class t ON t.oid = i.indrelid AND t.relnamespace = 'collections'::regnamespace
            JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY(i.indkey)
            JOIN pg_operator o ON o.oprname = '=' AND o.oprleft = a.atttypid
                AND o.oprright = a.atttypid
            JOIN pg_proc p ON p.oid = o.oprcode
            WHERE NOT p.proleakproof"""
        )
    assert not leaking
