"""`ingest migrate` on a database that has nothing yet, or everything, or is not ours to change."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest import Resource
from ingest.access.rights import parse_grants
from ingest.errors import ConfigurationError
from ingest.examples import airports, contacts, deals
from ingest.processes.part import running
from ingest.processes.postgres import EmbeddedPostgres
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.pool import open_pool
from ingest.store.roles import create_role
from ingest.store.tables import REQUIRED_REVISION, missing_tables
from ingest.store.tokens import (
    create_token,
    digest_of,
    find_caller,
    list_tokens,
    revoke_token,
)
from tests.store.migrating import connected, migrated

EXAMPLES = Registry([airports, contacts, deals])
EVERYTHING = [
    f"brought the service's own tables to revision {REQUIRED_REVISION}",
    "airports: created its table",
    "contacts: created its table",
    "deals: created its table",
]

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


async def migrated_elsewhere(url: str) -> list[str]:
    """Migrate in a process of its own: within one, migrations take turns."""
    program = (
        "import sys; from ingest.resources.registry import load_registry; "
        "from migrations.run import migrate; "
        "print(*migrate(sys.argv[1], load_registry('ingest.examples')), sep='\\n')"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, url, stdout=subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().split("\n")[:-1] if output.strip() else []


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


async def test_a_schema_of_somebody_else_is_left_alone(empty_database: str) -> None:
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


@pytest.fixture
def fresh_cluster(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of its own: roles belong to all databases of one."""
    with running(EmbeddedPostgres(tmp_path / "postgres", {"fsync": "off"})) as server:
        yield server


async def test_databases_of_a_fresh_cluster_can_be_migrated_at_once(
    fresh_cluster: EmbeddedPostgres,
) -> None:
    names = ["one", "two", "three", "four"]
    for name in names:
        fresh_cluster.execute(f"CREATE DATABASE {name}")
    base = fresh_cluster.url.rpartition("/")[0]
    done = await asyncio.gather(*(migrated_elsewhere(f"{base}/{name}") for name in names))
    assert done == [EVERYTHING] * len(names)


async def test_an_owner_who_is_no_superuser_can_migrate(fresh_cluster: EmbeddedPostgres) -> None:
    fresh_cluster.execute("CREATE ROLE owner LOGIN CREATEROLE PASSWORD 'secret'")
    fresh_cluster.execute("CREATE DATABASE owned")
    fresh_cluster.execute("GRANT CREATE ON DATABASE owned TO owner")
    url = fresh_cluster.url_for("owner", "secret", "owned")
    assert await migrated(url, EXAMPLES) == EVERYTHING
    assert await migrated(url, EXAMPLES) == []
    async with connected(url, role="ingest_app") as connection:
        assert await missing_tables(connection, EXAMPLES) == []
        assert await connection.fetch("SELECT * FROM ingest.unfinished_batches('0', 10)") == []

    # What operators do needs no superuser either.
    settings = Settings(database_url=url, redis_url="")
    async with open_pool(settings, role=None) as operator, open_pool(settings) as service:
        await create_role(operator, "feed", parse_grants(["contacts=create"]))
        id_, token = await create_token(operator, "acme", "feed", role="feed", groups=["a"])
        caller = await find_caller(service, digest_of(token))
        assert caller is not None
        assert (caller.account, caller.role, caller.groups) == ("acme", "feed", ("a",))
        assert [each.id for each in await list_tokens(operator)] == [id_]
        assert await list_tokens(service) == []
        assert await revoke_token(operator, id_)
        assert await find_caller(service, digest_of(token)) is None


async def test_row_security_hides_no_duplicates_from_the_migration(
    fresh_cluster: EmbeddedPostgres,
) -> None:
    fresh_cluster.execute("CREATE ROLE owner LOGIN CREATEROLE PASSWORD 'secret'")
    fresh_cluster.execute("GRANT CREATE ON DATABASE ingest TO owner")
    url = fresh_cluster.url_for("owner", "secret")
    await migrated(url, EXAMPLES)
    fresh_cluster.execute(
        """
        INSERT INTO collections.contacts
            ("$account", "$batch", "$created_at", "$updated_at", id, first_name)
        SELECT 'acme', gen_random_uuid(), now(), now(), gen_random_uuid(), 'Ann'
        FROM generate_series(1, 2)
        """
    )
    unique = Registry([Resource("contacts", contacts.schema, unique=["email", "first_name"])])
    with pytest.raises(ConfigurationError, match=r"because of 1 value\(s\)"):
        await migrated(url, unique)
    async with connected(url) as connection:
        assert await connection.fetch("SELECT FROM collections.contacts") == []


async def test_a_login_without_the_right_is_told_what_it_needs(
    fresh_cluster: EmbeddedPostgres,
) -> None:
    fresh_cluster.execute("CREATE ROLE visitor LOGIN PASSWORD 'secret'")
    url = fresh_cluster.url_for("visitor", "secret", "postgres")
    with pytest.raises(ConfigurationError, match=r"permission denied.*CREATEROLE and CREATE"):
        await migrated(url, EXAMPLES)


async def test_a_role_that_could_bypass_row_security_is_refused(
    fresh_cluster: EmbeddedPostgres,
) -> None:
    fresh_cluster.execute("CREATE ROLE ingest_app NOLOGIN BYPASSRLS")
    with pytest.raises(ConfigurationError, match="may bypass row-level security"):
        await migrated(fresh_cluster.url, EXAMPLES)
