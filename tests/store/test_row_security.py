"""The database itself isolates accounts, for any SQL that the service runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from ingest.examples import airports, contacts, deals
from ingest.resources.registry import Registry
from tests.store.migrating import connected, migrated

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

# One row of each table for acme, and one for rival.
ROWS = """
    INSERT INTO ingest.tokens (id, account, name, secret_hash)
        SELECT gen_random_uuid(), account, 'test', sha256(account::bytea) FROM unnest($1) account;
    INSERT INTO ingest.counters (account, collection)
        SELECT account, 'airports' FROM unnest($1) account;
    INSERT INTO ingest.quotas (account, collection, maximum)
        SELECT account, 'airports', 10 FROM unnest($1) account;
    INSERT INTO ingest.batches
            (id, account, collection, action, options, state, trace_id, received, accepted_at)
        SELECT gen_random_uuid(), account, 'airports', 'create', '{}', 'accepted', 't', 1,
            now() - interval '1 hour'
        FROM unnest($1) account;
    INSERT INTO ingest.payloads (batch, chunk, account, records)
        SELECT id, 0, account, '[]' FROM ingest.batches;
    INSERT INTO ingest.failures (batch, index, account, raw, errors)
        SELECT id, 0, account, '{}', '[]' FROM ingest.batches;
    INSERT INTO ingest.changes (batch, index, account, record)
        SELECT id, 0, account, '{}' FROM ingest.batches;
    INSERT INTO ingest.before_images
            (batch, deleted, chunk, account, collection, bytes, writers)
        SELECT id, true, 0, account, 'airports', 1, '{}' FROM ingest.batches;
    INSERT INTO images.airports (batch, deleted, chunk, account, images)
        SELECT id, true, 0, account, '{}' FROM ingest.batches;
    INSERT INTO collections.airports ("$account", "$batch", "$created_at", "$updated_at", iata)
        SELECT account, id, now(), now(), 'FRA' FROM ingest.batches;
    INSERT INTO collections.contacts ("$account", "$batch", "$created_at", "$updated_at", id)
        SELECT account, id, now(), now(), gen_random_uuid() FROM ingest.batches;
    INSERT INTO collections.deals ("$account", "$batch", "$created_at", "$updated_at", id)
        SELECT account, id, now(), now(), gen_random_uuid() FROM ingest.batches;
""".replace("$1", "ARRAY['acme', 'rival']")
TABLES = {
    "ingest.tokens": "account",
    "ingest.counters": "account",
    "ingest.quotas": "account",
    "ingest.batches": "account",
    "ingest.payloads": "account",
    "ingest.failures": "account",
    "ingest.changes": "account",
    "ingest.before_images": "account",
    "images.airports": "account",
    "collections.airports": '"$account"',
    "collections.contacts": '"$account"',
    "collections.deals": '"$account"',
}
READ_ONLY = ["ingest.tokens", "ingest.quotas"]
"""What the service has no right to change, for any account."""


@pytest.fixture
async def database(empty_database: str) -> str:
    """A migrated database in which two accounts have a row in every table."""
    await migrated(empty_database, Registry([airports, contacts, deals]))
    async with connected(empty_database) as connection:
        await connection.execute(ROWS)
    return empty_database


@asynccontextmanager
async def service(url: str, account: str | None = None) -> "AsyncIterator[Connection]":
    """A transaction as the service has it, of one account or of none."""
    async with connected(url, role="ingest_app") as connection, connection.transaction():
        if account is not None:
            await connection.execute("SELECT set_config('ingest.account', $1, true)", account)
        yield connection


async def test_every_table_forces_row_security(database: str) -> None:
    async with connected(database) as connection:
        unforced = await connection.fetch(
            """
            SELECT relnamespace::regnamespace || '.' || relname FROM pg_class
            WHERE relnamespace::regnamespace::text IN ('ingest', 'collections', 'images')
              AND relkind = 'r'
              AND NOT (relrowsecurity AND relforcerowsecurity)
            """
        )
    assert unforced == [("ingest.schema_version",)]


@pytest.mark.parametrize("table", TABLES)
async def test_without_an_account_no_row_is_seen(database: str, table: str) -> None:
    async with service(database) as connection:
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0


@pytest.mark.parametrize("table", [table for table in TABLES if table not in READ_ONLY])
async def test_an_account_sees_and_changes_its_own_rows_only(database: str, table: str) -> None:
    account = TABLES[table]
    async with service(database, "acme") as connection:
        assert await connection.fetch(f"SELECT {account} FROM {table}") == [("acme",)]
        assert await connection.execute(f"UPDATE {table} SET {account} = {account}") == "UPDATE 1"
        assert await connection.execute(f"DELETE FROM {table}") == "DELETE 1"
    async with service(database, "rival") as connection:
        assert await connection.fetch(f"SELECT {account} FROM {table}") == [("rival",)]


@pytest.mark.parametrize("table", READ_ONLY)
async def test_some_tables_are_only_read(database: str, table: str) -> None:
    async with service(database, "acme") as connection:
        assert await connection.fetch(f"SELECT account FROM {table}") == [("acme",)]
    for statement in (
        f"UPDATE {table} SET account = account",
        f"DELETE FROM {table}",
        f"INSERT INTO {table} SELECT * FROM {table}",
    ):
        async with service(database, "acme") as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                await connection.execute(statement)


@pytest.mark.parametrize("table", ["ingest.roles", "ingest.role_rights"])
async def test_only_the_look_up_sees_roles(database: str, table: str) -> None:
    for account in (None, "acme"):
        async with service(database, account) as connection:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0


@pytest.mark.parametrize("table", [table for table in TABLES if table not in READ_ONLY])
async def test_an_account_cannot_write_for_another(database: str, table: str) -> None:
    async with service(database, "acme") as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute(f"UPDATE {table} SET {TABLES[table]} = 'rival'")
    async with service(database, "acme") as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute(
                f"INSERT INTO {table} SELECT (jsonb_populate_record(t, "
                f"""jsonb_build_object(trim('"' from $1::text), 'rival'))).* FROM {table} t""",
                TABLES[table],
            )


async def test_an_account_ends_with_its_transaction(database: str) -> None:
    count = "SELECT count(*) FROM collections.airports"
    async with connected(database, role="ingest_app") as connection:
        async with connection.transaction():
            await connection.execute("SELECT set_config('ingest.account', 'acme', true)")
            assert await connection.fetchval(count) == 1
        assert await connection.fetchval(count) == 0


@pytest.mark.parametrize(
    "escape",
    [
        "SET LOCAL row_security = off; SELECT FROM collections.airports",
        "ALTER TABLE collections.airports NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE collections.airports DISABLE ROW LEVEL SECURITY",
        "DROP POLICY own_account ON collections.airports",
        "CREATE POLICY mine ON collections.airports USING (true)",
        "ALTER ROLE ingest_app BYPASSRLS",
        "TRUNCATE collections.airports",
        "UPDATE ingest.schema_version SET version_num = '9'",
        "CREATE TABLE ingest.mine ()",
        "CREATE TABLE collections.mine ()",
    ],
)
async def test_the_service_cannot_lift_row_security(database: str, escape: str) -> None:
    async with service(database, "acme") as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(escape)


async def test_the_roles_cannot_bypass_row_security(database: str) -> None:
    async with connected(database) as connection:
        roles = await connection.fetch(
            """
            SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcanlogin FROM pg_roles
            WHERE rolname IN ('ingest_app', 'ingest_lookup') ORDER BY rolname
            """
        )
    assert roles == [("ingest_app", False), ("ingest_lookup", False)]


async def test_the_sweeper_finds_the_batches_of_all_accounts(database: str) -> None:
    async with service(database) as connection:
        find = "SELECT account FROM ingest.unfinished_batches($1, $2) ORDER BY account"
        minute, day = timedelta(minutes=1), timedelta(days=1)
        assert await connection.fetch(find, minute, 10) == [("acme",), ("rival",)]
        assert len(await connection.fetch(find, minute, 1)) == 1
        assert await connection.fetch(find, day, 10) == []


async def test_a_token_is_found_before_its_account_is_known(database: str) -> None:
    find = "SELECT account FROM ingest.find_token(sha256($1))"
    async with service(database) as connection:
        assert await connection.fetchval(find, b"rival") == "rival"
        assert await connection.fetchval(find, b"unknown") is None


@pytest.mark.parametrize(
    "change", ["revoked_at = now()", "expires_at = now() - interval '1 second'"]
)
async def test_a_token_that_ended_is_not_found(database: str, change: str) -> None:
    async with connected(database) as connection:
        await connection.execute(f"UPDATE ingest.tokens SET {change} WHERE account = 'rival'")
    async with service(database) as connection:
        assert await connection.fetch("SELECT ingest.find_token(sha256('rival'))") == []
        assert len(await connection.fetch("SELECT ingest.find_token(sha256('acme'))")) == 1


@pytest.mark.parametrize(
    "call",
    [
        "find_token('')",
        "unfinished_batches('0', 1)",
        "expired_batches('0', '0', '0', 1)",
        "backlog(NULL)",
    ],
)
async def test_no_other_role_may_call_what_looks_across_accounts(database: str, call: str) -> None:
    async with connected(database) as connection:
        transaction = connection.transaction()  # rolled back: roles outlive a database
        await transaction.start()
        await connection.execute("CREATE ROLE visitor; GRANT USAGE ON SCHEMA ingest TO visitor")
        await connection.execute("SET LOCAL ROLE visitor")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for func"):
            await connection.execute(f"SELECT ingest.{call}")
        await transaction.rollback()
