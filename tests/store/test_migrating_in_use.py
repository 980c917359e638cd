"""`ingest migrate` beside writers: it keeps none of them waiting, and is not undone by them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from uuid import uuid4

import asyncpg
import pytest
from marshmallow import fields

from ingest.errors import ConfigurationError
from ingest.processes.port import free_port
from ingest.resources.registry import Registry
from ingest.store.missing import missing_tables
from migrations.run import plan
from tests.store.migrating import Fields, catalog, connected, migrated, store, things

DECLARED: Fields = {"a": fields.String(), "b": fields.String()}
PLAIN, UNIQUE = things(DECLARED), things(DECLARED, unique=["a", ("a", "b")])
_INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
_INSERT = """
INSERT INTO collections.things
    ("$account", "$batch", "$created_at", "$updated_at", id, a)
VALUES ('acme', gen_random_uuid(), now(), now(), $1::text::uuid, $1::text)
"""
_FILL = """
INSERT INTO collections.things ("$account", "$batch", "$created_at", "$updated_at", id, a)
SELECT 'acme', gen_random_uuid(), now(), now(), id, id::text
FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 20000)) ids
"""


@asynccontextmanager
async def writing(url: str) -> AsyncIterator[list[float]]:
    """A writer goes on while the block runs; yields the seconds that each of its writes took."""
    took: list[float] = []
    stop = asyncio.Event()

    async def write() -> None:
        async with connected(url) as connection:
            while not stop.is_set():
                began = time.monotonic()
                await connection.execute(_INSERT, str(uuid4()))
                took.append(time.monotonic() - began)

    writer = asyncio.create_task(write())
    try:
        yield took
    finally:
        stop.set()
        await writer


async def ready(url: str, registry: Registry) -> bool:
    async with connected(url) as connection:
        return not await missing_tables(connection, registry) and not await connection.fetchval(
            _INVALID
        )


async def test_writers_go_on_while_an_attribute_becomes_unique(empty_database: str) -> None:
    await migrated(empty_database, PLAIN)
    async with connected(empty_database) as connection:
        await connection.execute(_FILL)
        # A transaction that began before: the build waits for it, and writers do not.
        reading = connection.transaction(isolation="repeatable_read")
        await reading.start()
        await connection.fetchval("SELECT count(*) FROM collections.things")
        async with writing(empty_database) as took:
            migrating = asyncio.create_task(migrated(empty_database, UNIQUE))
            done, _ = await asyncio.wait({migrating}, timeout=0.8)
            assert not done
            waited, written = max(took), len(took)
            await reading.rollback()
            assert await migrating == [
                "things: made 'a' unique",
                "things: made 'a', 'b' unique",
            ]
    assert written > 10
    assert max(waited, *took) < 1.0
    assert await ready(empty_database, UNIQUE)
    async with connected(empty_database) as connection, connection.transaction():
        await connection.execute("SET CONSTRAINTS ALL DEFERRED")  # as declared in a new table
        await connection.execute("UPDATE collections.things SET a = 'x'")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


async def test_a_column_is_added_beside_a_long_transaction(empty_database: str) -> None:
    """Writers behind the lock that is waited for go on in turn, and the migration tries again."""
    await migrated(empty_database, PLAIN)
    wider = things({**DECLARED, "c": fields.String()})
    async with connected(empty_database) as connection:
        reading = connection.transaction()
        await reading.start()
        await connection.execute("LOCK TABLE collections.things IN ACCESS SHARE MODE")
        async with writing(empty_database) as took:
            migrating = asyncio.create_task(migrated(empty_database, wider))
            done, _ = await asyncio.wait({migrating}, timeout=1.3)
            assert not done
            await reading.rollback()
            assert await migrating == ["things: added 'c'"]
    assert max(took) < 1.5
    assert len(took) > 10


async def test_what_an_earlier_attempt_has_left_is_built_again(empty_database: str) -> None:
    """Of one index only a part, of the other all but the constraint; a third is another one."""
    await migrated(empty_database, PLAIN)
    await store(empty_database, 1, a="x")
    await store(empty_database, 2, a="x")
    async with connected(empty_database) as connection:
        create = (
            'CREATE UNIQUE INDEX CONCURRENTLY "things(a)" ON collections.things (a, "$account")'
        )
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(create)
        await connection.execute(
            'CREATE UNIQUE INDEX "things(a,b)" ON collections.things (b, "$account")'
        )
        assert await connection.fetchval(_INVALID) == 1
        with pytest.raises(ConfigurationError, match="such as items"):
            await migrated(empty_database, UNIQUE)
        await connection.execute("DELETE FROM collections.things WHERE id::text LIKE '%2'")
    assert len(await migrated(empty_database, UNIQUE)) == 2
    assert await ready(empty_database, UNIQUE)


async def test_a_value_that_repeats_while_the_index_is_built(empty_database: str) -> None:
    """It is named, nothing of the index is left, and what was made before it stays."""
    await migrated(empty_database, PLAIN)
    await store(empty_database, 1, a="x")
    wider = things({**DECLARED, "c": fields.String()}, unique=["a"])
    async with connected(empty_database) as connection:
        writer = connection.transaction()
        await writer.start()
        await connection.execute(_INSERT.replace("$1::text)", "'x')"), str(uuid4()))
        migrating = asyncio.create_task(migrated(empty_database, wider))
        await connection.execute("ALTER TABLE collections.things ADD COLUMN mine integer")
        await writer.commit()
        with pytest.raises(ConfigurationError, match=r"'a' cannot become unique.*such as items"):
            await migrating
    async with connected(empty_database) as connection:
        assert await connection.fetchval(_INVALID) == 0
        assert '"things(a)"' not in str(await catalog(empty_database))


async def test_two_migrations_at_once_take_turns(empty_database: str) -> None:
    async with connected(empty_database) as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", int.from_bytes(b"ingest", "big"))
        migrating = asyncio.create_task(migrated(empty_database, PLAIN))
        done, _ = await asyncio.wait({migrating}, timeout=0.5)
        assert not done
    assert "things: created its table" in await migrating


async def test_a_plan_is_what_is_done_and_changes_nothing(empty_database: str) -> None:
    planned = partial(asyncio.to_thread, plan, empty_database)
    whole = "\n".join(await planned(UNIQUE))
    assert whole.startswith("-- revision 0001: ")
    assert 'CREATE TABLE collections."things"' in whole
    async with connected(empty_database) as connection:
        assert not await connection.fetchval("SELECT to_regnamespace('ingest') IS NOT NULL")
    await migrated(empty_database, PLAIN)
    await store(empty_database, 1, a="x")
    before = await catalog(empty_database)
    wider = things({**DECLARED, "c": fields.Integer()}, unique=["a"])
    assert await planned(wider) == [
        "-- things: added 'c'",
        'ALTER TABLE "collections"."things" ADD COLUMN "c" BIGINT;',
        "-- things: made 'a' unique: after the others have been committed, while writers go on",
        'CREATE UNIQUE INDEX CONCURRENTLY "things(a)" ON "collections"."things" ("a", "$account");',
        'ALTER TABLE "collections"."things" ADD CONSTRAINT "things(a)" UNIQUE USING INDEX '
        '"things(a)" DEFERRABLE INITIALLY IMMEDIATE;',
    ]
    assert await catalog(empty_database) == before
    await migrated(empty_database, wider)
    assert await planned(wider) == []
    (kept,) = await planned(PLAIN)
    assert kept.startswith("-- things: keeps the unique constraint things(a)")
    assert 'ALTER TABLE "collections"."things" DROP CONSTRAINT "things(a)";' in await planned(
        PLAIN, drop=True
    )


async def test_a_database_that_does_not_come_up_is_waited_for_as_long_as_asked() -> None:
    began = time.monotonic()
    nowhere = f"postgresql://localhost:{free_port()}/x"
    with pytest.raises(ConfigurationError, match="cannot be migrated"):
        await migrated(nowhere, PLAIN, wait=0.5)
    assert 0.5 <= time.monotonic() - began < 10
