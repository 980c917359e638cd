"""`ingest migrate` on a database that has nothing yet, or everything, or is not ours to change."""

import asyncio
from importlib.resources import files
from typing import Any

import pytest

from ingest.errors import ConfigurationError
from ingest.examples import airports, deals
from ingest.ids import uuid7
from ingest.resources.registry import Registry
from ingest.store.missing import missing_tables
from ingest.store.session import ROLE
from ingest.store.tables import REQUIRED_REVISION
from tests.store.migrating import EVERYTHING, EXAMPLES, connected, migrated, migrated_elsewhere

FIRST = files("migrations") / "versions" / "0001_service_tables.sql"
SERVICE_COLUMNS = [
    ("$account", "text", "NO"),
    ("$batch", "uuid", "NO"),
    ("$version", "bigint", "NO"),
    ("$created_at", "timestamp with time zone", "NO"),
    ("$updated_at", "timestamp with time zone", "NO"),
    ("$group", "text", "YES"),
]
EXPECTED_COLUMNS = {
    "airports": [
        *SERVICE_COLUMNS,
        ("iata", "text", "NO"),
        ("name", "text", "YES"),
        ("city", "text", "YES"),
        ("state", "text", "YES"),
        ("country", "text", "YES"),
        ("latitude", "double precision", "YES"),
        ("longitude", "double precision", "YES"),
    ],
    "contacts": [
        *SERVICE_COLUMNS,
        ("id", "uuid", "NO"),
        ("email", "text", "YES"),
        ("first_name", "text", "YES"),
        ("last_name", "text", "YES"),
        ("company", "text", "YES"),
        ("phone", "text", "YES"),
        ("country", "text", "YES"),
        ("age", "bigint", "YES"),
        ("subscribed", "boolean", "YES"),
        ("status", "text", "YES"),
        ("tags", "jsonb", "YES"),
    ],
    "deals": [
        *SERVICE_COLUMNS,
        ("id", "uuid", "NO"),
        ("title", "text", "YES"),
        ("value", "numeric", "YES"),
        ("currency", "text", "YES"),
        ("stage", "text", "YES"),
        ("contact_id", "uuid", "YES"),
        ("expected_on", "date", "YES"),
        ("closed_at", "timestamp with time zone", "YES"),
    ],
}
EXPECTED_CONSTRAINTS = [
    ("airports_pkey", 'PRIMARY KEY ("$account", iata)'),
    ("contacts(email)", 'UNIQUE (email, "$account") DEFERRABLE'),
    ("contacts_pkey", 'PRIMARY KEY ("$account", id)'),
    ("deals_pkey", 'PRIMARY KEY ("$account", id)'),
]


async def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    async with connected(url) as connection:
        return [tuple(row) for row in await connection.fetch(sql)]


async def test_a_fresh_database_gets_the_expected_schema(empty_database: str) -> None:
    assert await migrated(empty_database, EXAMPLES) == EVERYTHING
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table, *column in await rows(
        empty_database,
        """
        SELECT table_name::text, column_name::text, data_type::text, is_nullable::text
        FROM information_schema.columns WHERE table_schema = 'collections'
        ORDER BY table_name, ordinal_position
        """,
    ):
        found.setdefault(table, []).append(tuple(column))
    assert found == EXPECTED_COLUMNS
    constraints = await rows(
        empty_database,
        """
        SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'collections'::regnamespace AND contype <> 'n' ORDER BY conname
        """,
    )
    assert constraints == EXPECTED_CONSTRAINTS


async def test_text_is_compared_byte_by_byte(empty_database: str) -> None:
    await migrated(empty_database, EXAMPLES)
    others = await rows(
        empty_database,
        """
        SELECT attrelid::regclass::text, attname::text FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid AND relkind = 'r'
        WHERE relnamespace = 'collections'::regnamespace AND atttypid = 'text'::regtype
          AND attcollation <> '"C"'::regcollation
        """,
    )
    assert others == []


async def test_pages_leave_room_for_updates(empty_database: str) -> None:
    await migrated(empty_database, EXAMPLES)
    options = await rows(
        empty_database,
        """
        SELECT DISTINCT reloptions FROM pg_class
        WHERE relnamespace = 'collections'::regnamespace AND relkind = 'r'
        """,
    )
    assert options == [(["fillfactor=90"],)]


async def test_vacuum_keeps_up_with_payloads_and_cleans_what_waits(empty_database: str) -> None:
    await migrated(empty_database, EXAMPLES)
    options = await rows(
        empty_database,
        """
        SELECT t.oid::regclass::text, t.reloptions, toast.reloptions
        FROM pg_class t LEFT JOIN pg_class toast ON toast.oid = t.reltoastrelid
        WHERE t.oid IN ('ingest.payloads'::regclass, 'ingest.batches'::regclass) ORDER BY 1
        """,
    )
    quick = ["autovacuum_vacuum_cost_delay=0", "autovacuum_vacuum_scale_factor=0.05"]
    assert options == [
        (
            "ingest.batches",
            [
                "autovacuum_vacuum_threshold=5000",
                "autovacuum_vacuum_scale_factor=0.02",
                "vacuum_index_cleanup=on",
            ],
            None,
        ),
        ("ingest.payloads", [*quick, "vacuum_truncate=off"], quick),
    ]


async def test_a_second_migration_does_nothing(empty_database: str) -> None:
    await migrated(empty_database, EXAMPLES)
    assert await migrated(empty_database, EXAMPLES) == []


async def test_migrations_at_once_wait_for_each_other(empty_database: str) -> None:
    done = await asyncio.gather(*(migrated_elsewhere(empty_database) for _ in range(4)))
    assert sorted(done, key=len) == [[], [], [], EVERYTHING]


async def test_threads_take_turns(empty_database: str) -> None:
    done = await asyncio.gather(*(migrated(empty_database, EXAMPLES) for _ in range(4)))
    assert sorted(done, key=len) == [[], [], [], EVERYTHING]


async def test_readiness_names_what_is_missing(empty_database: str) -> None:
    async with connected(empty_database) as connection:
        assert await missing_tables(connection, EXAMPLES) == [
            f"ingest at revision {REQUIRED_REVISION}",
            "collections.airports",
            "collections.contacts",
            "collections.deals",
        ]
    await migrated(empty_database, Registry([airports]))
    async with connected(empty_database, role="ingest_app") as connection:
        assert await missing_tables(connection, Registry([airports])) == []
        assert await missing_tables(connection, Registry([airports, deals])) == [
            "collections.deals"
        ]


async def test_readiness_takes_a_later_revision(empty_database: str) -> None:
    await migrated(empty_database, EXAMPLES)
    async with connected(empty_database) as connection:
        await connection.execute("UPDATE ingest.schema_version SET version_num = '9998'")
        assert await missing_tables(connection, EXAMPLES) == []
        await connection.execute("DELETE FROM ingest.schema_version")
        assert await missing_tables(connection, EXAMPLES) == [
            f"ingest at revision {REQUIRED_REVISION}"
        ]


async def test_a_database_of_a_later_version_is_left_alone(empty_database: str) -> None:
    await migrated(empty_database, Registry([airports]))
    async with connected(empty_database) as connection:
        await connection.execute("UPDATE ingest.schema_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="at revision 9999, which this version"):
        await migrated(empty_database, EXAMPLES)
    async with connected(empty_database) as connection:
        assert "collections.deals" in await missing_tables(connection, EXAMPLES)


async def test_a_schema_that_is_not_ours_is_left_alone(empty_database: str) -> None:
    async with connected(empty_database) as connection:
        await connection.execute("CREATE SCHEMA collections")
    with pytest.raises(ConfigurationError, match='schema "collections" already exists'):
        await migrated(empty_database, EXAMPLES)
    assert await rows(empty_database, "SELECT to_regnamespace('ingest')") == [(None,)]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://someone@127.0.0.1:1/db", "127.0.0.1"),
        ("mysql://someone:hush@127.0.0.1/db", "invalid DSN"),
    ],
)
async def test_a_database_that_cannot_be_reached_is_one_clear_error(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        await migrated(url, EXAMPLES)
    assert "hush" not in str(caught.value)


async def test_a_database_of_the_first_revision_goes_on(empty_database: str) -> None:
    digest = bytes(32)
    async with connected(empty_database) as connection:
        await connection.execute(FIRST.read_text(encoding="utf-8"))
        await connection.execute("INSERT INTO ingest.schema_version VALUES ('0001')")
        await connection.execute(
            """INSERT INTO ingest.tokens (id, account, name, secret_hash)
            VALUES ($1, 'acme', 'feed', $2)""",
            uuid7(),
            digest,
        )
    assert await migrated(empty_database, EXAMPLES) == EVERYTHING
    async with connected(empty_database, ROLE) as connection:
        assert await missing_tables(connection, EXAMPLES) == []
        found = await connection.fetch(
            "SELECT account, role, dialect FROM ingest.find_token($1)", digest
        )
    assert [tuple(row) for row in found] == [("acme", "writer", None)]
